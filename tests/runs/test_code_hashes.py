"""Which files of code training and numbers follow from."""

import hashlib
import importlib
import inspect
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ganzoo import registry
from ganzoo.component import name_of
from ganzoo.config.experiment import Experiment
from ganzoo.config.load import load
from ganzoo.config.recipe_files import recipes_dir
from ganzoo.gan.build import build_gan, build_objective
from ganzoo.paths import PACKAGE
from ganzoo.runs import code_hashes
from ganzoo.testing import temporary_plugins


@pytest.fixture
def experiment(tiny_recipe: Path) -> Experiment:
    return load(str(tiny_recipe)).experiment


def test_the_code_hash_depends_on_the_components_in_use_alone(experiment: Experiment) -> None:
    own = code_hashes.training_code_sha256(experiment)
    assert code_hashes.training_code_sha256(replace(experiment, seed=5)) == own
    other_loss = replace(experiment, loss=registry.part("losses.non_saturating"))
    assert code_hashes.training_code_sha256(other_loss) != own
    metric = registry.part("metrics.frechet_distance", features=registry.part("features.efficientnet_lite0"))
    assert code_hashes.training_code_sha256(replace(experiment, metrics=(metric,))) == own


def test_the_code_hash_sees_a_plugin_s_source(experiment: Experiment, tmp_path: Path) -> None:
    source = '''
from ganzoo.losses.hinge import hinge
from ganzoo.registry import register

@register("losses")
class {name}(hinge):
    """Hinge.

    Source: this test.
    """
'''
    hashes = []
    for name in ("hinge_a", "hinge_b"):
        path = tmp_path / f"{name}.py"
        path.write_text(source.format(name=name))
        registry.load_file(path)
        hashes.append(code_hashes.training_code_sha256(replace(experiment, loss=registry.part(f"losses.{name}"))))
    assert len({*hashes, code_hashes.training_code_sha256(experiment)}) == 3


def test_nested_parts_count_as_components_in_use(experiment: Experiment) -> None:
    names = {name_of(component) for component in code_hashes.components(experiment)}
    assert {"normalizations.batch", "normalizations.none", "pretext.rotation", "augment.flip"} <= names


def sources(value: object) -> set[str]:
    """Return the files of ganzoo that define an object, what it consists of, and all their bases."""
    found: set[str] = set()
    seen: set[int] = set()
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, dict):
            waiting += item.values()
        elif isinstance(item, list | tuple | set):
            waiting += item
        cls = item if inspect.isclass(item) else type(item)
        if cls.__module__.startswith("ganzoo."):
            modules = {base.__module__ for base in cls.__mro__ if base.__module__.startswith("ganzoo.")}
            found |= {str(sys.modules[module].__file__) for module in modules}
            if item is not cls:
                waiting += vars(item).values() if hasattr(item, "__dict__") else ()
        elif isinstance(item, torch.nn.Module):
            waiting += item.children()
    return found


@pytest.mark.parametrize("name", sorted(path.stem for path in recipes_dir().glob("*.gin")))
def test_the_code_hash_covers_everything_that_a_recipe_is_built_of(name: str) -> None:
    narrow = ["G_WIDTH = 1", "D_WIDTH = 1"]
    experiment = load(name, overrides=narrow).experiment
    gan = build_gan(experiment, experiment.dataset().spec())
    built = [gan, build_objective(experiment, gan.discriminator), experiment.dataset()]
    built += [part(num_steps=10) for part in (experiment.g_optimizer, experiment.d_optimizer)]
    paths = code_hashes.training_code_files(experiment)
    needed = {Path(source).relative_to(PACKAGE).as_posix() for source in sources(built)}
    assert len(needed) > 10
    assert needed - paths.keys() == {"component.py"}  # of parameters and messages


def test_what_components_that_train_import_from_the_root_trains_too(experiment: Experiment) -> None:
    files = code_hashes.training_code_files(experiment)
    assert {
        "batch.py",
        "randomness.py",
        "training/trainer.py",
        "training/train_state.py",
        "gan/steps.py",
    } <= files.keys()
    assert not any(name.startswith(("ganzoo/", "commands/", "bench/", "config/", "evaluation/")) for name in files)
    assert files["gan/steps.py"] == hashlib.sha256((PACKAGE / "gan" / "steps.py").read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("field", "part", "file"),
    [
        ("pretext", (registry.part("pretext.consistency"),), "pretext/flip_and_shift.py"),
        ("pretext", (registry.part("pretext.rotation"),), "pretext/weighted_task.py"),
        ("dataset", registry.part("data.cifar10"), "data/cifar_files.py"),
        (
            "generator",
            registry.part("architectures.biggan_generator", normalization=registry.part("normalizations.batch")),
            "normalizations/linear_modulated_batch.py",
        ),
    ],
)
def test_the_code_hash_follows_imports_and_forms_that_a_part_can_turn_into(
    experiment: Experiment, field: str, part: object, file: str
) -> None:
    files = code_hashes.training_code_files(replace(experiment, **{field: part}))  # type: ignore[arg-type]
    assert file in files
    assert not any(name.startswith(("metrics/", "features/")) for name in files)


def test_the_code_that_measures_is_that_of_the_metrics_and_extractors_in_use(experiment: Experiment) -> None:
    efficientnet, own = (
        registry.part("features.efficientnet_lite0"),
        code_hashes.evaluation_code_files(replace(experiment, metrics=())),
    )
    assert {
        "evaluation/evaluate.py",
        "evaluation/inputs.py",
        "evaluation/sampling.py",
    } <= own.keys()
    assert {name for name in own if name.startswith(("metrics/", "features/"))} == {
        "metrics/base.py",
        "features/base.py",
    }
    metric = registry.part("metrics.density_coverage", features=efficientnet)
    files = code_hashes.evaluation_code_files(replace(experiment, metrics=(metric,)))
    needed = {
        "metrics/density_coverage.py", "metrics/base.py", "metrics/neighbours.py",
        "resize.py", "features/efficientnet_lite0.py", "features/base.py", "features/batches.py",
    }  # fmt: skip
    assert needed <= files.keys()
    assert not {"metrics/kernel_distance.py", "features/inception.py"} & files.keys()


def test_the_code_hash_sees_what_a_plugin_s_package_imports_of_itself(
    experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "softer_losses"
    package.mkdir()
    (package / "__init__.py").write_text("from .loss import softer_hinge\n")
    (package / "loss.py").write_text(
        "from ganzoo.losses.hinge import hinge\nfrom ganzoo.registry import register\nfrom .numbers import HALF\n\n"
        '@register("losses")\nclass softer_hinge(hinge):\n    """Hinge.\n\n    Source: this test.\n    """\n'
    )
    (package / "numbers.py").write_text("HALF = 0.5\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with temporary_plugins():
        importlib.import_module("softer_losses")
        using = replace(experiment, loss=registry.part("losses.softer_hinge"))
        before = code_hashes.training_code_sha256(using)
        (package / "numbers.py").write_text("HALF = 0.25\n")
        assert code_hashes.training_code_sha256(using) != before


def test_a_part_that_is_a_default_counts_as_a_component_in_use(experiment: Experiment, tmp_path: Path) -> None:
    source = '''
from ganzoo.augment.base import Augment
from ganzoo.component import Part
from ganzoo.registry import part, register

@register("augment")
class default_flip(Augment):
    """A flip that is a default.

    Source: this test.
    """

    def __init__(self, *, inner: Part[Augment] = part("augment.flip")) -> None:
        super().__init__()
'''
    path = tmp_path / "default_flip.py"
    path.write_text(source)
    with temporary_plugins():
        registry.load_file(path)
        using = replace(experiment, augment=registry.part("augment.default_flip"))
    assert "augment.flip" in {name_of(component) for component in code_hashes.components(using)}
