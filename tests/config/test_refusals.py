"""A configuration that would not do what it says is refused with its place and, where one is near, the right name."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from ganzoo import registry
from ganzoo.config.load import load
from ganzoo.errors import UserError

PARTS = Path(__file__).parent / "config_parts.py"
BASE = """\
WIDTH = 8
experiment:
    dataset = @data.toy_data
    generator = @architectures.toy_generator
    discriminator = @architectures.toy_discriminator
    loss = @losses.toy_loss
    pretext = [@pretext.toy_task]
    g_optimizer = @G/optim.toy_adam
    d_optimizer = @D/optim.toy_adam
    num_steps = 100
architectures.toy_generator.width = %WIDTH
architectures.toy_generator.normalization = @normalizations.toy_norm
"""
LAST = BASE.count("\n") + 1


@pytest.fixture(autouse=True)
def toy_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    before = set(registry.index())
    yield
    for name in set(registry.index()) - before:
        del registry._loaded[name], registry._files[name]


def refusal(text: str | bytes, *overrides: str, name: str = "x.gin") -> str:
    Path(name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UserError) as error:
        load(name, overrides=overrides, plugins=[PARTS])
    return str(error.value)


REFUSED = [
    # Types, in words, with the likely slip.
    (
        "experiment.batch_size = '64'",
        "experiment.batch_size must be a whole number, not '64'; write 64, without quotes",
    ),
    ("experiment.batch_size = 64.0", "experiment.batch_size must be a whole number, not 64.0"),
    ("experiment.batch_size = True", "experiment.batch_size must be a whole number, not True"),
    ("experiment.batch_size = None", "experiment.batch_size must be a whole number, not None"),
    ("experiment.ema_decay = True", "experiment.ema_decay must be a number or None, not True"),
    (
        f"experiment.ema_decay = 1{'0' * 399}",
        "experiment.ema_decay must be a number of at most 1.8e+308 in size, not one of 400 digits",
    ),
    (
        "experiment.num_threads = 100000000000",
        "experiment.num_threads must be at most 4096, not 100000000000; None leaves the choice to torch",
    ),
    ("experiment.train_split = 3", "experiment.train_split must be a string in quotes, not 3"),
    (
        "experiment.precision = 'bfloat'",
        "experiment.precision must be one of 'float32', 'bfloat16', not 'bfloat'; did you mean 'bfloat16'?",
    ),
    (
        "experiment.pretext = @pretext.toy_task",
        "experiment.pretext must be a list, each item a reference to a pretext task (@pretext.NAME), "
        "not @pretext.toy_task; write [@pretext.toy_task]",
    ),
    (
        "experiment.pretext = ['pretext.toy_task']",
        "experiment.pretext, item 1, must be a reference to a pretext task (@pretext.NAME), not 'pretext.toy_task'; "
        "write @pretext.toy_task, without quotes",
    ),
    (
        "experiment.generator = @architectures.toy_discriminator",
        "experiment.generator must be a reference to a generator (@architectures.NAME), "
        "and @architectures.toy_discriminator is a discriminator (@architectures.NAME)",
    ),
    (
        "experiment.generator = @losses.toy_loss",
        "experiment.generator must be a reference to a generator (@architectures.NAME), "
        "and @losses.toy_loss is an adversarial loss (@losses.NAME)",
    ),
    ("pretext.toy_task.alpha = 'x'", "pretext.toy_task.alpha must be a number, not 'x'"),
    (
        "pretext.toy_task.angles = [0, '90']",
        "pretext.toy_task.angles, item 2, must be a whole number, not '90'; write 90, without quotes",
    ),
    (
        "optim.toy_adam.betas = (0.0, 0.9, 1.0)",
        "optim.toy_adam.betas must be a list of 2 (a number, a number), not [0.0, 0.9, 1.0]",
    ),
    ("pretext.toy_task.weights = {'a': 'b'}", "pretext.toy_task.weights['a'] must be a number, not 'b'"),
    (
        "normalizations.toy_norm.affine = 'True'",
        "normalizations.toy_norm.affine must be True or False, not 'True'; write True, without quotes",
    ),
    # Values that the experiment itself refuses.
    ("experiment.num_d_steps = 0", "experiment.num_d_steps must be at least 1, not 0"),
    ("experiment.ema_decay = 2", "experiment.ema_decay must lie in [0, 1), not 2.0; None switches the average off"),
    # Names.
    ("experiment.batch_siz = 3", "the experiment has no parameter 'batch_siz'; did you mean 'batch_size'?"),
    ("experimnt.seed = 3", "no component 'experimnt'; did you mean 'experiment'?"),
    ("pretext.toy_taks.alpha = 3", "no component 'pretext.toy_taks'; did you mean 'pretext.toy_task'?"),
    ("pretext.toy_task.alpa = 3", "pretext.toy_task has no parameter 'alpa'; did you mean 'alpha'?"),
    ("losses.toy_loss.margin = 3", "losses.toy_loss has no parameter 'margin'; it has none"),
    ("toy_task.alpha = 3", "'toy_task' is short for a component; write its full name, 'pretext.toy_task.alpha'"),
    ("experiment.pretext = [@pretext.toy_taks]", "no component 'pretext.toy_taks'; did you mean 'pretext.toy_task'?"),
    ("experiment.pretext = [@toy_task]", "no component 'toy_task'; did you mean 'pretext.toy_task'?"),
    ("experiment.pretext = [@pretxt.toy_taks]", "no component 'pretxt.toy_taks'; did you mean 'pretext.toy_task'?"),
    ("experiment.pretext = [@toy_taks]", "no component 'toy_taks'; did you mean 'pretext.toy_task'?"),
    (
        "pretext.toy_task = 3",
        "'pretext.toy_task' is a component, not a parameter; write pretext.toy_task.PARAMETER = ...",
    ),
    (
        "experiment.generator.width = 3",
        "'experiment.generator.width' is no parameter: a part's parameters are bound by its own name, "
        "architectures.toy_generator.width = ...",
    ),
    ("G/experiment.seed = 3", "'G/experiment.seed': the experiment has no scope; write experiment.seed"),
    ("experiment.g_optimizer = @G.x/optim.toy_adam", "the scope of @G.x/optim.toy_adam must be a plain name"),
    # Facts of the run.
    (
        "pretext.toy_task.batch_size = 3",
        "pretext.toy_task.batch_size comes from the data set and the experiment and cannot be bound; "
        "bind experiment.batch_size instead",
    ),
    (
        "normalizations.toy_norm.num_features = 3",
        "normalizations.toy_norm.num_features comes from the data set and the experiment and cannot be bound; "
        "remove the line",
    ),
    # References.
    (
        "experiment.loss = @losses.toy_loss()",
        "@losses.toy_loss() is called here; write @losses.toy_loss: ganzoo builds it when it is needed",
    ),
    # What nothing uses.
    (
        "pretext.toy_nested.inner = None",
        "nothing uses pretext.toy_nested.inner: @pretext.toy_nested is not among the parts of this experiment; "
        "bind it there, or remove the line",
    ),
    (
        "E/optim.toy_adam.learning_rate = 3.0",
        "nothing uses E/optim.toy_adam.learning_rate: there is no reference @E/optim.toy_adam, optim.toy_adam is used "
        "as @G/optim.toy_adam and @D/optim.toy_adam; did you mean 'G/optim.toy_adam'?",
    ),
    ("HEIGHT = 3", "nothing uses the macro HEIGHT; remove the line"),
    ("WIDHT = 3", "nothing uses the macro WIDHT; did you mean 'WIDTH'?"),
    ("num_steps = 3", "nothing uses the macro num_steps; did you mean 'experiment.num_steps'?"),
    # Macros.
    ("experiment.seed = %WIDHT", "no macro '%WIDHT'; did you mean 'WIDTH'?"),
    ("WIDTH = %WIDTH", "the macro '%WIDTH' is defined by itself"),
    # What is no gin.
    (
        "experiment.seed = 2*3",
        "`experiment.seed = 2*3` goes on after its value; a value is one literal, without arithmetic such as 2*3",
    ),
    ("experiment.ema_decay = inf", "'inf' is no value; a recipe holds finite numbers only"),
    ("experiment.ema_decay = 1e999", "the number is too large to be finite; there is no infinity in a recipe"),
    ("experiment.seed = true", "'true' is no value; write True"),
    (
        "experiment.precision = float32",
        "'float32' is no value; write a string in quotes, a part as @kind.name, a macro as %NAME",
    ),
    ("experiment.seed 3", "`experiment.seed 3` is no statement; write kind.name.parameter = value"),
    ("experiment.precision = 'float32", "a quote in `experiment.precision = 'float32` is not closed"),
    (
        "experiment.pretext = [@pretext.toy_task",
        "a bracket or quote that `experiment.pretext = [@pretext.toy_task` opens is not closed, or a comma is missing",
    ),
    (
        "experiment.seed =",
        "no value is readable in `experiment.seed =`; a value is a number, a string in quotes, True, False, None, "
        "a list, a part as @kind.name or a macro as %NAME",
    ),
]


@pytest.mark.parametrize("line", ["experiment.pretext = [@pretext.mirror]", "pretext.mirror.alpha = 0.5"])
def test_a_component_that_resembles_none_may_be_a_forgotten_plugin(line: str) -> None:
    message = refusal(BASE + line + "\n")
    assert message.startswith(f"x.gin:{LAST}: no component 'pretext.mirror'; `ganzoo list pretext` shows the ")
    assert message.endswith("; if it is a plugin, give its file with --plugin FILE or install its package")
    assert "did you mean" not in message


@pytest.mark.parametrize(("line", "message"), REFUSED, ids=[line for line, _ in REFUSED])
def test_a_wrong_line_is_refused_with_its_place(line: str, message: str) -> None:
    assert refusal(BASE + line + "\n") == f"x.gin:{LAST}: {message}"


@pytest.mark.parametrize(("line", "message"), REFUSED, ids=[line for line, _ in REFUSED])
def test_a_wrong_override_is_refused_with_its_text(line: str, message: str) -> None:
    quote = '"' if "'" in line else "'"
    assert refusal(BASE, line) == f"--set {quote}{line}{quote}: {message}"


def test_a_wrong_item_of_a_long_list_is_placed_on_its_own_line() -> None:
    text = BASE + "experiment.pretext = [\n    @pretext.toy_task,\n    @pretext.toy_taks,  # a slip\n]\n"
    assert refusal(text) == f"x.gin:{LAST + 2}: no component 'pretext.toy_taks'; did you mean 'pretext.toy_task'?"


def test_a_wrong_value_of_a_macro_names_both_places() -> None:
    message = refusal(BASE, "WIDTH = '8'")
    assert message == (
        "x.gin:11: architectures.toy_generator.width must be a whole number, not '8'; write 8, without quotes; "
        "%WIDTH is defined at --set \"WIDTH = '8'\""
    )


def test_an_unscoped_binding_that_every_scope_covers_is_refused() -> None:
    text = BASE + "optim.toy_adam.learning_rate = 1.0\nG/optim.toy_adam.learning_rate = 2.0\n"
    assert refusal(text + "D/optim.toy_adam.learning_rate = 3.0\n") == (
        "x.gin:13: nothing uses optim.toy_adam.learning_rate: every reference has a binding of its own, "
        "G/optim.toy_adam.learning_rate (x.gin:14) and D/optim.toy_adam.learning_rate (x.gin:15); "
        "remove the line or one of them"
    )


def test_missing_bindings_are_named() -> None:
    assert refusal("experiment.seed = 1\nexperiment.loss = None\n") == (
        "x.gin: the recipe does not bind experiment.dataset, experiment.generator, experiment.discriminator, "
        "experiment.g_optimizer, experiment.d_optimizer, experiment.num_steps"
    )
    text = BASE.replace("architectures.toy_generator.normalization", "architectures.toy_discriminator.normalization")
    assert refusal(text) == (
        "x.gin:4: architectures.toy_generator needs its parameter 'normalization'; "
        "bind architectures.toy_generator.normalization"
    )


def test_a_part_that_refers_to_itself_is_refused() -> None:
    lines = "experiment.pretext = [@pretext.toy_nested]\npretext.toy_nested.inner = @pretext.toy_nested\n"
    assert refusal(BASE + lines) == ("x.gin:14: @pretext.toy_nested refers to itself; give the inner one another scope")


def refusal_of_optimizer(*lines: str, overrides: Sequence[str] = ()) -> str:
    Path("x.gin").write_text(BASE + "".join(f"{line}\n" for line in lines))
    experiment = load("x.gin", overrides=overrides, plugins=[PARTS]).experiment
    with pytest.raises(UserError) as error:
        experiment.g_optimizer(num_steps=1)
    return str(error.value)


def test_a_value_that_a_constructor_refuses_is_placed_where_it_was_bound() -> None:
    refused = "optim.toy_adam.learning_rate must not be negative, not -1.0"
    line = "optim.toy_adam.learning_rate = -1.0"
    assert refusal_of_optimizer(line) == f"x.gin:13: {refused}"
    assert refusal_of_optimizer(overrides=[line]) == f"--set '{line}': {refused}"
    assert refusal_of_optimizer(f"G/{line}") == f"x.gin:13: G/{refused}"
    assert refusal_of_optimizer("RATE = -1.0", "optim.toy_adam.learning_rate = %RATE") == (
        f"x.gin:14: {refused}; %RATE is defined at x.gin:13"
    )


def test_a_refusal_shows_other_parameters_with_their_full_keys_and_is_placed_at_the_first_bound() -> None:
    refused = "optim.toy_adam.schedule = 'constant' asks for betas below 1 over experiment.num_steps steps; set "
    assert refusal_of_optimizer("optim.toy_adam.betas = (2.0, 0.9)") == f"x.gin:10: G/{refused}optim.toy_adam.betas"
    bound = ["G/optim.toy_adam.schedule = 'constant'", "optim.toy_adam.betas = (2.0, 0.9)"]
    assert refusal_of_optimizer(*bound) == f"x.gin:13: G/{refused}optim.toy_adam.betas"


def test_what_a_constructor_refuses_without_a_parameter_s_name_is_placed_at_the_reference() -> None:
    assert refusal_of_optimizer("optim.toy_adam.betas = (0.5, -1.0)") == "x.gin:8: optim.toy_adam: it is too sharp"


@pytest.mark.parametrize(
    "line",
    ["import sentinel", "from sentinel import x", "import sentinel as s", "  import sentinel; x", "from . import *"],
)
@pytest.mark.parametrize("where", ["recipe", "include", "override"])
def test_an_import_is_refused_and_nothing_is_executed(
    line: str, where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch = "import pathlib\npathlib.Path('touched').touch()\n"
    Path("sentinel.py").write_text(touch)
    Path("plugin.py").write_text(touch)
    monkeypatch.syspath_prepend(str(tmp_path))
    Path("imports.gin").write_text(f"\n{line}\n")
    Path("x.gin").write_text(
        {"recipe": f"{BASE}{line}\n", "include": "include 'imports.gin'\n", "override": BASE}[where]
    )
    with pytest.raises(UserError) as error:
        load("x.gin", overrides=[line] if where == "override" else [], plugins=[Path("plugin.py")])
    place = {"recipe": f"x.gin:{LAST}", "include": "imports.gin:2", "override": f"--set '{line.strip()}'"}[where]
    assert str(error.value).startswith(f"{place}: a recipe is data and may not import; remove the line")
    assert not Path("touched").exists()


@pytest.mark.parametrize(
    "comment", ["# plugin file: mirror.py", "# plugin pretext.jigsaw: see its paper", "# plugin a.b: sha256 of it"]
)
def test_a_comment_about_a_plugin_is_a_comment(comment: str) -> None:
    Path("x.gin").write_text(f"{comment}\n{BASE}")
    load("x.gin", plugins=[PARTS])


def test_an_operative_text_without_its_plugin_says_what_is_missing() -> None:
    text = BASE.replace("[@pretext.toy_task]", "[]") + "# plugin pretext.jigsaw: sha256 123\n"
    assert refusal(text) == (
        "x.gin: uses the plugin 'pretext.jigsaw', which is not here; install its package or give its file with "
        "--plugin (a run folder keeps a copy in plugins/)"
    )


def test_files_that_are_no_recipe() -> None:
    assert refusal("") == "x.gin: is empty: it binds nothing; see `ganzoo list` and the packaged recipes"
    assert refusal("# only a comment\n").startswith("x.gin: is empty")
    assert refusal(b"\x89PNG\0\0") == "x.gin: is a binary file; a recipe is gin text"
    assert refusal(b"# fine\nx = '\xff'\n") == "x.gin:2: is not UTF-8 text; save it as UTF-8"


def test_a_recipe_that_is_not_there() -> None:
    with pytest.raises(UserError, match=r"^no recipe 'ssgan_resnt'; did you mean 'ssgan_resnet'\?$"):
        load("ssgan_resnt")
    Path("mine.gin").write_text("x")
    with pytest.raises(UserError, match=r"^no file 'mime.gin'; did you mean 'mine.gin'\?$"):
        load("mime.gin")
    with pytest.raises(UserError, match=r"^no recipe 'zzz'; `ganzoo list recipes` shows the packaged ones$"):
        load("zzz")
    Path("folder").mkdir()
    with pytest.raises(
        UserError, match=r"^'folder' is a folder; give a recipe's file, such as 'folder/operative.gin'$"
    ):
        load("folder")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("/etc/hostname", "the include '/etc/hostname' is absolute; give it relative to this file"),
        ("../outside.gin", "the include '../outside.gin' leads outside the search path, 'in'"),
        ("link.gin", "the include 'link.gin' leads outside the search path, 'in'"),
        ("prat.gin", "no file 'prat.gin' to include; did you mean 'part.gin'?"),
        ("x.gin", "the include of 'x.gin' closes a circle: it is being read already"),
        ("part.gin", "the include of 'x.gin' closes a circle: it is being read already"),
    ],
)
def test_an_include_that_is_refused(name: str, message: str) -> None:
    Path("outside.gin").write_text("experiment.seed = 1\n")
    Path("in").mkdir()
    Path("in/link.gin").symlink_to(Path("outside.gin").resolve())
    Path("in/part.gin").write_text("include 'x.gin'\n")
    text = refusal(f"\ninclude '{name}'\n", name="in/x.gin")
    assert text.startswith(f"in/{'part.gin:1' if name == 'part.gin' else 'x.gin:2'}: {message}")


def test_an_override_takes_bindings_only() -> None:
    message = "takes bindings such as 'experiment.seed = 1', and no include"
    assert refusal(BASE, "include 'y.gin'") == f"--set \"include 'y.gin'\": {message}"
    assert refusal(BASE, " ") == "--set '': takes a binding such as 'experiment.seed = 1', and got none"
    two = "experiment.seed = 1\nexperiment.log_every = 'a'"
    assert refusal(BASE, two).startswith("--set \"experiment.log_every = 'a'\": experiment.log_every must be")


@pytest.mark.parametrize("path", ["missing/dir/zzz.gin", "zzz.gin", "missing/zzz"])
def test_what_looks_like_a_path_is_called_a_file(path: str) -> None:
    with pytest.raises(UserError) as error:
        load(path)
    assert str(error.value) == f"no file '{path}'; `ganzoo list recipes` shows the packaged ones"


def refusal_of_options(*overrides: str, **options: str) -> str:
    Path("x.gin").write_text(BASE)
    given = {f"--{name} {text.rpartition(' ')[2]}": text for name, text in options.items()}
    with pytest.raises(UserError) as error:
        load("x.gin", overrides=overrides, options=given, plugins=[PARTS])
    return str(error.value)


def test_a_wrong_value_of_an_option_names_the_option() -> None:
    assert refusal_of_options(threads="experiment.num_threads = 0") == (
        "--threads 0: experiment.num_threads must be at least 1, not 0; None leaves the choice to torch"
    )
    assert refusal_of_options(seed="experiment.seed = -1") == "--seed -1: experiment.seed must be at least 0, not -1"


def test_an_option_and_a_set_that_contradict_each_other_are_refused() -> None:
    assert refusal_of_options("experiment.seed = 2", seed="experiment.seed = 1") == (
        "--seed 1: contradicts --set 'experiment.seed = 2'; leave one of them out"
    )
    Path("x.gin").write_text(BASE + "experiment.seed = 7\n")
    given = {"--seed 1": "experiment.seed = 1"}
    loaded = load("x.gin", overrides=["experiment.seed = 1"], options=given, plugins=[PARTS])
    assert loaded.experiment.seed == 1
