"""All arms under all seeds. Each run has a file of its own, so that the same command does only what is missing."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from ganzoo.config.load import Configuration
from ganzoo.config.operative import parse_operative
from ganzoo.forgetting.experiment import ForgettingExperiment, arms_of, check_data
from ganzoo.forgetting.learner import try_out
from ganzoo.forgetting.loop import Curve, Tasks, load_tasks, train_arm
from ganzoo.forgetting.picture import save_forgetting
from ganzoo.forgetting.summary import ArmSummary, summarize
from ganzoo.runs import environment
from ganzoo.runs.code_hashes import training_code_files
from ganzoo.runs.folder import Json, RunFolder, write_json
from ganzoo.runs.json_files import read_json
from ganzoo.runs.monitor import Monitor
from ganzoo.runs.provenance import CHANGES, changes, check_same_data, write_provenance
from ganzoo.runs.resume import resume_configuration

SAVED = "what is finished there is kept"


@dataclass(frozen=True)
class Study:
    """The outcome.

    Args:
        result_path: the file with all curves, the summary, and their provenance.
        picture_path: the picture of the curves.
        summary: a row for each arm.
        eval_every: updates between measurements.
    """

    result_path: Path
    picture_path: Path
    summary: list[ArmSummary]
    eval_every: int


def run_study(
    configuration: Configuration[ForgettingExperiment],
    *,
    out: Path,
    device: str = "cpu",
    data_dir: Path | None = None,
    fresh: bool = False,
    command: str,
    monitor: Monitor,
) -> Study:
    """Train every arm under every seed that is not in the folder yet, then write result and picture.

    Args:
        configuration: what to run.
        out: the folder.
        device: where to train.
        data_dir: where the user keeps data sets.
        fresh: remove what is in the folder and start anew.
        command: the command line, for the record.
        monitor: receives messages and progress.

    Raises:
        UserError: the folder holds another configuration; data are missing; parts that do not fit together.
        RunFailedError: a NaN.
        RunInterruptedError: a file cannot be written or read, or memory is too small; what is finished is kept.
    """
    folder = RunFolder(out)
    torch_device = environment.select_device(device)
    folder.check_free()
    with folder.lock():
        configuration = resume_configuration(folder, configuration, what="study", fresh=fresh, say=monitor.say)
        environment.choose_deterministic_kernels(torch_device)
        with folder.interrupted_from_outside(saved=SAVED):
            return _run(folder, configuration, torch_device, data_dir, command, monitor, fresh=fresh)


def _run(
    folder: RunFolder,
    configuration: Configuration[ForgettingExperiment],
    device: torch.device,
    data_dir: Path | None,
    command: str,
    monitor: Monitor,
    *,
    fresh: bool,
) -> Study:
    experiment = configuration.experiment
    arms = arms_of(experiment)
    dataset = experiment.dataset(data_dir=data_dir, say=monitor.say)
    spec = dataset.spec()
    check_data(experiment, spec)
    for arm in arms:
        try_out(experiment, arm, spec)
    tasks = load_tasks(experiment, dataset, device=device)
    if fresh:
        # Only now: what refuses the new study leaves the old one alone.
        with folder.writing(saved=SAVED):
            folder.clear()
    now = _begin(folder, configuration, tasks, device, monitor)

    # Seed by seed, so that after the first seed every arm has a curve.
    paths = {_curve_path(folder, arm.name, seed): (arm, seed) for seed in experiment.seeds for arm in arms}
    missing = {path: run for path, run in paths.items() if not path.exists()}
    if len(missing) < len(paths):
        monitor.say(f"{len(paths) - len(missing)} of {len(paths)} runs in '{folder.path}' were finished before")
    num_steps = experiment.num_steps(spec.num_classes)
    monitor.start(0, num_steps * len(missing))
    for number, (path, (arm, seed)) in enumerate(missing.items()):
        monitor.say(f"{arm.name}, seed {seed}")
        since = time.perf_counter()
        curve = train_arm(
            experiment, arm, tasks, seed=seed, device=device, monitor=monitor, steps_before=number * num_steps
        )
        # The environment may change between two calls, so each curve records it.
        recorded = {name: now[name] for name in CHANGES if name in now}
        with folder.writing(saved=SAVED):
            write_json(path, {**asdict(curve), "seconds": time.perf_counter() - since, **recorded})
    monitor.close()
    curves = [read_curve(_curve_path(folder, arm.name, seed)) for arm in arms for seed in experiment.seeds]
    return _finish(folder, configuration, curves, spec.num_classes, command)


def _begin(
    folder: RunFolder,
    configuration: Configuration[ForgettingExperiment],
    tasks: Tasks,
    device: torch.device,
    monitor: Monitor,
) -> dict[str, Json]:
    """Write the provenance of a new study, or compare with that of a resumed one; return the environment."""
    now: dict[str, Json] = {
        **environment.machine(device),
        "data_sha256": {**tasks.data_sha256},
        "training_code_files": {**training_code_files(configuration.experiment, folder="forgetting")},
    }
    if not folder.operative_path.exists():
        write_provenance(folder, configuration, now, saved=SAVED)
        return now
    check_same_data(folder, tasks.data_sha256, name=configuration.experiment.dataset.name)
    changed = changes(folder.environment(), now)
    if changed:
        monitor.say(
            f"changed since '{folder.path}' began: {', '.join(changed)}; its curves may not be comparable, and "
            "forgetting.json will name those made from now on"
        )
    return now


def _finish(
    folder: RunFolder,
    configuration: Configuration[ForgettingExperiment],
    curves: list[Curve],
    num_classes: int,
    command: str,
) -> Study:
    """Write the result and the picture."""
    experiment = configuration.experiment
    summary = summarize(curves, num_steps_per_task=experiment.num_steps_per_task, num_classes=num_classes)
    result_path, picture_path = folder.path / "forgetting.json", folder.path / "forgetting.png"
    result: dict[str, Json] = {
        "name": configuration.name,
        "command": command,
        "configuration": {**parse_operative(configuration.operative())},
        "environment": folder.environment(),
        "made_otherwise": _made_otherwise(folder, curves),
        "curves": [asdict(curve) for curve in curves],
        "summary": [asdict(row) for row in summary],
    }
    with folder.writing(saved=SAVED):
        write_json(result_path, result)
        save_forgetting(
            curves,
            picture_path,
            title=f"{configuration.name}: accuracy on the current positive class",
            num_steps_per_task=experiment.num_steps_per_task,
            num_classes=num_classes,
        )
    return Study(result_path, picture_path, summary, experiment.eval_every)


def _made_otherwise(folder: RunFolder, curves: Sequence[Curve]) -> dict[str, Json]:
    """Return, by `ARM-seedN`, how the environment of a curve differs from the one that the folder began in."""
    began = folder.environment()
    paths = [_curve_path(folder, curve.arm, curve.seed) for curve in curves]
    # Older files do not record an environment.
    found = {path.stem: changes(began, {**began, **json.loads(path.read_text())}) for path in paths}
    return {name: list[Json](changed) for name, changed in found.items() if changed}


def _curve_path(folder: RunFolder, arm: str, seed: int) -> Path:
    return folder.path / "curves" / f"{arm}-seed{seed}.json"


def read_curve(path: Path) -> Curve:
    """Return the curve of a file.

    Raises:
        UserError: the file is damaged.
    """
    return read_json(path, Curve, what="curve", remedy="remove it, and the command makes it again")
