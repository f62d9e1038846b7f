"""Accuracies of a discriminator by hand, and of a whole run's against a count of its logits."""

import subprocess
import sys
from collections.abc import Mapping

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ganzoo.architectures.base import Discriminator, DiscriminatorOutput
from ganzoo.component import Part
from ganzoo.data.base import DataSpec, ImageData
from ganzoo.errors import UserError
from ganzoo.features.base import FeatureExtractor, Settings
from ganzoo.metrics.discriminator_memory import best_threshold, discriminator_memory


class Brightness(Discriminator):
    """The logit is the mean pixel in [-1, 1], plus the label if there is one."""

    uses_batch_statistics = False

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, images_NCHW: Tensor, labels_N: Tensor | None = None, *, taps: object = ()) -> DiscriminatorOutput:
        logits_N = self.scale * images_NCHW.mean((1, 2, 3))
        return DiscriminatorOutput(logits_N if labels_N is None else logits_N + labels_N, images_NCHW.flatten(1))


def flat(*pixels: int, label: int = 0) -> ImageData:
    images_NCHW = torch.tensor(pixels, dtype=torch.uint8)[:, None, None, None].expand(-1, 1, 2, 2).contiguous()
    return ImageData(images_NCHW, torch.full((len(pixels),), label))


class Given:
    """An evaluation whose images are given."""

    seed, num_classes = 0, 0

    def __init__(self, fakes: ImageData, earlier: Mapping[int, ImageData], **splits: ImageData) -> None:
        self.discriminator: Discriminator | None = Brightness()
        self.fakes, self.earlier, self.splits = fakes, earlier, splits

    def real_images(self, split: str, num: int | None) -> ImageData:
        return self.splits[split]

    def fake_images(self, num: int) -> ImageData:
        return self.fakes

    def earlier_fakes(self) -> Mapping[int, ImageData]:
        return self.earlier

    def protocol(self, extractor: Part[FeatureExtractor] | None, split: str | None) -> Settings:
        return {"data_sha256": f"hash of {split}"}


def measured(inputs: Given) -> dict[str, float]:
    return {m.name: m.value for m in discriminator_memory(num_real=4, num_fake=4).measure(inputs)}  # type: ignore[arg-type]


REALS = flat(200, 220, 240, 90)  # 90 lies among the fakes: the best threshold is between 110 and 200
FAKES = flat(10, 50, 100, 110)
HELD_OUT = flat(250, 180, 60, 40)


def test_accuracies_are_those_counted_by_hand() -> None:
    # The threshold is at 155: it calls three of four reals real, and all fakes fake.
    earlier = {100: flat(0, 0, 230, 240), 200: flat(0, 0, 0, 240)}
    assert measured(Given(FAKES, earlier, train=REALS, test=HELD_OUT)) == {
        "memory_training_reals": 0.75,
        "memory_held_out_reals": 0.5,
        "memory_present_fakes": 1.0,
        "memory_earlier_fakes": (0.5 + 0.75) / 2,
    }


def test_without_earlier_fakes_the_rest_is_reported() -> None:
    values = measured(Given(FAKES, {}, train=REALS, test=HELD_OUT))
    assert set(values) == {"memory_training_reals", "memory_held_out_reals", "memory_present_fakes"}


def test_labels_reach_a_conditional_discriminator_and_no_other() -> None:
    # The label adds 2, more than all brightness: earlier fakes of class 2 are called real.
    inputs = Given(FAKES, {100: flat(0, 0, 0, 0, label=2)}, train=REALS, test=HELD_OUT)
    assert measured(inputs)["memory_earlier_fakes"] == 1.0
    inputs.num_classes = 3
    assert measured(inputs)["memory_earlier_fakes"] == 0.0


def test_the_threshold_has_the_greatest_balanced_accuracy_of_all() -> None:
    rng = torch.Generator().manual_seed(0)
    real_N, fake_N = torch.randn(60, generator=rng) + 1, torch.randn(90, generator=rng)

    def balanced(threshold: float) -> float:
        return (float((real_N > threshold).double().mean()) + float((fake_N <= threshold).double().mean())) / 2

    found = best_threshold(real_N, fake_N)
    assert balanced(found) == max(balanced(threshold) for threshold in np.linspace(-5, 5, 20_001))
    assert best_threshold(torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])) == 0.5  # the wrong way round: all real


def test_the_discriminator_is_left_as_it_was_found() -> None:
    inputs = Given(FAKES, {}, train=REALS, test=HELD_OUT)
    assert inputs.discriminator is not None
    inputs.discriminator.train()
    measured(inputs)
    assert inputs.discriminator.training
    assert inputs.discriminator.scale.grad is None


def test_the_protocol_names_both_splits_and_the_steps() -> None:
    numbers = discriminator_memory(num_real=4, num_fake=4).measure(
        Given(FAKES, {100: FAKES, 50: FAKES}, train=REALS, test=HELD_OUT)  # type: ignore[arg-type]
    )
    assert numbers[-1].protocol == {
        "data_sha256": "hash of train",
        "held_out_split": "test",
        "held_out_sha256": "hash of test",
        "num_real": 4,
        "num_fake": 4,
        "num_earlier_steps": 2,
        "first_earlier_step": 50,
    }


def test_what_is_missing_is_a_sentence() -> None:
    metric = discriminator_memory()
    with pytest.raises(UserError, match=r"held_out_split is 'test' and the data set has the splits train"):
        metric.check_data(DataSpec((1, 2, 2), 0, {"train": 5000}))
    with pytest.raises(UserError, match=r"1000 images of .* 'test', which has 20; lower metrics\.discr.*num_real"):
        metric.check_data(DataSpec((1, 2, 2), 0, {"train": 5000, "test": 20}))
    metric.check_data(DataSpec((1, 2, 2), 0, {"train": None, "test": None}))
    with pytest.raises(UserError, match="discriminator, and there is none"):
        metric.check_networks(num_classes=0, discriminator=None)
    inputs = Given(FAKES, {}, train=REALS, test=HELD_OUT)
    inputs.discriminator = None
    with pytest.raises(UserError, match="discriminator, and there is none"):
        measured(inputs)
    inputs.discriminator = Brightness()
    torch.nn.init.constant_(inputs.discriminator.scale, float("nan"))
    with pytest.raises(UserError, match="NaN or infinite"):
        measured(inputs)
    with pytest.raises(ValueError, match="must differ"):
        discriminator_memory(held_out_split="train")


def test_nobody_waits_for_scikit_learn_who_does_not_measure() -> None:
    script = "import sys, ganzoo.metrics.discriminator_memory; sys.exit('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0
