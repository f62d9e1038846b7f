"""The run's discriminator as an extractor: its own features, left as it was found, told apart by its weights."""

import pytest
import torch
from torch import Tensor

from ganzoo import registry
from ganzoo.conditioning.projection import projection
from ganzoo.errors import UserError
from ganzoo.features import discriminator as module
from ganzoo.features.discriminator import discriminator
from ganzoo.randomness import initialization
from ganzoo.testing.toys import ToyDiscriminator


def network(seed: int = 0, **arguments: object) -> ToyDiscriminator:
    with initialization(seed, "discriminator"):
        return ToyDiscriminator(image_shape=(1, 16, 16), **arguments)  # type: ignore[arg-type]


def images(num: int) -> Tensor:
    rng = torch.Generator().manual_seed(0)
    return torch.randint(256, (num, 1, 16, 16), dtype=torch.uint8, generator=rng)


def test_its_features_are_those_of_the_network_on_images_of_minus_1_to_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH_SIZE", 3)
    d = network()
    x_NCHW = images(7)
    with torch.no_grad():
        output = d(x_NCHW / 127.5 - 1, taps=["block0"])
    torch.testing.assert_close(discriminator(discriminator=d)(x_NCHW), output.features_NF)
    tapped = discriminator(tap="block0", discriminator=d)
    torch.testing.assert_close(tapped(x_NCHW), output.taps["block0"].mean((2, 3)))
    assert (tapped.feature_dim, discriminator(discriminator=d).feature_dim) == (4, 8)


def test_labels_do_not_enter_the_features_of_a_conditional_discriminator() -> None:
    part = registry.part(
        "architectures.resnet_discriminator", width=4, normalization=registry.part("normalizations.none")
    )
    with initialization(0, "discriminator"):
        d = part(image_shape=(1, 16, 16), conditioning=projection(num_classes=3))
    x_NCHW = images(6)
    ours_NF = discriminator(discriminator=d)(x_NCHW)  # type: ignore[arg-type]
    for label in range(3):
        with torch.no_grad():
            theirs = d(x_NCHW / 127.5 - 1, torch.full((6,), label))  # type: ignore[operator]
        torch.testing.assert_close(ours_NF, theirs.features_NF)


def test_the_network_stays_as_it_was_and_an_image_does_not_depend_on_its_batch() -> None:
    d = network(batch_norm=True)
    d.train()
    before = {name: value.clone() for name, value in d.state_dict().items()}
    extractor = discriminator(discriminator=d)
    features_NF = extractor(images(6))
    torch.testing.assert_close(features_NF[:2], extractor(images(6)[:2]))
    assert d.training
    assert not features_NF.requires_grad
    assert all(torch.equal(value, before[name]) for name, value in d.state_dict().items())


def test_numbers_of_two_discriminators_have_two_protocols() -> None:
    d = network()
    extractor = discriminator(discriminator=d)
    before = extractor.protocol()
    assert before == discriminator(discriminator=network()).protocol()
    assert before != discriminator(discriminator=network(seed=1)).protocol()
    assert before != discriminator(tap="block1", discriminator=d).protocol()
    # It goes on training: the same object is another extractor.
    with torch.no_grad():
        next(d.parameters()).view(-1)[0] += 1e-6
    assert extractor.protocol() != before


def test_its_tap_is_in_its_name() -> None:
    assert discriminator(discriminator=network()).metric_name("fd") == "fd_discriminator"
    assert discriminator(tap="block1", discriminator=network()).metric_name("fd") == "fd_discriminator_block1"


def test_an_unknown_tap_and_a_missing_discriminator_are_refused() -> None:
    part = registry.part("features.discriminator", tap="blok1")
    with pytest.raises(UserError, match=r"tap is 'blok1' and this .* has block0, block1; did you mean 'block1'\?"):
        part(discriminator=network())
    with pytest.raises(UserError, match="reads the discriminator of a run and there is none"):
        discriminator(tap="block1").check_available()
