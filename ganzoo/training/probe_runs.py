"""Linear probes of several runs and steps, with two controls: D before training, and raw pixels."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from scipy import stats
from torch import Tensor

from ganzoo.data.base import ImageData
from ganzoo.errors import UserError
from ganzoo.evaluation.inputs import choose
from ganzoo.gan.build import build_gan
from ganzoo.metrics.base import mean_and_error
from ganzoo.metrics.linear_probe import Probed, linear_probe
from ganzoo.runs.folder import Json, RunFolder
from ganzoo.training.checkpoint import load_gan

CONFIDENCE = 0.95
UNTRAINED, PIXELS = "untrained", "pixels"


@dataclass(frozen=True)
class ProbedNetwork:
    """The accuracies of one network.

    Args:
        run: name of the run folder, with as many folders above it as tell it from others; the control `pixels` has
            that of the first run.
        network: `step N`, `untrained` or `pixels`.
        places: the accuracies, by tap.
    """

    run: str
    network: str
    places: dict[str, Probed]


def probe_runs(
    runs: Sequence[RunFolder],
    *,
    steps: Sequence[int],
    metric: linear_probe,
    device: torch.device,
    data_dir: Path | None,
    say: Callable[[str], None],
) -> list[ProbedNetwork]:
    """Return the accuracies of raw pixels, and of every run's discriminator untrained and at each step.

    Args:
        runs: of one data set; a run that is given twice counts once.
        steps: checkpoints to probe; none for the newest of each run.
        metric: how to probe.
        device: where to compute.
        data_dir: where the user keeps data sets.
        say: receives a sentence before each network.

    Raises:
        UserError: there are no labels, no such checkpoint or tap, or the runs have different data sets.
    """
    runs = list({run.path.resolve(): run for run in runs}.values())
    # All checkpoints are read first, so that a missing one is found before minutes of work.
    loaded = [
        (run, *load_gan(run, step=step, plugins=sorted(run.plugins_path.glob("*.py"))))
        for run in runs
        for step in steps or (None,)
    ]
    experiments = {run.path: configuration.experiment for run, _, configuration, _ in loaded}
    first = experiments[runs[0].path].dataset
    for path, experiment in experiments.items():
        if experiment.dataset != first:
            raise UserError(f"'{path}' was trained on other data than '{runs[0].path}'; probe it by a separate command")
    dataset = first(data_dir=data_dir, say=say)
    metric.check_data(dataset.spec())
    for _, gan, _, _ in loaded:
        metric.check_networks(num_classes=gan.num_classes, discriminator=gan.discriminator)
    train = dataset.load(metric.train_split)
    test = choose(dataset.load(metric.test_split), metric.num_test, split=metric.test_split)

    names = dict(zip((run.path for run in runs), names_of([run.path for run in runs]), strict=True))
    say("probing raw pixels")
    found = [ProbedNetwork(names[runs[0].path], PIXELS, metric.compare(pixels, train, test))]
    for run, gan, _, step in loaded:
        name = names[run.path]
        if not any(p.run == name and p.network == UNTRAINED for p in found):
            say(f"probing the untrained discriminator of {name}")
            untrained = build_gan(experiments[run.path], dataset.spec()).discriminator.to(device)
            found.append(ProbedNetwork(name, UNTRAINED, metric.probe(untrained, train, test)))
        say(f"probing {name} at step {step}")
        found.append(ProbedNetwork(name, f"step {step}", metric.probe(gan.discriminator.to(device), train, test)))
    return found


def names_of(folders: Sequence[Path]) -> list[str]:
    """Return names that tell folders apart: each folder's own, with as many above it as that takes."""
    parts = [folder.resolve().parts for folder in folders]
    lengths = range(1, max(map(len, parts)) + 1)
    num = next(n for n in lengths if len({own[-n:] for own in parts}) == len(set(parts)))
    return [str(Path(*own[-num:])) for own in parts]


def pixels(data: ImageData) -> dict[str, Tensor]:
    """Return every pixel of an image as a feature."""
    return {PIXELS: data.images_NCHW.flatten(1).float()}


def interval(accuracies: Sequence[float]) -> tuple[float, float] | None:
    """Return Student's interval of the mean over probe seeds at 95 %; None for one seed."""
    mean, error = mean_and_error(accuracies)
    if error is None:
        return None
    low, high = stats.t.interval(CONFIDENCE, len(accuracies) - 1, loc=mean, scale=error)
    return float(low), float(high)


def probes_to_json(probes: Sequence[ProbedNetwork]) -> list[Json]:
    """Return the accuracies of every network and tap, with one number for each probe seed."""
    return [
        {
            "run": probe.run,
            "network": probe.network,
            "tap": tap,
            "accuracies": list(found.accuracies),
            "inverse_regularizations": list(found.inverse_regularizations),
        }
        for probe in probes
        for tap, found in probe.places.items()
    ]
