"""The metrics within an evaluation of a generator, on real digits."""

import torch

from ganzoo import registry
from ganzoo.data.digits import digits
from ganzoo.evaluate import evaluate
from ganzoo.evaluation_inputs import EvaluationInputs
from ganzoo.evaluation_protocol import EvaluationProtocol
from ganzoo.gan import Gan
from ganzoo.testing.toys import ToyDiscriminator, ToyGenerator


def test_one_evaluation_serves_all_metrics_and_an_untrained_generator_is_found_bad() -> None:
    pixels, network = registry.part("features.pixels", size=8), registry.part("features.efficientnet_lite0")
    metrics = [
        registry.part(f"metrics.{name}", features=pixels, num_fake=64)
        for name in ("precision_recall", "density_coverage", "memorization")
    ]
    metrics.append(registry.part("metrics.inception_score", features=network, num_fake=64, num_splits=2))
    inputs = EvaluationInputs(
        Gan(
            ToyGenerator(image_shape=(1, 8, 8)),
            ToyDiscriminator(image_shape=(1, 8, 8)),
            {},
            ema_decay=None,
            num_classes=0,
        ),
        digits(size=8, num_test=297),
        EvaluationProtocol(metrics=tuple(metrics)),
        run_seed=0,
        device=torch.device("cpu"),
        data_sha256={},
        say=lambda text: None,
    )
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
