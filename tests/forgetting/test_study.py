"""The command: what it leaves, how it goes on, and what it refuses."""

import json
from pathlib import Path

import pytest
from PIL import Image

from ganzoo import cli
from ganzoo.config.load import load
from ganzoo.config.recipe_files import recipes_dir
from ganzoo.forgetting.experiment import ForgettingExperiment
from ganzoo.forgetting.loop import train_arm
from ganzoo.runs import environment

NAMES = ["alone", "elastic_weight_consolidation", "reservoir", "rotation"]


def call(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = cli.call([str(a) for a in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def curves(folder: Path) -> dict[str, object]:
    """The curves of a folder without the times."""
    found = {path.name: json.loads(path.read_text()) for path in sorted((folder / "curves").glob("*.json"))}
    return {name: {k: v for k, v in record.items() if k != "seconds"} for name, record in found.items()}


@pytest.mark.slow
def test_a_run_cut_off_between_arms_goes_on_to_the_same_curves_and_repeats_nothing(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, err = call(capsys, "forgetting", recipe, "--out", tmp_path / "whole")
    assert (code, err) == (0, "")
    assert sorted(curves(tmp_path / "whole")) == [f"{name}-seed{seed}.json" for name in NAMES for seed in (0, 1, 2)]
    assert "mean above alone" in out
    assert str(tmp_path / "whole" / "forgetting.png") in out

    started: list[str] = []

    def cut_off(experiment, arm, tasks, **options):
        started.append(arm.name)
        if len(started) == 6:
            raise KeyboardInterrupt
        return train_arm(experiment, arm, tasks, **options)

    monkeypatch.setattr("ganzoo.forgetting.study.train_arm", cut_off)
    assert call(capsys, "forgetting", recipe, "--out", tmp_path / "cut")[0] == 3
    assert len(curves(tmp_path / "cut")) == 5
    assert not (tmp_path / "cut" / "forgetting.json").exists()
    code, out, _ = call(capsys, "forgetting", recipe, "--out", tmp_path / "cut")
    assert code == 0
    assert "5 of 12 runs" in out
    assert len(started) == 6 + 7
    assert curves(tmp_path / "cut") == curves(tmp_path / "whole")
    results = [json.loads((tmp_path / name / "forgetting.json").read_text()) for name in ("whole", "cut")]
    assert results[0]["summary"] == results[1]["summary"]
    assert results[0]["configuration"]["forgetting.seeds"] == "[0, 1, 2]"
    assert {"data_sha256", "packages", "commit"} <= results[0]["environment"].keys()
    points = results[0]["curves"][0]["points"]
    assert [p["step"] for p in points] == list(range(9))
    assert [p["positive_class"] for p in points] == [0, 0, 1, 1, 0, 0, 1, 1, 1]
    with Image.open(tmp_path / "whole" / "forgetting.png") as picture:
        assert min(picture.size) > 400

    # Another configuration in a folder is refused with the difference; --fresh starts anew.
    other = ("--set", "optim.adam.learning_rate = 0.5", "--set", "forgetting.remedies = []")
    code, _, err = call(capsys, "forgetting", recipe, "--out", tmp_path / "cut", *other)
    assert code == 2
    assert "optim.adam.learning_rate: 0.0002 -> 0.5" in err
    assert call(capsys, "forgetting", recipe, "--out", tmp_path / "cut", *other, "--fresh")[0] == 0
    first = "alone-seed0.json"
    assert len(curves(tmp_path / "cut")) == 6
    assert curves(tmp_path / "cut")[first] != curves(tmp_path / "whole")[first]


@pytest.mark.slow
def test_curves_of_other_code_or_versions_than_the_first_are_named_in_the_result(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    arguments = ("forgetting", recipe, "--out", out, "--set", "forgetting.remedies = []")
    assert call(capsys, *arguments)[0] == 0
    assert json.loads((out / "forgetting.json").read_text())["made_otherwise"] == {}
    (out / "curves" / "rotation-seed1.json").unlink()
    # A file of before, which does not say how it was made.
    old = out / "curves" / "alone-seed0.json"
    kept = {"arm", "seed", "num_d_images", "points", "seconds"}
    old.write_text(json.dumps({k: v for k, v in json.loads(old.read_text()).items() if k in kept}))
    monkeypatch.setattr(environment, "packages", lambda: {"torch": "0"})
    code, said, _ = call(capsys, *arguments)
    assert code == 0
    assert "forgetting.json will name those made from now on" in said
    result = json.loads((out / "forgetting.json").read_text())
    assert result["made_otherwise"] == {"rotation-seed1": ["versions of packages"]}
    record = json.loads((out / "curves" / "rotation-seed1.json").read_text())
    assert record["packages"] == {"torch": "0"}
    assert record["training_code_files"] == result["environment"]["training_code_files"]


PLUGIN = '''
from ganzoo.pretext.base import PretextTask, TaskResult, LossTerm
from ganzoo.registry import register

@register("pretext")
class replacing(PretextTask):
    """A task."""
    replaces_adversarial = True

@register("pretext")
class of_fakes(PretextTask):
    """A task."""
    def d_terms(self, outputs, *, step):
        return TaskResult([LossTerm("loss", outputs.fake.output.logits_N.mean())])

@register("pretext")
class of_pairs(PretextTask):
    """A task."""
    def extra_latents(self, fake, *, role, rng):
        return {"near": fake}
'''


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--seeds", "0,1"], "seeds must be at least 3"),
        (["--seeds", "0,1,x"], "--seeds takes whole numbers with commas between them"),
        (["--seeds", "0,1,1"], "seeds must be different whole numbers"),
        (["--set", "data.synthetic.num_classes = 0"], "data.synthetic has no class labels"),
        (["--set", "data.synthetic.num_classes = 1"], "data.synthetic has only one class"),
        (["--set", "forgetting.pretext = []", "--set", "forgetting.remedies = []"], "nothing is left to compare with"),
        (["--set", "forgetting.pretext = [@pretext.rotaton]"], "did you mean 'pretext.rotation'?"),
        (["--set", "forgetting.pretext = [@pretext.rotation, @pretext.rotation]"], "two arms are called 'rotation'"),
        (["--set", "forgetting.remedies = [@remedies.resevoir]"], "did you mean 'remedies.reservoir'?"),
        (["--set", "forgetting.seed = 3"], "did you mean 'seeds'?"),
        (["--set", "forgetting.batch_size = 6"], "multiple of 4"),
        (["--set", "forgetting.batch_size = 7"], "batch_size must be even"),
        (["--set", "forgetting.eval_every = 2"], "eval_every must divide forgetting.num_steps_per_task = 2"),
        (["--set", "forgetting.num_cycles = 1"], "num_cycles must be at least 2"),
        (["--set", "forgetting.num_test_images = 40"], "choose at most 30"),
        (["--set", "forgetting.test_split = 'tset'"], "has no split 'tset'"),
        (["--set", "experiment.seed = 3"], "'experiment.seed' is for `ganzoo run`"),
        (["--set", "architectures.resnet_discriminator.normalization = @normalizations.batch"], "normalises over the"),
        (["--plugin", "PLUGIN", "--set", "forgetting.pretext = [@pretext.replacing]"], "replaces the adversarial term"),
        (
            ["--plugin", "PLUGIN", "--set", "forgetting.pretext = [@pretext.of_fakes]"],
            "without generated images is nan",
        ),
        (["--plugin", "PLUGIN", "--set", "forgetting.pretext = [@pretext.of_pairs]"], "generated images of its own"),
        (["--device", "cuda:99"], "no device 'cuda:99'"),
    ],
)
def test_a_mistake_is_one_sentence_and_nothing_is_trained(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    from ganzoo.testing import temporary_plugins

    plugin = tmp_path / "plugin.py"
    plugin.write_text(PLUGIN)
    given = [str(plugin) if a == "PLUGIN" else a for a in arguments]
    with temporary_plugins():
        code, out, err = call(capsys, "forgetting", recipe, "--out", tmp_path / "out", *given)
    assert code == 2, err
    assert out == ""
    assert said in err
    assert "Traceback" not in err
    assert not (tmp_path / "out" / "curves").exists()


@pytest.mark.parametrize("command", ["run", "check"])
def test_a_recipe_of_the_other_command_is_refused_with_its_name(
    command: str, recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in (recipe, "forgetting/fashion_mnist", "fashion_mnist"):
        code, _, err = call(capsys, command, name)
        assert code == 2
        assert "is for `ganzoo forgetting`" in err
    code, _, err = call(capsys, "forgetting", "quickstart")
    assert code == 2
    assert "is for `ganzoo run`" in err
    code, _, err = call(capsys, "forgetting", "fashion_mnits")
    assert code == 2
    assert "did you mean 'fashion_mnist'?" in err


@pytest.mark.parametrize("path", sorted(recipes_dir().glob("forgetting/*.gin")), ids=lambda path: path.stem)
def test_a_packaged_recipe_loads_by_name_says_what_it_is_and_reads_back(path: Path, tmp_path: Path) -> None:
    first = load(path.stem, ForgettingExperiment)
    assert first.experiment.num_cycles == 2
    (tmp_path / "copy.gin").write_text(first.operative())
    second = load(tmp_path / "copy.gin", ForgettingExperiment)
    assert second.experiment == first.experiment
    assert second.operative() == first.operative()
    header = path.read_text().split("\n\n")[0]
    assert all(line.startswith("#") for line in header.splitlines())
    assert "arXiv:1811.11212" in header
    assert "\n# Commonly overridden: " in header


def test_the_cifar10_recipe_has_the_papers_tasks() -> None:
    experiment = load("cifar10", ForgettingExperiment).experiment
    found = (experiment.num_steps_per_task, experiment.num_cycles, experiment.dataset().spec().num_classes)
    assert found == (1000, 2, 10)


def test_list_and_describe_show_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = call(capsys, "list", "recipes")
    before, _, after = out.partition("recipes of `ganzoo forgetting`:")
    assert "fashion_mnist  Forgetting on Fashion-MNIST" in after
    assert "Forgetting" not in before
    code, out, _ = call(capsys, "describe", "forgetting")
    assert code == 0
    assert "num_steps_per_task: int, required" in out
