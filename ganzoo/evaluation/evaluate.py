"""Computes the numbers of a GAN, each with its protocol."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import msgspec
import torch
from msgspec.structs import replace

from ganzoo.architectures.base import Discriminator
from ganzoo.component import Part
from ganzoo.data.base import DataSpec
from ganzoo.errors import UserError
from ganzoo.evaluation.inputs import EvaluationInputs
from ganzoo.features.base import FeatureExtractor
from ganzoo.layers.batch_statistics import evaluation_mode
from ganzoo.metrics.base import Measurement, Metric, mean_and_error
from ganzoo.runs.folder import Json

SAMPLING_SEEDS = "sampling seeds"


@dataclass(frozen=True)
class MetricFailure:
    """A metric that could not be computed: its name (`metrics.frechet_distance`), and the reason in a sentence."""

    metric: str
    reason: str


@dataclass(frozen=True)
class Evaluated:
    """The numbers of all metrics, in order, and what could not be computed."""

    measurements: list[Measurement]
    failures: list[MetricFailure]

    def to_json(self) -> dict[str, Json]:
        """Return them as they stand in `result.json`; a number of numpy becomes a float."""
        metrics = msgspec.to_builtins(self.measurements, enc_hook=float)
        return {"metrics": metrics, "metric_failures": msgspec.to_builtins(self.failures)}


def fitting(part: Part[Metric], *, spec: DataSpec, num_classes: int, discriminator: Discriminator | None) -> Metric:
    """Build a metric and check that the data set and the networks have what it needs.

    Args:
        part: the metric.
        spec: of the data set, to see whether it has the images that the metric compares with.
        num_classes: classes of the labels that the networks take; 0 for an unconditional GAN.
        discriminator: of the run.

    Raises:
        UserError: they lack something; the error names the place where the metric is bound.
    """
    metric = part()
    try:
        metric.check_data(spec)
        metric.check_networks(num_classes=num_classes, discriminator=discriminator)
    except UserError as error:
        raise UserError(str(error), where=part.where) from error
    return metric


def check_available(
    metrics: Sequence[Part[Metric]],
    device: torch.device,
    *,
    spec: DataSpec,
    num_classes: int,
    discriminator: Discriminator | None,
) -> None:
    """Refuse before training if a metric could not be computed after it.

    Args:
        metrics: to be computed later.
        device: to compute on.
        spec: of the data set, to see whether it has the images that the metrics compare with.
        num_classes: classes of the labels that the networks take; 0 for an unconditional GAN.
        discriminator: of the run.

    Raises:
        UserError: what is missing and how to get it.
    """
    seen: list[Part[FeatureExtractor]] = []
    for part in metrics:
        metric = fitting(part, spec=spec, num_classes=num_classes, discriminator=discriminator)
        for extractor in metric.extractors():
            if extractor not in seen:
                extractor(device=device, discriminator=discriminator).check_available()
                seen.append(extractor)


def evaluate(inputs: EvaluationInputs) -> Evaluated:
    """Compute every metric of the inputs' protocol; one that cannot be computed does not stop the others.

    Raises:
        NotFiniteError: the generator makes NaN or infinite pixels.
    """
    protocol, discriminator = inputs.evaluation_protocol, inputs.discriminator
    metrics, num_seeds = protocol.metrics, protocol.num_eval_seeds
    ready: dict[int, Metric] = {}
    measured: list[list[list[Measurement]]] = [[] for _ in metrics]
    failures: dict[int, MetricFailure] = {}
    for i, part in enumerate(metrics):
        try:
            ready[i] = _ready(part, inputs)
        except UserError as error:
            failures[i] = MetricFailure(part.name, str(error))
    # The seed is the outer loop, so that all metrics share the images of each.
    for k in range(num_seeds):
        inputs.use_seed(inputs.first_seed + k)
        for i, metric in ready.items():
            if i in failures or (k > 0 and not metric.uses_fakes):
                continue
            try:
                # No metric may change the running statistics of the discriminator.
                with nullcontext() if discriminator is None else evaluation_mode(discriminator):
                    measured[i].append(metric.measure(inputs))
            except UserError as error:
                failures[i] = MetricFailure(metrics[i].name, str(error))
    numbers: dict[str, Measurement] = {}
    for i, sets in enumerate(measured):
        own = [] if i in failures else over_sets(sets)
        keys = [m.key({m.name}) for m in own]
        twice = next((m for k, m in enumerate(own) if keys[k] in numbers or keys[k] in keys[:k]), None)
        if twice is None:
            numbers.update(zip(keys, own, strict=True))
        else:
            # The names of a plugin's numbers are known only now, and at the end of a run no number may get lost.
            split = f" of the split '{twice.split}'" if twice.split else ""
            reason = (
                f"there is another number '{twice.name}'{split}, and nothing tells the two apart; leave one of them "
                "out, or rename it"
            )
            failures[i] = MetricFailure(metrics[i].name, reason)
    return Evaluated(list(numbers.values()), list(failures.values()))


def _ready(part: Part[Metric], inputs: EvaluationInputs) -> Metric:
    """Build a metric and check that everything it compares with is there."""
    metric = part()
    metric.check_data(inputs.spec)
    metric.check_networks(num_classes=inputs.num_classes, discriminator=inputs.discriminator)
    for extractor in metric.extractors():
        inputs.check_extractor(extractor)
    return metric


def over_sets(measured: Sequence[Sequence[Measurement]]) -> list[Measurement]:
    """Return the mean of each number over sets of generated images, with its standard error; one set stays as it is."""
    if len(measured) == 1:
        return list(measured[0])
    means = []
    for numbers in zip(*measured, strict=True):
        value, error = mean_and_error([number.value for number in numbers])
        means.append(replace(numbers[0], value=value, standard_error=error, error_source=SAMPLING_SEEDS))
    return means
