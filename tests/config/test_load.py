"""Recipes are found, read and resolved; the operative text is complete and reads back as the same experiment."""

import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest

from ganzoo import registry
from ganzoo.component import Part
from ganzoo.config.experiment import Experiment
from ganzoo.config.load import Configuration, load
from ganzoo.config.operative import diff
from ganzoo.config.recipe_files import recipes_dir
from ganzoo.errors import UserError

PARTS = Path(__file__).parent / "config_parts.py"
EXPERIMENT = """\
experiment:
    dataset = @data.toy_data
    generator = @architectures.toy_generator
    discriminator = @architectures.toy_discriminator
    loss = @losses.toy_loss
    g_optimizer = @G/optim.toy_adam
    d_optimizer = @D/optim.toy_adam
    num_steps = 1_000
architectures.toy_generator.width = 8
architectures.toy_generator.normalization = @normalizations.toy_norm
"""


@pytest.fixture(autouse=True)
def toy_parts() -> Iterator[None]:
    before = set(registry.index())
    yield
    for name in set(registry.index()) - before:
        del registry._loaded[name], registry._files[name]


def load_text(folder: Path, text: str, *overrides: str) -> Configuration[Experiment]:
    (folder / "x.gin").write_text(text)
    return load(folder / "x.gin", overrides=overrides, plugins=[PARTS])


def test_every_parameter_takes_its_binding_or_its_default(tmp_path: Path) -> None:
    experiment = load_text(tmp_path, EXPERIMENT + "data.toy_data.size = 32").experiment
    assert experiment.num_steps == 1000
    assert experiment.batch_size == 64
    assert experiment.pretext == ()
    assert experiment.dataset.arguments == {"size": 32, "root": None}
    normalization = experiment.generator.arguments["normalization"]
    assert isinstance(normalization, Part)
    assert normalization.name == "normalizations.toy_norm"
    assert normalization.arguments == {"epsilon": 1e-5, "affine": True}
    assert experiment.dataset().spec().image_shape == (1, 32, 32)


def test_values_are_converted_to_the_declared_types(tmp_path: Path) -> None:
    lines = [
        "experiment.pretext = [@pretext.toy_task]",
        "experiment.metrics = [@metrics.toy_metric]",
        "pretext.toy_task.alpha = 3",
        "pretext.toy_task.angles = [1, 2]",
        "pretext.toy_task.names = ('a', 'b')",
        "pretext.toy_task.weights = {'a': 1}",
        "metrics.toy_metric.num = 7",
        "optim.toy_adam.betas = [0, 0.5]",
    ]
    experiment = load_text(tmp_path, EXPERIMENT + "\n".join(lines)).experiment
    (task,), (metric,) = experiment.pretext, experiment.metrics
    assert repr(task.arguments) == repr({"alpha": 3.0, "angles": (1, 2), "names": ["a", "b"], "weights": {"a": 1.0}})
    assert repr(metric.arguments["num"]) == "7"
    assert repr(experiment.g_optimizer.arguments["betas"]) == "(0.0, 0.5)"


def test_a_scope_wins_over_no_scope_and_an_inner_scope_over_an_outer(tmp_path: Path) -> None:
    lines = [
        "experiment.d_optimizer = @D/slow/optim.toy_adam",
        "optim.toy_adam.learning_rate = 1.0",
        "optim.toy_adam.schedule = 'linear'",
        "D/optim.toy_adam.learning_rate = 2.0",
        "D/optim.toy_adam.betas = (0.1, 0.2)",
        "D/slow/optim.toy_adam.learning_rate = 3.0",
    ]
    with pytest.raises(UserError, match=r"nothing uses D/optim\.toy_adam\.learning_rate"):
        load_text(tmp_path, EXPERIMENT + "\n".join(lines))
    del lines[3]
    experiment = load_text(tmp_path, EXPERIMENT + "\n".join(lines)).experiment
    assert experiment.g_optimizer.arguments == {"learning_rate": 1.0, "betas": (0.0, 0.9), "schedule": "linear"}
    assert experiment.d_optimizer.arguments == {"learning_rate": 3.0, "betas": (0.1, 0.2), "schedule": "linear"}
    assert experiment.d_optimizer.scope == "D/slow"


def test_macros_stand_for_values_lists_and_references(tmp_path: Path) -> None:
    lines = ["TASK = @pretext.toy_task", "TASKS = [%TASK]", "BATCH = 16"]
    lines += ["experiment.pretext = %TASKS", "experiment.batch_size = %BATCH"]
    experiment = load_text(tmp_path, EXPERIMENT + "\n".join(lines), "BATCH = 32").experiment
    assert experiment.batch_size == 32
    assert [part.name for part in experiment.pretext] == ["pretext.toy_task"]


def test_the_last_binding_wins_and_overrides_win_over_files(tmp_path: Path) -> None:
    text = EXPERIMENT + "experiment.seed = 1\nexperiment.seed = 2\n"
    assert load_text(tmp_path, text).experiment.seed == 2
    overrides = ["experiment.seed = 3", "experiment:\n    seed = 4\n    log_every = 7"]
    experiment = load_text(tmp_path, text, *overrides).experiment
    assert (experiment.seed, experiment.log_every) == (4, 7)


def test_what_was_bound_for_a_part_may_stay_when_the_part_is_replaced(tmp_path: Path) -> None:
    lines = ["experiment.pretext = [@pretext.toy_nested]", "pretext.toy_nested.inner = @pretext.toy_task"]
    lines += ["ALPHA = 0.5", "pretext.toy_task.alpha = %ALPHA", ""]
    text = EXPERIMENT + "\n".join(lines)
    assert load_text(tmp_path, text, "experiment.pretext = []").experiment.pretext == ()
    with pytest.raises(
        UserError, match=r"x\.gin:15: pretext\.toy_task has no parameter 'alpa'; did you mean 'alpha'\?"
    ):
        load_text(tmp_path, text + "pretext.toy_task.alpa = 1.0", "experiment.pretext = []")
    with pytest.raises(UserError, match=r"--set 'pretext.toy_task.alpha = 1.0': nothing uses pretext\.toy_task\.alpha"):
        load_text(tmp_path, text, "experiment.pretext = []", "pretext.toy_task.alpha = 1.0")


OPERATIVE = """\

architectures.toy_discriminator.normalization = None
architectures.toy_discriminator.width = 4

architectures.toy_generator.normalization = @normalizations.toy_norm
architectures.toy_generator.width = 8

data.toy_data.root = 'it\\'s "here"'
data.toy_data.size = 16

normalizations.toy_norm.affine = True
normalizations.toy_norm.epsilon = 1e-05

D/optim.toy_adam.betas = [0.0, 0.9]
D/optim.toy_adam.learning_rate = 0.0004
D/optim.toy_adam.schedule = 'constant'

G/optim.toy_adam.betas = [0.0, 0.9]
G/optim.toy_adam.learning_rate = 0.0001
G/optim.toy_adam.schedule = 'constant'
"""
ROUND_TRIP = EXPERIMENT + (
    "data.toy_data.root = 'it\\'s \"here\"'\n"
    "optim.toy_adam.learning_rate = 1e-4\n"
    "D/optim.toy_adam.learning_rate = 4e-4\n"
)


def test_the_operative_text_holds_every_parameter_of_every_part(tmp_path: Path) -> None:
    text = load_text(tmp_path, ROUND_TRIP).operative()
    header, experiment, rest = (
        text.partition("\nexperiment.augment")[0],
        *text.partition("train_split = 'train'\n")[::2],
    )
    assert rest == OPERATIVE
    assert f"# plugin optim.toy_adam: sha256 {registry.plugin_sha256('optim.toy_adam')}" in header
    assert "experiment.d_optimizer = @D/optim.toy_adam\n" in experiment
    assert "experiment.num_threads = None\nexperiment.penalty = None\n" in experiment


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        ["experiment.pretext = [@pretext.toy_task, @other/pretext.toy_task]", "other/pretext.toy_task.alpha = 1e-30"],
        ["experiment.pretext = [@pretext.toy_nested]", "pretext.toy_nested.inner = @a/b/pretext.toy_task"],
        [f"data.toy_data.root = '{'long ' * 100}\\n\\u2028é'", "experiment.metrics = [@metrics.toy_metric]"],
        ["experiment.ema_decay = 0.30000000000000004", "experiment.loss = None", "experiment.precision = 'bfloat16'"],
    ],
)
def test_the_operative_text_loads_to_an_equal_experiment(tmp_path: Path, overrides: list[str]) -> None:
    first = load_text(tmp_path, ROUND_TRIP, *overrides)
    second = load_text(tmp_path, first.operative())
    assert second.experiment == first.experiment
    assert second.operative() == first.operative()
    assert all(where != "default" for _, _, where in second.resolved)


def test_the_source_loads_from_any_folder_to_an_equal_experiment(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "base/part.gin").write_text("WIDTH = 8\ninclude 'deeper.gin'")
    (tmp_path / "base/deeper.gin").write_text(EXPERIMENT.replace("width = 8", "width = %WIDTH"))
    first = load_text(tmp_path, "include 'base/part.gin'  # the rest\nWIDTH = 16", "experiment.log_every = 3")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "base/part.gin").unlink()
    second = load_text(elsewhere, first.with_seed(5).source())
    assert second.experiment == first.with_seed(5).experiment
    assert second.experiment.generator.arguments["width"] == 16
    assert second.experiment.log_every == 3


def test_resolved_says_where_each_value_was_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    resolved = load_text(tmp_path, ROUND_TRIP, "experiment.seed = 3").with_num_threads(2).resolved
    where = {key: (value, where) for key, value, where in resolved}
    assert where["experiment.num_steps"] == ("1000", "x.gin:8")
    assert where["experiment.seed"] == ("3", "--set 'experiment.seed = 3'")
    assert where["experiment.num_threads"] == ("2", "chosen by the run")
    assert where["experiment.batch_size"] == ("64", "default")
    assert where["G/optim.toy_adam.learning_rate"] == ("0.0001", "x.gin:12")
    assert where["D/optim.toy_adam.learning_rate"] == ("0.0004", "x.gin:13")


def test_seed_and_threads_are_replaced_and_nothing_else(tmp_path: Path) -> None:
    first = load_text(tmp_path, ROUND_TRIP)
    second = first.with_seed(7).with_num_threads(3)
    assert diff(first.operative(), second.operative()) == [
        "experiment.num_threads: None -> 3",
        "experiment.seed: 0 -> 7",
    ]
    assert first.experiment.seed == 0
    with pytest.raises(UserError, match=r"--seed -1: experiment.seed must be at least 0, not -1"):
        first.with_seed(-1)


def test_a_configuration_can_be_sent_to_another_process(tmp_path: Path) -> None:
    first = load_text(tmp_path, ROUND_TRIP)
    assert pickle.loads(pickle.dumps(first)) == first


def test_a_difference_is_one_line_a_key() -> None:
    a = "# plugin pretext.x: sha256 1\nexperiment.batch_size = 64\npretext.x.alpha = 1.0\npretext.xy.beta = '='\n"
    b = "# note\n# plugin pretext.x: sha256 2\nexperiment.batch_size = 32\npretext.xy.beta = ' = '\n"
    assert diff(a, a) == []
    assert diff(a, b) == [
        "plugin pretext.x: sha256 1 -> sha256 2",
        "experiment.batch_size: 64 -> 32",
        "pretext.x.alpha: 1.0 -> (absent)",
        "pretext.xy.beta: '=' -> ' = '",
    ]
    assert diff(a, b, ignore=["experiment.batch_size", "pretext.x", "plugin pretext.x"]) == [
        "pretext.xy.beta: '=' -> ' = '"
    ]


def test_a_parameter_that_an_earlier_version_did_not_know_counts_as_its_default(tmp_path: Path) -> None:
    now = load_text(tmp_path, ROUND_TRIP)
    text = now.operative()
    assert "experiment.keep_checkpoints = 2\n" in text
    assert "G/optim.toy_adam.learning_rate = 0.0001\n" in text
    assert now.difference(text.replace("experiment.keep_checkpoints = 2\n", "")) == []
    # What is not at its default would have been written, and what is no longer known meant something.
    assert now.difference(text.replace("G/optim.toy_adam.learning_rate = 0.0001\n", "")) == [
        "G/optim.toy_adam.learning_rate: (absent) -> 0.0001"
    ]
    assert now.difference(text + "experiment.gone = 1\n") == ["experiment.gone: 1 -> (absent)"]


def test_a_packaged_recipe_is_found_by_name_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "quickstart").mkdir()
    from ganzoo.config.recipe_files import find_recipe

    assert find_recipe("quickstart") == find_recipe("quickstart.gin") == recipes_dir() / "quickstart.gin"
    (tmp_path / "quickstart.gin").write_text("own")
    assert find_recipe("quickstart.gin") == Path("quickstart.gin")


def test_a_folder_may_include_packaged_files(tmp_path: Path) -> None:
    from ganzoo.config.recipe_files import read_file

    (tmp_path / "x.gin").write_text("include 'base/protocol.gin'\n")
    keys = [binding.key for binding in read_file(tmp_path / "x.gin").bindings]
    assert "experiment.loss" in keys
