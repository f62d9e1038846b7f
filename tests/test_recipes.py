"""Every packaged recipe loads, says what it is, and differs from its neighbours by what its name says alone."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from ganzoo import registry
from ganzoo.config import recipe_files
from ganzoo.config.experiment import Experiment
from ganzoo.config.load import load, load_protocol
from ganzoo.config.operative import diff
from ganzoo.config.recipe_files import recipes_dir
from ganzoo.errors import UserError
from ganzoo.gan.build import build_gan

RECIPES = sorted(path.stem for path in recipes_dir().glob("*.gin"))
PROTOCOLS = sorted(path.stem for path in recipes_dir().glob("protocols/*.gin"))
ROWS = [
    "cond_resnet",
    "rotation_only_resnet",
    "ssgan_annealed_resnet",
    "ssgan_resnet",
    "ssgan_sbn_resnet",
    "uncond_resnet",
]
PREFIXES = ["", "fashion_", "fashion32_"]
TASKS = sorted(
    name.removeprefix("pretext.")
    for name, listing in registry.index().items()
    if name.startswith("pretext.") and name != "pretext.rotation" and listing.origin.startswith("ganzoo")
)

# Typed from the settings that the recipes promise, not read from any of their files.
CIFAR10 = {
    "experiment.augment": "None",
    "experiment.batch_size": "64",
    "experiment.d_optimizer": "@optim.adam",
    "experiment.dataset": "@data.cifar10",
    "experiment.ema_decay": "None",
    "experiment.g_optimizer": "@optim.adam",
    "experiment.latent_dim": "128",
    "experiment.loss": "@losses.hinge",
    "experiment.metrics": "[@metrics.frechet_distance, @metrics.kernel_distance]",
    "experiment.num_d_steps": "2",
    "experiment.num_steps": "100000",
    "experiment.penalty": "None",
    "experiment.precision": "'float32'",
    "architectures.resnet_discriminator.normalization": "@normalizations.none",
    "architectures.resnet_discriminator.spectral_norm": "True",
    "architectures.resnet_discriminator.variant": "'sngan'",
    "architectures.resnet_discriminator.width": "128",
    "architectures.resnet_generator.normalization": "@normalizations.batch",
    "architectures.resnet_generator.spectral_norm": "False",
    "architectures.resnet_generator.variant": "'sngan'",
    "architectures.resnet_generator.width": "256",
    "optim.adam.beta1": "0.0",
    "optim.adam.beta2": "0.9",
    "optim.adam.learning_rate": "0.0002",
    "optim.adam.schedule": "'constant'",
    **{
        f"metrics.{metric}.{name}": value
        for metric in ("frechet_distance", "kernel_distance")
        for name, value in {
            "features": "@features.inception",
            "num_fake": "10000",
            "num_real": "10000",
            "reference_split": "'test'",
        }.items()
    },
}
FASHION = CIFAR10 | {
    "experiment.metrics": "[@metrics.frechet_distance, @metrics.kernel_distance, @metrics.precision_recall, "
    "@metrics.density_coverage]",
    "experiment.dataset": "@data.fashion_mnist",
    "experiment.num_d_steps": "1",
    "experiment.num_steps": "3000",
    "architectures.resnet_discriminator.width": "64",
    "architectures.resnet_generator.width": "64",
    "metrics.frechet_distance.features": "@features.efficientnet_lite0",
    "metrics.kernel_distance.features": "@features.efficientnet_lite0",
}
UNCONDITIONAL = {
    "uncond_resnet": CIFAR10,
    "fashion_uncond_resnet": FASHION | {"data.fashion_mnist.size": "16"},
    "fashion32_uncond_resnet": FASHION | {"data.fashion_mnist.size": "32"},
}


def operative(name: str) -> str:
    return load(name).operative()


def values(name: str) -> dict[str, str]:
    return {key: value for key, value, _ in load(name).resolved}


def test_the_recipes_are_those_of_the_tables() -> None:
    assert {"quickstart", *(prefix + row for prefix in PREFIXES for row in ROWS)} <= set(RECIPES)


@pytest.mark.parametrize("task", TASKS)
def test_every_task_has_a_recipe_that_differs_from_ssgan_by_the_task_alone(task: str) -> None:
    theirs, ours = operative("ssgan_resnet"), operative(f"{task}_resnet")
    keys = {line.partition(": ")[0] for line in diff(theirs, ours)}
    assert "experiment.pretext" in keys
    own = ("pretext.rotation.", f"pretext.{task}.")
    # A task that says what is real itself takes the place of the adversarial loss.
    experiment = load(f"{task}_resnet").experiment
    replaced = {"experiment.loss"} if experiment.loss is None and _is_replaced(experiment) else set()
    assert all(key.startswith(own) for key in keys - {"experiment.pretext"} - replaced)


def _is_replaced(experiment: Experiment) -> bool:
    gan = build_gan(experiment, experiment.dataset().spec())
    return any(task.replaces_adversarial for task in gan.tasks.values())


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_loads_and_its_operative_text_reads_back(name: str, tmp_path: Path) -> None:
    first = load(name)
    for text in (first.operative(), first.source()):
        (tmp_path / "copy.gin").write_text(text)
        second = load(tmp_path / "copy.gin")
        assert second.experiment == first.experiment
        assert second.operative() == first.operative()


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_has_a_header_an_include_or_two_and_at_most_six_lines(name: str) -> None:
    lines = (recipes_dir() / f"{name}.gin").read_text().splitlines()
    header = "\n".join(lines[: lines.index("")])
    assert all(line.startswith("#") for line in header.splitlines())
    assert re.match(r"# \S.*\.\n#\n# Paper: ", header)
    assert re.search(r"arXiv:\d{4}\.\d{5}", header)
    assert "\n# Commonly overridden: " in header
    own = [line for line in lines if line.strip() and not line.startswith("#")]
    includes = [line for line in own if line.startswith("include ")]
    assert 1 <= len(includes) <= 2
    assert len(own) - len(includes) <= 6
    assert max(map(len, lines)) <= 120


@pytest.mark.parametrize("path", sorted(recipes_dir().glob("base/*.gin")), ids=lambda path: path.stem)
def test_a_base_file_says_what_it_is(path: Path) -> None:
    assert path.read_text().startswith("# ")


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_protocol_loads_alone_and_serves_a_recipe_as_an_include(name: str, tmp_path: Path) -> None:
    assert (recipes_dir() / f"protocols/{name}.gin").read_text().startswith("# ")
    protocol = load_protocol(name)
    recipe = tmp_path / "recipe.gin"
    recipe.write_text(f"include 'fashion_ssgan_resnet.gin'\nexperiment.metrics = []\ninclude 'protocols/{name}.gin'\n")
    experiment = load(recipe).experiment
    assert experiment.metrics == protocol.metrics
    assert experiment.num_eval_seeds == protocol.num_eval_seeds


def test_the_papers_and_mimicrys_protocols_are_what_their_tables_say() -> None:
    sizes = {
        name: {
            (
                part.name,
                part.arguments.get("reference_split"),
                part.arguments.get("num_real"),
                part.arguments["num_fake"],
            )
            for part in load_protocol(name).metrics
        }
        for name in ("paper", "mimicry")
    }
    assert ("metrics.frechet_distance", "test", 10_000, 10_000) in sizes["paper"]
    assert ("metrics.frechet_distance", "train", 50_000, 50_000) in sizes["mimicry"]
    assert load_protocol("mimicry").num_eval_seeds == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("experiment.num_steps = 3", r"p\.gin:1: the protocol has no parameter 'num_steps'"),
        ("experiment.num_eval_seeds = 3", r"p\.gin: binds no metrics"),
        ("experiment.num_eval_seeds = 0", r"p\.gin:1: experiment\.num_eval_seeds must be at least 1, not 0"),
        ("experiment.eval_batch_norm = 'standng'", r"p\.gin:1: .*eval_batch_norm.*'standing'"),
    ],
)
def test_what_is_no_protocol_is_refused_with_its_place(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "p.gin"
    path.write_text(text + "\n")
    with pytest.raises(UserError, match=message):
        load_protocol(path)
    with pytest.raises(UserError, match=r"no protocol 'papr'; did you mean 'paper'"):
        load_protocol("papr")


def test_the_folder_holds_data_only() -> None:
    assert {path.suffix for path in recipes_dir().rglob("*") if path.is_file()} == {".gin"}


@pytest.mark.parametrize("name", UNCONDITIONAL)
def test_a_baseline_has_the_settings_that_it_promises(name: str) -> None:
    found, expected = values(name), UNCONDITIONAL[name]
    assert {key: found.get(key) for key in expected} == expected


@pytest.mark.parametrize("prefix", PREFIXES)
def test_recipes_differ_by_what_their_names_say_alone(prefix: str) -> None:
    text = {row: operative(prefix + row) for row in ROWS}

    def keys(a: str, b: str) -> set[str]:
        return {line.partition(": ")[0] for line in diff(text[a], text[b])}

    pretext = keys("uncond_resnet", "ssgan_resnet")
    assert "experiment.pretext" in pretext
    assert all(key.startswith("pretext.rotation.") for key in pretext - {"experiment.pretext"})
    conditioning = keys("uncond_resnet", "cond_resnet")
    assert "experiment.conditioning" in conditioning
    assert all(key.startswith("conditioning.projection.") for key in conditioning - {"experiment.conditioning"})
    assert diff(text["ssgan_resnet"], text["ssgan_annealed_resnet"]) == [
        "pretext.rotation.alpha_schedule: 'constant' -> 'linear'"
    ]
    control = diff(text["ssgan_resnet"], text["rotation_only_resnet"], ignore=["metrics", "experiment.metrics"])
    changed = {line.partition(": ")[0] for line in control if not line.startswith("features.")}
    assert changed == {"experiment.loss", "pretext.rotation.alpha"}
    modulated = keys("ssgan_resnet", "ssgan_sbn_resnet") - {"architectures.resnet_generator.normalization"}
    assert all(re.match(r"normalizations\.(batch|self_modulated_batch)\.", key) for key in modulated)


def test_ssgan_differs_from_its_baseline_by_the_task_alone_on_the_standard_networks_too() -> None:
    difference = diff(operative("sndcgan"), operative("ssgan_sndcgan"))
    keys = {line.partition(": ")[0] for line in difference}
    assert "experiment.pretext" in keys
    assert all(key.startswith("pretext.rotation.") for key in keys - {"experiment.pretext"})


@pytest.mark.parametrize(("name", "size"), [("resnet_48", 48), ("resnet5_128", 128), ("biggan_128", 128)])
def test_networks_of_a_size_without_a_recipe_are_built_from_their_base_file(
    name: str, size: int, tmp_path: Path
) -> None:
    recipe = tmp_path / "recipe.gin"
    recipe.write_text(
        f"include 'base/protocol.gin'\ninclude 'base/{name}.gin'\n"
        f"experiment.dataset = @data.synthetic\nexperiment.num_steps = 1\ndata.synthetic.size = {size}\n"
    )
    narrow = ["G_WIDTH = 1", "D_WIDTH = 1"]
    experiment = load(recipe, overrides=narrow).experiment
    gan = build_gan(experiment, experiment.dataset().spec())
    assert gan.generator.image_shape == (3, size, size)


def test_ewc_differs_from_the_baseline_by_the_penalty_alone() -> None:
    keys = {line.partition(": ")[0] for line in diff(operative("uncond_resnet"), operative("ewc_resnet"))}
    assert {key.rpartition(".")[0] for key in keys} == {"experiment", "penalties.ewc"}
    assert {key for key in keys if key.startswith("experiment.")} == {"experiment.penalty"}


def test_the_two_sizes_of_fashion_mnist_differ_by_the_size_alone() -> None:
    difference = diff(operative("fashion_ssgan_resnet"), operative("fashion32_ssgan_resnet"))
    assert difference == ["data.fashion_mnist.size: 16 -> 32"]


def test_the_quickstart_is_ssgan_on_digits_without_flips() -> None:
    found = values("quickstart")
    expected = {
        "experiment.augment": "None",
        "experiment.dataset": "@data.digits",
        "experiment.ema_decay": "None",
        "experiment.num_d_steps": "1",
        "experiment.pretext": "[@pretext.rotation]",
        "data.digits.size": "16",
        "metrics.frechet_distance.features": "@features.efficientnet_lite0",
        "metrics.frechet_distance.num_real": "1797",
        "metrics.kernel_distance.features": "@features.efficientnet_lite0",
        "metrics.kernel_distance.num_real": "1797",
    }
    assert {key: found.get(key) for key in expected} == expected


@pytest.mark.parametrize(
    "override",
    ["experiment.pretext = []", "experiment.metrics = []", "experiment.dataset = @data.synthetic", "G_WIDTH = 8"],
)
def test_one_override_swaps_a_part(override: str) -> None:
    load("fashion_ssgan_annealed_resnet", overrides=[override])


def test_a_wheel_carries_every_recipe_and_an_installed_package_finds_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = Path(__file__).parent.parent
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=root, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        packed = {name.removeprefix("ganzoo/recipes/") for name in archive.namelist() if name.endswith(".gin")}
        archive.extractall(tmp_path / "installed")
    assert packed == {str(path.relative_to(root / "gin")) for path in (root / "gin").rglob("*.gin")}
    monkeypatch.setattr(recipe_files, "PACKAGE", tmp_path / "installed/ganzoo")
    assert recipe_files.recipes_dir() == tmp_path / "installed/ganzoo/recipes"
    assert load("ssgan_resnet").experiment.num_steps == 100_000
