"""What a run says of where it took place."""

from pathlib import Path

import pytest
import torch

from ganzoo.config.experiment import Experiment
from ganzoo.config.load import load
from ganzoo.errors import UserError
from ganzoo.runs import environment
from ganzoo.runs.code_hashes import evaluation_code_files


@pytest.fixture
def experiment(tiny_recipe: Path) -> Experiment:
    return load(str(tiny_recipe)).experiment


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
    assert described["evaluation_code_files"] == evaluation_code_files(experiment)
