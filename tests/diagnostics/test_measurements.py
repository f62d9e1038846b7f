"""Probes against numbers by hand, an independent library, and a discriminator whose logits are known."""

import itertools

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ganzoo.architectures.base import Discriminator, DiscriminatorOutput
from ganzoo.data.base import Dataset, DataSpec, ImageData
from ganzoo.diagnostics import measurements
from ganzoo.diagnostics.measurements import References
from ganzoo.errors import UserError
from ganzoo.gan.model import Gan
from ganzoo.testing.toys import ToyDiscriminator, ToyGenerator

SHAPE = (1, 4, 4)


class Brightness(Discriminator):
    """The logit is the mean pixel in [-1, 1], plus the label if there is one."""

    uses_batch_statistics = False

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, images_NCHW: Tensor, labels_N: Tensor | None = None, *, taps: object = ()) -> DiscriminatorOutput:
        logits_N = self.scale * images_NCHW.mean((1, 2, 3))
        return DiscriminatorOutput(logits_N if labels_N is None else logits_N + labels_N, images_NCHW.flatten(1))


def flat(*pixels: int) -> ImageData:
    """Images of one pixel value each; all of class 2."""
    images_NCHW = torch.tensor(pixels, dtype=torch.uint8)[:, None, None, None].expand(-1, *SHAPE).contiguous()
    return ImageData(images_NCHW, torch.full((len(pixels),), 2))


def gan(discriminator: Discriminator, num_classes: int = 0) -> Gan:
    return Gan(ToyGenerator(image_shape=SHAPE), discriminator, {}, ema_decay=0.9, num_classes=num_classes)


@pytest.mark.parametrize(("num_classes", "offset"), [(0, 0), (3, 2)])
def test_the_gap_is_that_of_hand_computed_logits(num_classes: int, offset: int) -> None:
    references = References(flat(255, 255), flat(255, 0))
    values = measurements.logit_gap(gan(Brightness(), num_classes), references, flat(0, 0, 0))
    # Pixels 255 and 0 are 1 and -1: means of 1, 0 and -1.
    assert values == {
        "health/d_logit_train": 1 + offset,
        "health/d_logit_held_out": offset,
        "health/d_logit_fake": -1 + offset,
        "health/d_gap": 1,
        "health/d_gap_share": 0.5,
    }


def test_a_share_of_a_distance_within_its_error_is_left_out() -> None:
    # The means are 0.25 and -0.25 of a spread of about 1: a distance of half a standard error.
    values = measurements.logit_gap(
        gan(Brightness()), References(flat(255, 63, 0, 255), flat(255, 0)), flat(0, 255, 0, 100)
    )
    assert "health/d_gap_share" not in values
    assert "health/d_gap" in values
    assert measurements.logit_gap(gan(Brightness()), References(flat(255), None), flat(0)) == {}


def test_the_pairwise_distance_is_the_mean_over_all_pairs_relative_to_real_images() -> None:
    rng = torch.Generator().manual_seed(0)
    real, fake = (ImageData(torch.randint(256, (n, 3, 5, 5), dtype=torch.uint8, generator=rng)) for n in (7, 6))

    def by_hand(data: ImageData) -> float:
        pairs = itertools.combinations(data.images_NCHW.numpy().astype(float).reshape(len(data), -1), 2)
        return float(np.mean([np.linalg.norm(a - b) for a, b in pairs]))

    values = measurements.pairwise_distance(References(real, None), fake)
    assert values["health/pairwise_distance"] == pytest.approx(by_hand(fake) / by_hand(real), rel=1e-5)
    assert measurements.pairwise_distance(References(real, None), flat(9, 9, 9)) == {"health/pairwise_distance": 0.0}
    assert measurements.pairwise_distance(References(flat(1), None), fake) == {}


def test_gradient_norms_are_those_of_all_gradients_at_once() -> None:
    trained = gan(ToyDiscriminator(image_shape=SHAPE))
    for i, parameter in enumerate(trained.discriminator.parameters()):
        parameter.grad = torch.full_like(parameter, float(i))
    squares = sum(i**2 * p.numel() for i, p in enumerate(trained.discriminator.parameters()))
    norms = measurements.grad_norms(trained)
    assert norms == {"d/grad_norm": pytest.approx(squares**0.5), "g/grad_norm": 0.0}


def test_singular_values_are_those_of_every_normalised_layer_once_iterated_long_enough() -> None:
    trained = gan(ToyDiscriminator(image_shape=SHAPE))
    weights = {name: layer for name, layer in trained.discriminator.named_children() if hasattr(layer, "weight")}
    for layer in weights.values():
        for _ in range(500):
            layer.parametrizations.weight[0].advance(layer.parametrizations.weight.original)
    values = measurements.singular_values(trained)
    assert list(values) == ["sigma/discriminator.conv0", "sigma/discriminator.conv1", "sigma/discriminator.linear"]
    for name, layer in weights.items():
        original = layer.parametrizations.weight.original.detach().flatten(1).numpy()
        assert values[f"sigma/discriminator.{name}"] == pytest.approx(np.linalg.norm(original, 2), rel=1e-4)
    assert measurements.normalized_sigma(trained)["health/normalized_sigma"] == pytest.approx(1, abs=1e-4)

    # A weight that grew by a rank-one matrix since the last iteration: its normalised form is what numpy says.
    grown = weights["conv1"].parametrizations.weight.original
    with torch.no_grad():
        grown += torch.randn(grown.shape, generator=torch.Generator().manual_seed(0))
    largest = np.linalg.norm(weights["conv1"].weight.detach().flatten(1).numpy(), 2)
    assert largest > 1.01
    assert measurements.normalized_sigma(trained)["health/normalized_sigma"] == pytest.approx(largest, rel=1e-5)


def test_without_spectral_norm_there_are_no_singular_values() -> None:
    trained = gan(ToyDiscriminator(image_shape=SHAPE, spectral_norm=False))
    assert measurements.singular_values(trained) == {}
    assert measurements.normalized_sigma(trained) == {}


class Splits(Dataset):
    """Splits of given names, each filled with its place; `gone` cannot be loaded."""

    def __init__(self, *names: str, num_classes: int = 0, unlabelled: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.names, self.num_classes, self.unlabelled = names, num_classes, frozenset(unlabelled)

    def spec(self) -> DataSpec:
        return DataSpec(SHAPE, self.num_classes, dict.fromkeys(self.names), self.unlabelled)

    def load(self, split: str) -> ImageData:
        if split == "gone":
            raise UserError("no files")
        return ImageData(torch.full((300, *SHAPE), self.names.index(split), dtype=torch.uint8))


def test_held_out_images_come_from_test_or_from_any_other_split_and_may_be_missing() -> None:
    said: list[str] = []
    train = Splits("train").load("train")

    def held_out(*names: str, train_split: str = "train") -> int | None:
        found = measurements.choose_references(Splits(*names), train, train_split=train_split, say=said.append)
        assert len(found.train) == 256
        assert found.held_out is None or len(found.held_out) == 256
        return None if found.held_out is None else int(found.held_out.images_NCHW.max())

    assert held_out("train", "validation", "test") == 2
    assert held_out("train", "validation") == 1
    assert held_out("train", "test", train_split="test") == 0
    assert held_out("train") is None
    assert said == []
    assert held_out("train", "gone") is None
    assert "'gone' is missing: no files" in said[0]


def test_a_conditional_discriminator_is_shown_held_out_images_with_labels() -> None:
    train = Splits("train").load("train")

    def held_out(*names: str, unlabelled: tuple[str, ...], needs_labels: bool) -> int | None:
        dataset = Splits(*names, num_classes=3, unlabelled=unlabelled)
        found = measurements.choose_references(
            dataset, train, train_split="train", needs_labels=needs_labels, say=lambda _: None
        )
        return None if found.held_out is None else int(found.held_out.images_NCHW.max())

    assert held_out("train", "validation", "test", unlabelled=("test",), needs_labels=True) == 1
    assert held_out("train", "validation", "test", unlabelled=("test",), needs_labels=False) == 2
    assert held_out("train", "test", unlabelled=("test",), needs_labels=True) is None
