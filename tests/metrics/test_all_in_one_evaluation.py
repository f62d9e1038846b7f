"""The metrics within an evaluation of a generator, on real digits."""

import torch

from ganzoo import registry
from ganzoo.data.digits import digits
from ganzoo.evaluate import Evaluation, evaluate
from ganzoo.testing.toys import ToyGenerator


def test_one_evaluation_serves_all_metrics_and_an_untrained_generator_is_found_bad() -> None:
    inputs = Evaluation(
        ToyGenerator(image_shape=(1, 8, 8)),
        digits(size=8, num_test=297),
        num_classes=0,
        device=torch.device("cpu"),
        seed=0,
        uses_ema=False,
        data_sha256={},
        say=lambda text: None,
    )
    pixels, network = registry.part("features.pixels", size=8), registry.part("features.efficientnet_lite0")
    metrics = [
        registry.part(f"metrics.{name}", features=pixels, num_fake=64)
        for name in ("precision_recall", "density_coverage", "memorization")
    ]
    metrics.append(registry.part("metrics.inception_score", features=network, num_fake=64, num_splits=2))
    measurements = {m.name: m for m in evaluate(metrics, inputs)}
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
