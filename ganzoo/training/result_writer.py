"""How a run ends: `curves.png` and `result.json`."""

from collections.abc import Mapping

from ganzoo.config.experiment import Experiment
from ganzoo.diagnostics.flag import flags_to_json
from ganzoo.diagnostics.flags import judge_run
from ganzoo.diagnostics.plots import save_curves
from ganzoo.diagnostics.row_keys import RowKey
from ganzoo.evaluation.evaluate import Evaluated
from ganzoo.pretext.base import PretextTask
from ganzoo.runs.folder import Json, RunFolder, write_json


def chance_of(tasks: Mapping[str, PretextTask]) -> dict[str, float]:
    """Return the accuracy of guessing in every task, by the keys of rows (`d/rotation/accuracy_real`)."""
    return {
        str(RowKey(role, report, owner=name)): value
        for name, task in tasks.items()
        for report, value in task.chance.items()
        for role in ("d", "g")
    }


def write_finished(
    folder: RunFolder,
    experiment: Experiment,
    evaluated: Evaluated,
    *,
    name: str,
    chance: Mapping[str, float],
    spent: Mapping[str, Json],
) -> dict[str, Json]:
    """Draw the curves of a run that reached its last step, write its result, and return it.

    Args:
        folder: of the run.
        experiment: what was run.
        evaluated: the numbers of the last generator.
        name: of the configuration.
        chance: of guessing, as `chance_of` returns it.
        spent: the counters, seconds and threads of the run.
    """
    rows = folder.metrics()
    with folder.writing():
        save_curves(
            rows,
            folder.curves_path,
            title=name,
            chance=chance,
            metrics=[part.component for part in experiment.metrics],
            higher_is_better={m.name: m.higher_is_better for m in evaluated.measurements},
        )
    result: dict[str, Json] = {
        "status": "finished",
        "name": name,
        "seed": experiment.seed,
        **evaluated.to_json(),
        "flags": flags_to_json(judge_run(rows, experiment, chance=chance).flags),
        "chance": {**chance},
        "samples": f"samples/step-{spent['step']:08d}.png",
        "curves": folder.curves_path.name,
        **spent,
    }
    with folder.writing():
        write_json(folder.result_path, result)
    return result


def write_failed(folder: RunFolder, reason: str, *, spent: Mapping[str, Json]) -> None:
    """Write the result of a run that could not go on, so that no table can drop it."""
    with folder.writing():
        write_json(folder.result_path, {"status": "failed", "reason": reason, **spent})
