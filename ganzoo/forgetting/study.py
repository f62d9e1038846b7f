"""All arms under all seeds, each in a file of its own, so that a command that was cut off does only what is missing."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from ganzoo.config.load import Configuration
from ganzoo.config.operative import parse_operative
from ganzoo.data.base import ImageData
from ganzoo.errors import RunInterruptedError, UserError, os_error_text
from ganzoo.forgetting.experiment import Arm, ForgettingExperiment, arms_of, check_data
from ganzoo.forgetting.learner import try_out
from ganzoo.forgetting.loop import Curve, Point, Tasks, num_steps_of, train_arm
from ganzoo.forgetting.one_vs_all import OneVsAll
from ganzoo.forgetting.picture import save_forgetting
from ganzoo.forgetting.summary import ArmSummary, summarize
from ganzoo.runs import environment
from ganzoo.runs.code_hashes import training_code_files
from ganzoo.runs.folder import Json, RunFolder, write_atomically, write_json
from ganzoo.runs.monitor import Monitor
from ganzoo.runs.provenance import CHANGES, changes
from ganzoo.runs.resume import settle

KEPT = "what is finished there is kept"


@dataclass(frozen=True)
class Study:
    """What came out.

    Args:
        result_path: all curves, the summary, and how they were made.
        picture_path: the curves.
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
    """Train every arm under every seed that the folder does not have yet, then write result and picture.

    Args:
        configuration: what to run.
        out: the folder.
        device: where to train.
        data_dir: where the user keeps data sets.
        fresh: remove what is in the folder and start anew.
        command: how it was called, for the record.
        monitor: receives messages and progress.

    Raises:
        UserError: the folder holds another configuration; data are missing; parts that do not fit together.
        RunFailedError: a NaN.
        RunInterruptedError: a file cannot be written or read; what is finished is kept.
    """
    folder = RunFolder(out)
    torch_device = environment.select_device(device)
    folder.check_own()
    with folder.lock():
        configuration = settle(folder, configuration, what="study", fresh=fresh, say=monitor.say)
        environment.choose_deterministic_kernels(torch_device)
        try:
            return _run(folder, configuration, torch_device, data_dir, command, monitor, fresh=fresh)
        except BrokenPipeError:
            raise  # of standard output, whose reader has seen enough
        except OSError as error:
            raise RunInterruptedError(f"{os_error_text(error)}; what is finished in '{out}' is kept") from error
        except torch.OutOfMemoryError as error:
            raise RunInterruptedError(f"out of memory on {device} ({error}); what is finished is kept") from error


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
    splits = {split: dataset.load(split) for split in (experiment.train_split, experiment.test_split)}
    train, test = (
        OneVsAll(
            splits[split],
            num_classes=spec.num_classes,
            device=device,
            name=f"the split '{split}' of {experiment.dataset.name}",
        )
        for split in (experiment.train_split, experiment.test_split)
    )
    tests = tuple(test.test_set(k, experiment.num_test_images) for k in range(spec.num_classes))
    tasks = Tasks(spec, train, tests)
    if fresh:
        # Only now: what refuses the new study leaves the old one alone.
        with folder.writing(kept=KEPT):
            folder.clear()
    now = _begin(folder, configuration, splits, device, monitor)

    # Seed by seed, so that after the first seed every arm has a curve.
    runs = [(arm, seed) for seed in experiment.seeds for arm in arms]
    missing = [(arm, seed) for arm, seed in runs if not _curve_path(folder, arm, seed).exists()]
    num_done_before, num_steps = len(runs) - len(missing), num_steps_of(experiment, spec)
    if num_done_before:
        monitor.say(f"{num_done_before} of {len(runs)} runs in '{folder.path}' were finished before")
    monitor.start(0, num_steps * len(missing))
    for number, (arm, seed) in enumerate(missing):
        monitor.say(f"{arm.name}, seed {seed}")
        since = time.perf_counter()
        curve = train_arm(
            experiment, arm, tasks, seed=seed, device=device, monitor=monitor, steps_before=number * num_steps
        )
        record: dict[str, Json] = {**curve_to_json(curve), "seconds": time.perf_counter() - since}
        # What may change between two calls each curve says for itself.
        record |= {name: now[name] for name in CHANGES if name in now}
        with folder.writing(kept=KEPT):
            write_json(_curve_path(folder, arm, seed), record)
    monitor.close()
    curves = [read_curve(_curve_path(folder, arm, seed)) for arm in arms for seed in experiment.seeds]
    return _finish(folder, configuration, curves, spec.num_classes, command)


def _begin(
    folder: RunFolder,
    configuration: Configuration[ForgettingExperiment],
    splits: dict[str, ImageData],
    device: torch.device,
    monitor: Monitor,
) -> dict[str, Json]:
    """Write where this takes place, and the configuration last, or compare with where it began; return where it is."""
    hashes: dict[str, Json] = {split: data.sha256 for split, data in splits.items()}
    now: dict[str, Json] = {
        **environment.machine(device),
        "data_sha256": hashes,
        "training_code_files": {**training_code_files(configuration.experiment, folder="forgetting")},
    }
    if not folder.operative_path.exists():
        with folder.writing(kept=KEPT):
            write_json(folder.environment_path, now)
            write_atomically(folder.operative_path, configuration.operative())
        return now
    before = folder.environment()
    if before["data_sha256"] != hashes:
        raise UserError(
            f"the data set {configuration.experiment.dataset.name} has changed since '{folder.path}' began; "
            "bring the old files back, or start over with --fresh"
        )
    changed = changes(before, now)
    if changed:
        monitor.say(
            f"since '{folder.path}' began, other {', '.join(changed)}: its curves may not be comparable, and "
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
    configured: dict[str, Json] = {**parse_operative(configuration.operative())}
    result: dict[str, Json] = {
        "name": configuration.name,
        "command": command,
        "configuration": configured,
        "environment": folder.environment(),
        "made_otherwise": {**_made_otherwise(folder, curves)},
        "curves": [curve_to_json(curve) for curve in curves],
        "summary": [asdict(row) for row in summary],
    }
    with folder.writing(kept=KEPT):
        write_json(result_path, result)
        save_forgetting(
            curves,
            picture_path,
            title=f"{configuration.name}: accuracy on the positive class of the moment",
            num_steps_per_task=experiment.num_steps_per_task,
            num_classes=num_classes,
        )
    return Study(result_path, picture_path, summary, experiment.eval_every)


def _made_otherwise(folder: RunFolder, curves: Sequence[Curve]) -> dict[str, Json]:
    """Return in what the making of curves, by `ARM-seedN`, differs from the environment that the folder began in."""
    began = folder.environment()
    found: dict[str, Json] = {}
    for curve in curves:
        path = _path_of(folder, curve.arm, curve.seed)
        record = json.loads(path.read_text())
        # Older files do not say it.
        changed = list[Json](changes(began, {**began, **record}))
        if changed:
            found[path.stem] = changed
    return found


def _curve_path(folder: RunFolder, arm: Arm, seed: int) -> Path:
    return _path_of(folder, arm.name, seed)


def _path_of(folder: RunFolder, arm_name: str, seed: int) -> Path:
    return folder.path / "curves" / f"{arm_name}-seed{seed}.json"


def curve_to_json(curve: Curve) -> dict[str, Json]:
    """Return a curve as a file holds it."""
    points: list[Json] = [
        {"step": p.step, "positive_class": p.positive_class, "accuracy": p.accuracy} for p in curve.points
    ]
    return {"arm": curve.arm, "seed": curve.seed, "num_d_images": curve.num_d_images, "points": points}


def read_curve(path: Path) -> Curve:
    """Return the curve of a file.

    Raises:
        UserError: the file is damaged.
    """
    try:
        record = json.loads(path.read_text())
        points = tuple(Point(p["step"], p["positive_class"], p["accuracy"]) for p in record["points"])
        return Curve(record["arm"], record["seed"], points, record["num_d_images"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"'{path}' cannot be read ({error}); remove it, and the command makes it again") from error
