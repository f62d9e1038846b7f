"""`ganzoo eval`: measure a run's images again, under one protocol or several."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganzoo.commands.options import DataDir, Device, Plugins, Run, Step, write_for_user
from ganzoo.commands.results import OpenRun, open_run
from ganzoo.commands.terminal import complain, print_table, say
from ganzoo.errors import UserError

if TYPE_CHECKING:
    from ganzoo.config.evaluation_protocol import EvaluationProtocol
    from ganzoo.evaluation.evaluate import Evaluated
    from ganzoo.metrics.base import Measurement
    from ganzoo.runs.folder import Json

OWN_PROTOCOL = "the run's own"


def evaluate_run(
    run: Run,
    step: Step = None,
    protocol: Annotated[
        list[str] | None,
        typer.Option(
            "--protocol",
            metavar="NAME",
            help="A packaged protocol or a gin file; may be repeated. Default: the run's own metrics.",
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="BINDING", help="A gin binding that overrides every protocol named; may be repeated."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Also write the numbers as JSON.")] = None,
    plugin: Plugins = None,
    device: Device = "cpu",
    data_dir: DataDir = None,
) -> None:
    """Measure a run's generator again, without training.

    Each protocol has a column of its own, since numbers of different protocols are not comparable. Nothing in the run
    folder changes.

    Examples:
      ganzoo eval runs/quickstart-seed0
      ganzoo eval runs/quickstart-seed0 --step 1500
      ganzoo eval runs/ssgan_resnet-seed0 --protocol offline_quick --protocol paper --out numbers.json
      ganzoo eval runs/ssgan_resnet-seed0 --protocol clean --set 'features.inception.download = True'
    """
    from ganzoo.config.load import load_protocol
    from ganzoo.registry import load_file
    from ganzoo.runs.folder import RunFolder

    if settings and not protocol:
        raise UserError("--set overrides a protocol; name one, such as --protocol offline_quick")
    # A protocol may name a component of the run's plugins, or of a plugin that is given here.
    for path in (*RunFolder.existing(run).plugins_path.glob("*.py"), *(plugin or ())):
        load_file(path)
    # A misspelt protocol is found before the networks are read.
    protocols: dict[str, EvaluationProtocol] = {}
    given: dict[str, str] = {}
    for name in protocol or ():
        stem = Path(name).stem
        if stem in protocols:
            raise UserError(
                f"--protocol {name} and --protocol {given[stem]} would both be called '{stem}'; rename one file, or "
                "measure it with another command"
            )
        try:
            given[stem], protocols[stem] = name, load_protocol(name, overrides=settings or ())
        except UserError as error:
            # A binding that fits the other protocols may not fit this one.
            raise UserError(f"--protocol {name}: {error}") from error
    opened = open_run(run, step=step, device=device)
    protocols = protocols or {OWN_PROTOCOL: opened.experiment}
    if not any(p.metrics for p in protocols.values()):
        raise UserError(f"'{run}' has no metrics configured; name a protocol, such as --protocol offline_quick")

    evaluated: dict[str, Evaluated] = {}
    problems: list[str] = []
    for name, chosen in protocols.items():
        try:
            evaluated[name] = measure(opened, chosen, data_dir=data_dir)
        except UserError as error:
            problems.append(f"{name}: {error}")
            continue
        problems += [f"{name}: {failure.reason}" for failure in evaluated[name].failures]
    if not any(e.measurements for e in evaluated.values()):
        raise UserError("nothing could be computed. " + "; ".join(problems))

    print_protocols({name: e.measurements for name, e in evaluated.items()}, title=f"{run.name}, step {opened.step}")
    if out is not None:
        report: Json = {name: e.to_json() for name, e in evaluated.items()}
        write_report(out, {"run": run.name, "step": opened.step, "protocols": report})
    for problem in problems:
        complain(problem)


def measure(opened: OpenRun, protocol: "EvaluationProtocol", *, data_dir: Path | None) -> "Evaluated":
    """Return the numbers of an opened run under a protocol."""
    from ganzoo.evaluation.earlier_fakes import read_earlier_fakes
    from ganzoo.evaluation.evaluate import evaluate
    from ganzoo.evaluation.inputs import EvaluationInputs
    from ganzoo.runs.provenance import recorded_hashes

    experiment = opened.experiment
    inputs = EvaluationInputs(
        opened.gan,
        experiment.dataset(data_dir=data_dir, say=say),
        protocol,
        run_seed=experiment.seed,
        device=opened.device,
        data_sha256=recorded_hashes(opened.folder),
        say=say,
        earlier_fakes=lambda: read_earlier_fakes(opened.folder, before=opened.step),
    )
    return evaluate(inputs)


def write_report(path: Path, report: Mapping[str, "Json"]) -> None:
    """Write the numbers with the versions of the packages that computed them."""
    from ganzoo.runs.environment import packages

    write_for_user(path, json.dumps({**report, "packages": packages()}, indent=2) + "\n")
    say(f"numbers: {path}")


def print_measurements(measurements: Sequence["Measurement"], *, title: str) -> None:
    """Print the measurements of a result as a table."""
    if not measurements:
        say(f"{title}: no metrics are configured")
        return
    rows = []
    for m in measurements:
        value, spread, better = _shown(m)
        rows.append((m.name, value, f"{spread} over {m.error_source}" if spread and m.error_source else spread, better))
    print_table(("metric", "value", "standard error", "better"), rows, title=title)


def print_protocols(measured: Mapping[str, Sequence["Measurement"]], *, title: str) -> None:
    """Print the measurements of several protocols, each in a column of its own."""
    from ganzoo.metrics.base import repeated_names

    if len(measured) == 1:
        ((name, measurements),) = measured.items()
        print_measurements(measurements, title=title if name == OWN_PROTOCOL else f"{title}, protocol {name}")
        return
    cells: dict[tuple[str, str], dict[str, str]] = {}
    for protocol, measurements in measured.items():
        repeated = repeated_names(measurements)
        for m in measurements:
            value, spread, better = _shown(m)
            cells.setdefault((m.key(repeated), better), {})[protocol] = f"{value} {spread}".rstrip()
    rows: Sequence[Sequence[str]] = [
        (name, *(row.get(protocol, "") for protocol in measured), better) for (name, better), row in cells.items()
    ]
    print_table(("metric", *measured, "better"), rows, title=title)


def _shown(m: "Measurement") -> tuple[str, str, str]:
    """Return the value of a measurement, its standard error (empty if there is none) and its better direction."""
    spread = "" if m.standard_error is None else f"± {m.standard_error:.3g}"
    return f"{m.value:.5g}", spread, "higher" if m.higher_is_better else "lower"
