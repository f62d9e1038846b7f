"""The command line without a run: help, listings, descriptions, and a sentence for every mistake."""

import re
import subprocess
import sys

import pytest

import ganzoo
from ganzoo import cli, registry
from ganzoo.commands.components import first_comment
from ganzoo.component import options_of, summary_of
from ganzoo.errors import RunFailedError, RunInterruptedError, UserError

ONE_SENTENCE = re.compile(r"ganzoo: [^\n]+\n")


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Run a command line in this process; return exit code, standard output, standard error."""
    code = cli.call(arguments)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def subprocess_call(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ganzoo", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=6000, check=False)


def test_version_is_the_package_version(capsys):
    assert call(capsys, "--version") == (0, f"ganzoo {ganzoo.__version__}\n", "")


def test_help_names_every_command_and_gives_examples(capsys):
    code, out, _ = call(capsys, "--help")
    assert code == 0
    assert "ganzoo run quickstart" in out
    assert all(re.search(rf"^  {name} +\S", out, re.MULTILINE) for name in cli.COMMANDS)
    assert out.isascii()


def test_no_summary_of_a_command_is_cut_at_eighty_columns(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    _, out, _ = call(capsys, "--help")
    lines = out.split("Commands:\n")[1].splitlines()
    assert len(lines) == len(cli.COMMANDS)
    assert [line for line in lines if line.endswith("...") or not line.endswith(".")] == []


def test_no_arguments_show_the_help(capsys):
    assert call(capsys) == call(capsys, "--help")


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_the_help_of_a_command_explains_every_option_and_gives_an_example(capsys, command):
    code, out, _ = call(capsys, command, "--help")
    assert code == 0
    assert re.search(rf"^    ganzoo {command}\b", out, re.MULTILINE)
    assert "..." not in out.split("Options:")[0].partition("\n")[2]
    for line in re.findall(r"^  (?:-h, )?--\S+.*(?:\n {6,}.*)?", out, re.MULTILINE):
        assert re.search(r"--\S+(?: \S+)?\s{2,}\S|\n +\S", line), line


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rnu"], "no command 'rnu'; did you mean 'run'?"),
        (["train"], "no command 'train'"),
        (["zzz"], "no command 'zzz'; `ganzoo --help` lists them"),
        (["--quiet"], "--quiet"),
        (["run"], "missing argument 'RECIPE'; see `ganzoo run --help`"),
        (["run", "quickstart", "--sed", "1"], "--seed"),
        (["run", "quickstart", "--seed", "one"], "--seed"),
        (["run", "quickstart", "--seed"], "--seed"),
        (["check", "a", "b"], "b"),
        (["list", "pretex"], "no kind 'pretex'; did you mean 'pretext'?"),
        (["list", "xyzzy"], "no kind 'xyzzy'; there are: architectures, losses"),
        (["describe", "pretext.rotaton"], "no component 'pretext.rotaton'; did you mean 'pretext.rotation'?"),
        (["describe", "ssgan_resnet"], "'ssgan_resnet' is a recipe, not a component; `ganzoo check ssgan_resnet`"),
        (["describe", "rotation"], "no component 'rotation'; did you mean 'pretext.rotation'?"),
        (["sample", "here", "--out", "x.png", "--num", "0"], "'--num': it must be greater than or equal to 1;"),
        (["sample", "here"], "missing option '--out'"),
        (["sample", "here", "--out", "x.jpg"], "--out x.jpg: a PNG is written, not a '.jpg'; write --out x.png"),
        (["eval", "no/such/run"], "'no/such/run' is no run folder"),
        (["diff", "no/such/run", "nor/this"], "'no/such/run' is no run folder"),
        (["sample", "no/such/run", "--out", "x.png"], "'no/such/run' is no run folder"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(capsys, arguments, said):
    code, out, err = call(capsys, *arguments)
    assert code == 2
    assert out == ""
    assert ONE_SENTENCE.fullmatch(err), err
    assert said in err


def test_exit_codes_reach_the_shell():
    wrong, right = subprocess_call("describe", "pretext.rotaton"), subprocess_call("--version")
    assert (wrong.returncode, right.returncode) == (2, 0)
    assert wrong.stderr == "ganzoo: no component 'pretext.rotaton'; did you mean 'pretext.rotation'?\n"


def test_a_failed_run_is_one_sentence_and_exit_code_1(capsys, monkeypatch):
    monkeypatch.setattr(cli, "app", _raising(RunFailedError("a loss is NaN")))
    assert call(capsys, "run", "x") == (1, "", "ganzoo: a loss is NaN\n")


def test_what_ended_a_run_from_outside_is_a_sentence_and_exit_code_3(capsys, monkeypatch):
    monkeypatch.setattr(cli, "app", _raising(RunInterruptedError("no space left")))
    assert call(capsys, "run", "x") == (3, "", "ganzoo: no space left\n")


def test_a_mistake_found_late_is_still_exit_code_2(capsys, monkeypatch):
    monkeypatch.setattr(cli, "app", _raising(UserError("no such thing", where="x.gin:3")))
    assert call(capsys, "run", "x") == (2, "", "ganzoo: x.gin:3: no such thing\n")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PermissionError(13, "Permission denied", "photos/a.png"), "cannot use 'photos/a.png' (Permission denied)"),
        (OSError("no more of them"), "no more of them"),
        (
            RuntimeError("[enforce fail at alloc_cpu.cpp:121] . DefaultCPUAllocator: can't allocate memory: 8 bytes."),
            "there is too little memory (DefaultCPUAllocator: can't allocate memory: 8 bytes); lower "
            "experiment.batch_size or the widths",
        ),
    ],
)
def test_what_the_machine_refuses_is_a_sentence_and_exit_code_3_in_every_command(capsys, monkeypatch, error, said):
    monkeypatch.setattr(cli, "app", _raising(error))
    assert call(capsys, "eval", "x") == (3, "", f"ganzoo: {said}\n")


def test_an_unexpected_error_apologises_names_the_run_folder_and_shows_the_traceback(capsys, monkeypatch):
    error = ZeroDivisionError("division by zero")
    error.add_note("The run folder is 'runs/x'.")
    monkeypatch.setattr(cli, "app", _raising(error))
    code, _, err = call(capsys, "run", "x")
    assert code == 1
    assert err.startswith("ganzoo: sorry, an unexpected error: ")
    assert "The run folder is 'runs/x'." in err.splitlines()[0]
    assert "Traceback" in err
    assert "ZeroDivisionError: division by zero" in err


def test_ctrl_c_is_a_sentence_and_exit_code_3(capsys, monkeypatch):
    monkeypatch.setattr(cli, "app", _raising(KeyboardInterrupt()))
    code, _, err = call(capsys, "run", "x")
    assert code == 3
    assert ONE_SENTENCE.fullmatch(err)
    assert "interrupted" in err


def test_ctrl_c_inside_a_command_is_the_same(capsys, monkeypatch):
    monkeypatch.setattr("ganzoo.commands.components.index", _raising(KeyboardInterrupt()))
    code, _, err = call(capsys, "list")
    assert (code, "interrupted" in err) == (3, True)


def _raising(error: BaseException):
    def raise_it(*_arguments: object, **_options: object) -> None:
        raise error

    return raise_it


def test_a_reader_that_stops_reading_causes_no_traceback():
    command = f"{sys.executable} -m ganzoo list | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=600, check=False)
    assert done.stderr == ""


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["list"], ["list", "recipes"], ["--version"]])
def test_help_and_listings_import_no_heavy_package(arguments):
    program = (
        "import sys; from ganzoo import cli; code = cli.call(sys.argv[1:]); "
        "heavy = {'torch', 'numpy', 'matplotlib', 'torchvision', 'sklearn', 'scipy', 'PIL'} & sys.modules.keys(); "
        "sys.exit(f'imported {heavy}' if heavy else code)"
    )
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr


def test_list_shows_every_component_with_its_first_sentence_and_every_kind(capsys):
    code, out, _ = call(capsys, "list")
    assert code == 0
    for name, listing in registry.index().items():
        line = next(line for line in out.splitlines() if line.split()[:1] == [name])
        assert listing.summary in line
    assert all(f"{kind}: {meaning}" in out for kind, meaning in registry.KINDS.items())


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        ("# A sentence of\n# two lines. Another.\nx = 1\n# no header\n", "A sentence of two lines."),
        ("#\n# 5.5 images vs. 6 (see a.b.c): so. It ends.\n", "5.5 images vs. 6 (see a.b.c): so."),
        ("# A title\n#\n# Paper: X. Y.\n", "A title"),
        ("x = 1\n", ""),
    ],
)
def test_a_recipe_is_listed_with_the_whole_first_sentence_of_its_header(tmp_path, header, sentence):
    (tmp_path / "x.gin").write_text(header)
    assert first_comment(tmp_path / "x.gin") == sentence


@pytest.mark.parametrize("kind", registry.KINDS)
def test_list_of_a_kind_shows_that_kind_alone(capsys, kind):
    _, out, _ = call(capsys, "list", kind)
    names = {line.split()[0] for line in out.splitlines() if line.startswith("  ")}
    assert names == {name for name in registry.index() if name.startswith(f"{kind}.")}


@pytest.mark.parametrize("name", registry.index())
def test_describe_shows_each_parameter_with_type_default_and_meaning(capsys, name):
    code, out, _ = call(capsys, "describe", name)
    assert code == 0
    component = registry.get(name)
    assert summary_of(component).split()[0] in out
    for parameter, signature in options_of(component).items():
        line = re.search(rf"^  {parameter}: (.+)\n(.*)$", out, re.MULTILINE)
        assert line, f"{name} does not show {parameter}"
        assert line[1].endswith(", required") == (signature.default is signature.empty)
        assert line[2].strip(), f"{name} does not say in its Args what {parameter} means"


def test_describe_of_rotation_by_hand(capsys):
    _, out, _ = call(capsys, "describe", "pretext.rotation")
    assert "  alpha: float = 0.2\n      weight of the generator's loss." in out
    assert "  protocol: 'all_four' | 'one_each' | 'all_images' = 'all_four'" in out
    assert "arXiv:1811.11212" in out
    assert re.search(r"num_transforms +4", out)
    supplied = re.search(r"supplied by ganzoo: (.*)", out)
    assert supplied is not None
    assert set(supplied[1].split(", ")) == {"feature_dim", "image_shape", "batch_size", "num_steps", "layers"}


def test_describe_experiment_shows_every_binding_of_a_recipe(capsys):
    from dataclasses import fields

    from ganzoo.config.experiment import Experiment

    code, out, _ = call(capsys, "describe", "experiment")
    assert code == 0
    assert all(re.search(rf"^  {field.name}: .+\n +\S", out, re.MULTILINE) for field in fields(Experiment))
    assert "  pretext: [@pretext.NAME, ...] = []" in out
    assert "  penalty: @penalties.NAME | [@penalties.NAME, ...] | None = None" in out
