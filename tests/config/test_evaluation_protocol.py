"""What a list of metrics may hold."""

from dataclasses import replace

import pytest

from ganzoo import registry
from ganzoo.component import Component, Part
from ganzoo.config.evaluation_protocol import EvaluationProtocol
from ganzoo.errors import UserError


def scoped(scope: str, name: str, **arguments: object) -> Part[Component]:
    return replace(registry.part(f"metrics.{name}", **arguments), scope=scope, where=f"a.gin:{len(scope)}")


def pixels(size: int) -> Part[Component]:
    return registry.part("features.pixels", size=size)


def protocol(*metrics: Part[Component]) -> EvaluationProtocol:
    return EvaluationProtocol(metrics=metrics)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("metrics", "names"),
    [
        ((scoped("", "ms_ssim"), scoped("", "ms_ssim")), ""),
        # Whatever the split of real images, the number of generated ones has one name.
        ((scoped("a", "ms_ssim"), scoped("b", "ms_ssim", reference_split="test")), ""),
        (
            (scoped("", "kernel_distance", features=pixels(4)), scoped("bb", "kernel_distance", features=pixels(4))),
            " with equal features and reference_split",
        ),
        (
            (
                scoped("a", "precision_recall", features=pixels(4), k=3),
                # The default, given.
                scoped("bb", "precision_recall", features=pixels(4), k=5, reference_split="train"),
            ),
            " with equal features and reference_split",
        ),
        ((scoped("a", "linear_probe"), scoped("bb", "linear_probe", num_train=5)), " with equal taps and train_split"),
    ],
)
def test_two_metrics_whose_numbers_have_one_name_are_refused(metrics: tuple[Part[Component], ...], names: str) -> None:
    place = metrics[1].where.replace(".", r"\.")
    with pytest.raises(UserError, match=rf"{place}: {metrics[1].name} is in the list twice{names}, and its numbers"):
        protocol(*metrics)


@pytest.mark.parametrize(
    "metrics",
    [
        (
            scoped("", "kernel_distance", features=pixels(4)),
            scoped("a", "kernel_distance", features=pixels(8)),
            scoped("b", "kernel_distance", features=pixels(4), reference_split="test"),
            scoped("", "frechet_distance", features=pixels(4)),
        ),
        (scoped("a", "linear_probe", taps=("block0",)), scoped("b", "linear_probe", taps=("block1",))),
    ],
)
def test_the_same_metric_of_other_features_splits_or_taps_is_allowed(metrics: tuple[Part[Component], ...]) -> None:
    assert len(protocol(*metrics).metrics) == len(metrics)
