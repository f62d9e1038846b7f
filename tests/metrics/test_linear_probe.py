"""The probe: which features it reads, of which images, and what it refuses."""

from collections.abc import Collection

import pytest
import torch
from torch import Tensor, nn

from ganzoo.architectures.base import Discriminator, DiscriminatorOutput
from ganzoo.data.base import DataSpec, ImageData
from ganzoo.errors import UserError
from ganzoo.metrics.base import mean_and_error
from ganzoo.metrics.linear_probe import discriminator_features, linear_probe
from ganzoo.testing import check_component
from ganzoo.testing.toys import ToyDiscriminator

SPEC = DataSpec((1, 4, 4), 3, {"train": 120, "test": 60})


class Quarters(Discriminator):
    """Shows the image itself as its tap, and noise-free garbage as features; labels are asked for but not used."""

    uses_batch_statistics = False
    feature_dim = 1
    tap_shapes = {"block0": (1, 4, 4)}

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))
        self.normalize = nn.BatchNorm2d(1)

    def forward(
        self, images_NCHW: Tensor, labels_N: Tensor | None = None, *, taps: Collection[str] = ()
    ) -> DiscriminatorOutput:
        assert labels_N is not None
        assert not self.training
        ones_N = torch.ones(len(images_NCHW))
        return DiscriminatorOutput(ones_N, ones_N[:, None], dict.fromkeys(taps, images_NCHW * self.scale))


def bright_quarters(num: int, *, seed: int) -> ImageData:
    """Images whose class is which quarter is bright."""
    rng = torch.Generator().manual_seed(seed)
    labels_N = torch.randint(3, (num,), generator=rng)
    images_NCHW = torch.randint(60, (num, 1, 4, 4), generator=rng)
    for i, label in enumerate(labels_N.tolist()):
        y, x = divmod(label, 2)
        images_NCHW[i, 0, 2 * y : 2 * y + 2, 2 * x : 2 * x + 2] += 180
    return ImageData(images_NCHW.to(torch.uint8), labels_N)


class Inputs:
    """An evaluation with a given discriminator and images."""

    seed, num_classes = 0, 0

    def __init__(self, discriminator: Discriminator | None) -> None:
        self.discriminator = discriminator
        self.data = {"train": bright_quarters(120, seed=0), "test": bright_quarters(60, seed=1)}

    def real_images(self, split: str, num: int | None) -> ImageData:
        return ImageData(self.data[split].images_NCHW[:num], self.data[split].labels_N[:num])  # type: ignore[index]

    def protocol(self, extractor: object, split: str | None) -> dict[str, str | int | float | bool]:
        assert extractor is None
        return {"reference_split": str(split), "data_sha256": f"hash of {split}"}


def test_features_are_the_taps_averaged_over_fields_of_images_in_minus_one_to_one() -> None:
    images_NCHW = torch.tensor([[[[0, 0, 255, 255], [0, 0, 255, 255], [51, 51, 102, 102], [51, 51, 102, 102]]]])
    found = discriminator_features(
        Quarters().train(), images_NCHW.to(torch.uint8), taps=["features", "block0"], pool_size=2
    )
    assert list(found) == ["features", "block0"]
    assert found["features"].tolist() == [[1.0]]
    assert torch.allclose(found["block0"], torch.tensor([[-1.0, 1.0, -0.6, -0.2]]))
    whole = discriminator_features(Quarters(), images_NCHW.to(torch.uint8), taps=["block0"], pool_size=1)
    assert torch.allclose(whole["block0"], torch.tensor([[-0.2]]))
    pixels = discriminator_features(Quarters(), images_NCHW.to(torch.uint8), taps=["block0"], pool_size=9)
    assert pixels["block0"].shape == (1, 16)


def test_what_a_tap_shows_is_found_and_what_it_averages_away_is_not() -> None:
    arguments = {"num_train": 100, "num_probe_seeds": 2}
    found = {m.name: m for m in linear_probe(pool_size=2, **arguments).measure(Inputs(Quarters()))}  # type: ignore[arg-type]
    assert found["probe_block0"].value == 1.0
    assert found["probe_features"].value < 0.5
    blind = {m.name: m for m in linear_probe(pool_size=1, **arguments).measure(Inputs(Quarters()))}  # type: ignore[arg-type]
    assert blind["probe_block0"].value < 0.6
    protocol = found["probe_block0"].protocol
    assert (protocol["num_train"], protocol["num_test"], protocol["pool_size"]) == (100, 60, 2)
    assert protocol["test_sha256"] == "hash of test"
    assert found["probe_block0"].error_source == "probe seeds"


def test_probe_seeds_draw_their_own_training_images_and_repeat() -> None:
    probe = linear_probe(taps=("block0",), num_train=12, num_probe_seeds=4)
    data = Inputs(None).data
    first = probe.probe(Quarters(), data["train"], data["test"])["block0"]
    assert first == probe.probe(Quarters(), data["train"], data["test"])["block0"]
    assert len(set(first.accuracies)) > 1
    # The first seeds of more are the same.
    fewer = linear_probe(taps=("block0",), num_train=12, num_probe_seeds=2)
    assert fewer.probe(Quarters(), data["train"], data["test"])["block0"].accuracies == first.accuracies[:2]


def test_a_discriminator_is_left_as_it_was_found() -> None:
    discriminator = ToyDiscriminator(image_shape=(1, 4, 4), batch_norm=True).train()
    before = {name: value.clone() for name, value in discriminator.state_dict().items()}
    linear_probe(num_train=50, num_probe_seeds=1).measure(Inputs(discriminator))  # type: ignore[arg-type]
    assert all(torch.equal(value, before[name]) for name, value in discriminator.state_dict().items())
    assert all(module.training for module in discriminator.modules())
    assert all(parameter.grad is None for parameter in discriminator.parameters())


def test_mean_and_error_by_hand() -> None:
    assert mean_and_error([0.5]) == (0.5, None)
    mean, error = mean_and_error([0.5, 0.7, 0.9])
    assert mean == pytest.approx(0.7)
    assert error == pytest.approx(0.2 / 3**0.5)


@pytest.mark.parametrize(
    ("spec", "arguments", "message"),
    [
        (DataSpec((1, 4, 4), 0, {"train": 9, "test": 9}), {}, "needs class labels and the data set has none"),
        (
            DataSpec((1, 4, 4), 3, {"train": 9}),
            {"num_train": 9},
            r"test_split is 'test' and the data set has the splits train",
        ),
        (
            DataSpec((1, 4, 4), 3, {"train": 120, "test": 60}, frozenset({"test"})),
            {"num_train": 9},
            "needs class labels and the split 'test' has none",
        ),
        (SPEC, {"num_train": 121}, r"asks for 121 images of the split 'train', which has 120; lower .*num_train"),
        (
            SPEC,
            {"num_train": 9, "num_test": 61},
            r"asks for 61 images of the split 'test', which has 60; lower .*num_t",
        ),
    ],
)
def test_data_that_cannot_be_probed_are_refused(spec: DataSpec, arguments: dict[str, int], message: str) -> None:
    with pytest.raises(UserError, match=message):
        linear_probe(**arguments).check_data(spec)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_train": 0}, "num_train must be at least 1, not 0"),
        ({"num_test": 0}, "num_test must be at least 1, not 0"),
        # A slice up to -5 would leave out the last five.
        ({"num_test": -5}, "num_test must be at least 1, not -5"),
        ({"pool_size": 0}, "pool_size must be at least 1, not 0"),
        ({"taps": ()}, "taps is empty"),
    ],
)
def test_numbers_of_images_and_taps_that_mean_nothing_are_refused(arguments: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        linear_probe(**arguments)  # type: ignore[arg-type]


def test_networks_that_cannot_be_probed_are_refused() -> None:
    with pytest.raises(UserError, match=r"asks for the tap 'blok0' .* has block0, features; did you mean 'block0'"):
        linear_probe(taps=("blok0",)).check_networks(num_classes=0, discriminator=Quarters())
    with pytest.raises(UserError, match="probes a discriminator, and there is none"):
        linear_probe().check_networks(num_classes=0, discriminator=None)
    broken = Quarters()
    broken.scale.data.fill_(torch.nan)
    with pytest.raises(UserError, match="the discriminator's block0 has NaN or infinite values"):
        linear_probe(num_train=20).measure(Inputs(broken))  # type: ignore[arg-type]


def test_it_keeps_the_contract() -> None:
    check_component("metrics.linear_probe")
