"""The inception score against torch-fidelity and closed cases."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch_fidelity.metric_isc import isc_features_to_metric

from ganzoo.component import Part
from ganzoo.errors import UserError
from ganzoo.features.efficientnet_lite0 import efficientnet_lite0
from ganzoo.features.inception import inception
from ganzoo.features.pixels import pixels
from ganzoo.metrics import inception_score as module
from ganzoo.metrics.inception_score import inception_score, score


@pytest.mark.parametrize("chunk_size", [7, 4096])
def test_it_agrees_with_torch_fidelity(
    chunk_size: int,
    toy_features: Any,
    given_inputs: type,
    normal: Callable[..., Tensor],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "CHUNK_SIZE", chunk_size)
    logits_NK = normal(100, 20, seed=1) * 3
    metric = inception_score(features=toy_features, num_fake=100, num_splits=5)
    (measurement,) = metric.measure(given_inputs(logits_NK))
    theirs = isc_features_to_metric(logits_NK, splits=5, shuffle=False)
    assert measurement.value == pytest.approx(theirs["inception_score_mean"], rel=1e-12)
    # Theirs is the deviation with divisor 5, ours the unbiased one over the root of 5.
    assert measurement.standard_error == pytest.approx(theirs["inception_score_std"] / math.sqrt(4), rel=1e-9)
    assert measurement.name == "cs_toy"
    assert measurement.protocol.items() >= {"num_fake": 100, "num_splits": 5}.items()


def test_sure_and_varied_gives_the_number_of_classes_and_anything_else_1() -> None:
    sure_NK = torch.eye(10).repeat(5, 1) * 200
    assert score(sure_NK) == pytest.approx(10)
    assert score(sure_NK[:1].repeat(50, 1)) == pytest.approx(1)
    assert score(torch.zeros(50, 10)) == pytest.approx(1)
    assert score(sure_NK.view(5, 10, 10)[:, :4].flatten(0, 1)) == pytest.approx(4)


def test_only_inception_s_score_bears_the_bare_name() -> None:
    assert inception().metric_name("cs") == "is"
    assert efficientnet_lite0().metric_name("cs") == "cs_efflite0_64px"


def test_efficientnet_s_logits_are_its_whole_network_s() -> None:
    extractor = efficientnet_lite0()
    images_NCHW = torch.randint(256, (4, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        theirs_NK = extractor._network((images_NCHW.float() - 127) / 128)
    torch.testing.assert_close(extractor.class_logits(extractor(images_NCHW)), theirs_NK, rtol=1e-4, atol=1e-4)


def test_inceptions_logits_leave_out_the_bias_of_its_output_layer(normal: Callable[..., Tensor]) -> None:
    # A network of the same form stands for the downloaded one.
    network = torch.nn.Module()
    network.base = torch.nn.Module()
    network.base.output = torch.nn.Linear(2048, 1008)
    extractor = inception()
    extractor.__dict__["_network"] = network
    features_NF = normal(3, 2048, seed=1)
    expected_NK = features_NF @ network.base.output.weight.T
    torch.testing.assert_close(extractor.class_logits(features_NF), expected_NK.detach(), rtol=1e-4, atol=1e-4)


def test_an_extractor_without_a_classifier_and_too_few_images_are_refused(
    toy_features: Any, given_inputs: type
) -> None:
    with pytest.raises(ValueError, match=r"must have a classifier and features\.pixels has none"):
        inception_score(features=Part("features.pixels", pixels))
    with pytest.raises(UserError, match=r"features\.pixels has no classifier"):
        pixels().class_logits(torch.zeros(1, 3072))
    with pytest.raises(ValueError, match="num_splits must be at least 1"):
        inception_score(features=toy_features, num_splits=0)
    with pytest.raises(ValueError, match=r"num_fake must be at least 2 \* num_splits = 20, not 19"):
        inception_score(features=toy_features, num_fake=19)
    with pytest.raises(UserError, match="NaN or infinite logits for 20 of 20 generated"):
        inception_score(features=toy_features, num_fake=20).measure(given_inputs(torch.full((20, 5), torch.nan)))
