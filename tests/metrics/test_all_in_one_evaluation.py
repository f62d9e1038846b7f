"""The metrics within an evaluation of a generator, on real digits."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from ganzoo import registry
from ganzoo.component import Part
from ganzoo.config.evaluation_protocol import EvaluationProtocol
from ganzoo.data.digits import digits
from ganzoo.evaluation.evaluate import evaluate
from ganzoo.evaluation.inputs import EvaluationInputs
from ganzoo.gan.model import Gan
from ganzoo.metrics.base import Metric
from ganzoo.paths import cache_folder
from ganzoo.randomness import initialization
from ganzoo.testing.toys import ToyDiscriminator, ToyGenerator


def untrained(metrics: Sequence[Part[Metric]], *, size: int, num_classes: int) -> EvaluationInputs:
    """Return the evaluation of toys that were not trained, on digits."""
    shape = (1, size, size)
    with initialization(0, "toys"):
        generator = ToyGenerator(image_shape=shape, num_classes=num_classes)
        discriminator = ToyDiscriminator(image_shape=shape, num_classes=num_classes)
    return EvaluationInputs(
        Gan(generator, discriminator, {}, ema_decay=None, num_classes=num_classes),
        digits(size=size, num_test=297),
        EvaluationProtocol(metrics=tuple(metrics)),
        run_seed=0,
        device=torch.device("cpu"),
        data_sha256={},
        say=lambda text: None,
    )


def test_one_evaluation_serves_all_metrics_and_an_untrained_generator_is_found_bad() -> None:
    pixels, network = registry.part("features.pixels", size=8), registry.part("features.efficientnet_lite0")
    metrics = [
        registry.part(f"metrics.{name}", features=pixels, num_fake=64)
        for name in ("precision_recall", "density_coverage", "memorization")
    ]
    metrics.append(registry.part("metrics.inception_score", features=network, num_fake=64, num_splits=2))
    inputs = untrained(metrics, size=8, num_classes=0)
    measurements = {m.name: m for m in evaluate(inputs).measurements}
    label = "pixels_8px"
    assert list(measurements) == [
        f"precision_{label}",
        f"recall_{label}",
        f"density_{label}",
        f"coverage_{label}",
        f"copying_{label}",
        "cs_efflite0_64px",
    ]
    for name in (f"precision_{label}", f"coverage_{label}", f"copying_{label}"):
        assert measurements[name].value < 0.05
    assert 1 <= measurements["cs_efflite0_64px"].value < 1000
    # The score looks at no real image, and its protocol names none.
    assert "data_sha256" not in measurements["cs_efflite0_64px"].protocol
    copying = measurements[f"copying_{label}"].protocol
    assert copying["data_sha256"] != copying["held_out_sha256"]
    assert (copying["num_real"], copying["num_held_out"], copying["num_fake"]) == (1500, 297, 64)


def test_a_conditional_gan_is_measured_within_classes_and_by_its_own_discriminator(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path))
    pixels, own = registry.part("features.pixels", size=4), registry.part("features.discriminator", tap="block1")
    metrics = [
        registry.part("metrics.intra_class_frechet_distance", features=pixels, num_fake=800),
        registry.part("metrics.classification_accuracy", features=pixels, num_fake=800, baseline_split="train"),
        registry.part("metrics.ms_ssim", num_fake=800, num_pairs=100),
        registry.part("metrics.frechet_distance", features=own, num_fake=800),
    ]
    inputs = untrained(metrics, size=16, num_classes=10)
    evaluated = evaluate(inputs)
    assert evaluated.failures == []
    values = {m.name: m.value for m in evaluated.measurements}
    label = "pixels_4px"
    assert list(values) == [
        f"intra_fd_{label}",
        f"cas_{label}",
        f"cas_real_{label}",
        "ms_ssim",
        "ms_ssim_real",
        "fd_discriminator_block1",
    ]
    # The generator has not learnt, so that its labels teach nothing: 0.1 is chance.
    assert values[f"cas_{label}"] < 0.4 < 0.8 < values[f"cas_real_{label}"]
    assert values["ms_ssim"] < values["ms_ssim_real"]
    # Pixels of all of train, of 800 of them and of test are kept; what was read off the run's own network is not.
    assert len(list((cache_folder() / "features").glob("*.safetensors"))) == 3


def test_an_unconditional_gan_fails_the_metrics_of_classes_alone() -> None:
    pixels = registry.part("features.pixels", size=4)
    metrics = [
        registry.part(f"metrics.{name}", features=pixels, num_fake=64)
        for name in ("intra_class_frechet_distance", "classification_accuracy", "frechet_distance")
    ]
    inputs = untrained(metrics, size=16, num_classes=0)
    evaluated = evaluate(inputs)
    assert [m.name for m in evaluated.measurements] == ["fd_pixels_4px"]
    assert all("measures a conditional GAN and this one takes no labels" in f.reason for f in evaluated.failures)
    assert len(evaluated.failures) == 2
