"""What a run says of where it took place."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ganzoo import config, environment, registry
from ganzoo.errors import UserError
from ganzoo.experiment import Experiment


@pytest.fixture
def experiment(tiny_recipe: Path) -> Experiment:
    return config.load(str(tiny_recipe)).experiment


def test_the_code_hash_depends_on_the_components_in_use_alone(experiment: Experiment) -> None:
    own = environment.training_code_sha256(experiment)
    assert environment.training_code_sha256(replace(experiment, seed=5)) == own
    other_loss = replace(experiment, loss=registry.part("losses.non_saturating"))
    assert environment.training_code_sha256(other_loss) != own
    metric = registry.part("metrics.frechet_distance", features=registry.part("features.efficientnet_lite0"))
    assert environment.training_code_sha256(replace(experiment, metrics=(metric,))) == own


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
        hashes.append(environment.training_code_sha256(replace(experiment, loss=registry.part(f"losses.{name}"))))
    assert len({*hashes, environment.training_code_sha256(experiment)}) == 3


def test_nested_parts_count_as_components_in_use(experiment: Experiment) -> None:
    names = {registry.name_of(component) for component in environment.components(experiment)}
    assert {"normalizations.batch", "normalizations.none", "pretext.rotation", "augment.flip"} <= names


def test_a_device_that_is_not_there_is_refused() -> None:
    assert environment.select_device("cpu") == torch.device("cpu")
    with pytest.raises(UserError, match="no device 'nonsense' on this machine; there is: cpu"):
        environment.select_device("nonsense")


def test_the_description_names_versions_device_threads_and_data(experiment: Experiment) -> None:
    described = environment.describe(experiment, device=torch.device("cpu"), data_sha256="abc")
    assert described["device"] == "cpu"
    assert described["num_threads"] == torch.get_num_threads()
    assert described["data_sha256"] == {"train": "abc"}
    assert described["packages"]["torch"] == torch.__version__.split("+")[0]  # type: ignore[index, call-overload]
