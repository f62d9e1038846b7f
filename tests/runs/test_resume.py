"""The settings a folder keeps when a run or a forgetting experiment is resumed."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from ganzoo.config.experiment import Experiment
from ganzoo.config.load import Configuration, load
from ganzoo.errors import UserError
from ganzoo.forgetting import study
from ganzoo.forgetting.experiment import ForgettingExperiment
from ganzoo.runs.folder import RunFolder, write_atomically
from ganzoo.runs.monitor import Silent
from ganzoo.runs.resume import resume_configuration

Resumed = Configuration[Experiment] | Configuration[ForgettingExperiment]
Load = Callable[..., Resumed]


@pytest.fixture(params=["run", "study"])
def load_with(request: pytest.FixtureRequest, tiny_recipe: Path) -> Load:
    """Load a configuration of either command with a number of threads."""
    if request.param == "run":
        return lambda *more: load(tiny_recipe, overrides=more)
    recipe = tiny_recipe.with_name("forgetting.gin")
    recipe.write_text(
        """
forgetting:
    dataset = @data.synthetic
    discriminator = @architectures.resnet_discriminator
    loss = @losses.hinge
    d_optimizer = @optim.adam
    pretext = [@pretext.rotation]
    num_steps_per_task = 2
    eval_every = 1
    num_threads = 1
architectures.resnet_discriminator.normalization = @normalizations.none
"""
    )
    return lambda *more: load(
        recipe, ForgettingExperiment, overrides=[line.replace("experiment.", "forgetting.") for line in more]
    )


def resumed(folder: RunFolder, configuration: Resumed, said: list[str]) -> Resumed:
    return resume_configuration(folder, configuration, what="run", say=said.append)


def test_a_new_folder_takes_the_threads_that_are_asked_for_or_there(load_with: Load, tmp_path: Path) -> None:
    said: list[str] = []
    new = RunFolder(tmp_path / "a")
    assert resumed(new, load_with("experiment.num_threads = 2"), said).experiment.num_threads == 2
    assert torch.get_num_threads() == 2
    assert (
        resumed(RunFolder(tmp_path / "a"), load_with("experiment.num_threads = None"), said).experiment.num_threads == 2
    )
    assert said == []


def test_a_folder_goes_on_with_another_number_of_threads_and_it_is_said(load_with: Load, tmp_path: Path) -> None:
    folder, said = RunFolder(tmp_path / "a"), list[str]()
    write_atomically(folder.operative_path, load_with().operative())
    configuration = resumed(folder, load_with("experiment.num_threads = 2"), said)
    # The folder's own number stays in the configuration, so that its operative text is the same as before.
    assert configuration.operative() == folder.operative_path.read_text()
    assert torch.get_num_threads() == 2
    assert said == ["this run began with 1 threads and goes on with 2: the last bits may differ"]

    said.clear()
    assert resumed(folder, load_with("experiment.num_threads = None"), said).experiment.num_threads == 1
    assert torch.get_num_threads() == 1
    assert said == []


def test_a_folder_of_another_configuration_is_refused_with_the_difference(load_with: Load, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "a")
    write_atomically(folder.operative_path, load_with().operative())
    with pytest.raises(UserError, match=r"(?s)another configuration.*\.batch_size: \d+ -> 4$"):
        resumed(folder, load_with("experiment.batch_size = 4", "experiment.num_threads = 2"), [])


@pytest.mark.parametrize("load_with", ["study"], indirect=True)
def test_a_forgetting_experiment_goes_on_with_another_number_of_threads(
    load_with: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, monitor = RunFolder(tmp_path / "a"), Silent()
    write_atomically(folder.operative_path, load_with().operative())
    ran: list[Configuration[ForgettingExperiment]] = []
    monkeypatch.setattr(study, "_run", lambda _folder, configuration, *_, **__: ran.append(configuration))
    asked = load_with("experiment.num_threads = 2")
    assert isinstance(asked.experiment, ForgettingExperiment)
    study.run_study(asked, out=folder.path, command="", monitor=monitor)
    assert ran == [asked.with_num_threads(1)]
    assert monitor.said == ["this study began with 1 threads and goes on with 2: the last bits may differ"]
