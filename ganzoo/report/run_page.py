"""The page of one run."""

import inspect
from collections.abc import Mapping
from pathlib import Path

from ganzoo.component import options_of
from ganzoo.config.experiment import Experiment
from ganzoo.config.load import load
from ganzoo.config.operative import parts_of, values_of
from ganzoo.config.value_types import render as gin_text
from ganzoo.diagnostics.flag import flags_of
from ganzoo.diagnostics.flags import NUM_ROWS, judge_run
from ganzoo.diagnostics.panels import panels
from ganzoo.diagnostics.row_keys import series
from ganzoo.errors import UserError
from ganzoo.report.page import render
from ganzoo.report.pictures import image_uri, panel_picture
from ganzoo.runs.folder import Json, RunFolder

MAX_SAMPLE_CHARACTERS = 2_500_000  # of all grids together, so that a page stays well below 5 MB


def run_page(folder: RunFolder) -> str:
    """Return the page of a run, finished or not.

    Args:
        folder: of the run.

    Raises:
        UserError: the folder is damaged.
    """
    plugins = sorted(folder.plugins_path.glob("*.py"))
    configuration = load(str(folder.operative_path), plugins=plugins)
    if not folder.metrics_path.exists() and (folder.result_path.exists() or folder.checkpoints()):
        raise UserError(
            f"'{folder.metrics_path}' is missing, which holds every curve; bring the file back, or train the run again "
            "with --fresh"
        )
    experiment, rows = configuration.experiment, folder.metrics()
    nothing: dict[str, Json] = {"reason": None, "metrics": []}
    unfinished: dict[str, Json] = {"status": "not finished", "step": rows[-1]["step"] if rows else 0}
    result = {**nothing, **(folder.result() or unfinished)}
    recorded = result.get("chance")
    chance = {key: float(str(value)) for key, value in recorded.items()} if isinstance(recorded, dict) else {}
    metrics = [part.component for part in experiment.metrics]
    shown = panels(rows, chance=chance, metrics=metrics, higher_is_better=_directions(result))
    last_step = max((step for panel in shown for line in panel.lines for step, _ in series(rows, line.key)), default=1)
    judgement = judge_run(rows, experiment, chance=chance)
    return render(
        "run.html",
        flags=flags_of(result, where=folder.result_path),
        judged=judgement.judged,
        too_few=judgement.too_few,
        num_rows=NUM_ROWS,
        title=str(result.get("name") or folder.path.name),
        result=result,
        num_steps=experiment.num_steps,
        samples=sample_history(folder),
        panels=[(panel.name, panel_picture(panel, rows, last_step=last_step)) for panel in shown],
        differences=differences_from_defaults(experiment),
        source=folder.config_path.read_text(encoding="utf-8") if folder.config_path.exists() else "",
        operative=folder.operative_path.read_text(encoding="utf-8"),
        environment=folder.environment(),
    )


def _directions(result: Mapping[str, Json]) -> dict[str, bool]:
    """Return whether higher is better, for each measurement."""
    measurements = result["metrics"]
    found = measurements if isinstance(measurements, list) else []
    return {str(m["name"]): bool(m["higher_is_better"]) for m in found if isinstance(m, dict)}


def sample_history(folder: RunFolder) -> list[tuple[int, str]]:
    """Return the step and picture of as many sample grids as a page can hold, the first and the last among them."""
    paths = sorted(folder.samples_path.glob("step-*.png"))
    if not paths:
        return []
    last = image_uri(paths[-1])
    num = max(1, min(len(paths), MAX_SAMPLE_CHARACTERS // len(last)))
    chosen = sorted({round(i * (len(paths) - 1) / max(1, num - 1)) for i in range(num)}) if num > 1 else [-1]
    return [(_step_of(paths[i]), image_uri(paths[i])) for i in chosen]


def _step_of(path: Path) -> int:
    return int(path.stem.removeprefix("step-"))


def differences_from_defaults(experiment: Experiment) -> list[tuple[str, str, str | None]]:
    """Return (parameter, value, default) of all that is not at its default; the default is None where there is none."""
    defaults = _defaults("experiment", inspect.signature(Experiment).parameters)
    for part in parts_of([getattr(experiment, name) for name in inspect.signature(Experiment).parameters]):
        defaults |= _defaults(gin_text(part)[1:], options_of(part.component))
    values = values_of(experiment)
    return [
        (key, value, defaults.get(key))
        for key, value in values.items()
        if value != defaults.get(key) and key != "experiment.num_threads"
    ]


def _defaults(section: str, parameters: Mapping[str, inspect.Parameter]) -> dict[str, str]:
    return {
        f"{section}.{name}": gin_text(list(p.default) if isinstance(p.default, tuple) else p.default)
        for name, p in parameters.items()
        if p.default is not inspect.Parameter.empty
    }
