"""Checkpoints that are damaged, unreadable, or of another machine."""

import errno
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from ganzoo.config.load import load
from ganzoo.errors import RunInterruptedError, UserError
from ganzoo.gan.build import build_gan
from ganzoo.gan.model import Gan
from ganzoo.runs.folder import RunFolder
from ganzoo.training import checkpoint
from ganzoo.training.checkpoint import load_gan, read_networks, restore_newest
from ganzoo.training.train_state import TrainState


def make_state(recipe: Path) -> TrainState:
    experiment = load(str(recipe)).experiment
    return TrainState.create(experiment, experiment.dataset().spec(), num_images=20, device=torch.device("cpu"))


def operative(recipe: Path) -> str:
    return load(str(recipe)).operative()


def restore(folder: RunFolder, recipe: Path, state: TrainState, *, say: Callable[[str], None]) -> bool:
    return restore_newest(folder, state, configuration=load(str(recipe)), say=say)


@pytest.fixture
def saved(tiny_recipe: Path, tmp_path: Path) -> RunFolder:
    """A run folder with checkpoints of the steps 2 and 4, whose networks are those of step 0."""
    folder, state = RunFolder(tmp_path / "run"), make_state(tiny_recipe)
    for state.counters["step"] in (2, 4):
        checkpoint.save(folder, state, operative=operative(tiny_recipe), keep=2)
    folder.operative_path.write_text(operative(tiny_recipe))
    return folder


def names(folder: RunFolder) -> list[str]:
    return sorted(path.name for path in folder.checkpoints_path.iterdir())


def test_a_checkpoint_that_cannot_be_read_ends_the_run_and_none_is_lost(
    saved: RunFolder, tiny_recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_many(path: Path) -> str:
        raise OSError(errno.EMFILE, "Too many open files", str(path))

    state = make_state(tiny_recipe)
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "_sha256", too_many)
        with pytest.raises(RunInterruptedError, match=r"cannot read the checkpoint .*Too many open files"):
            restore(saved, tiny_recipe, state, say=pytest.fail)
        with pytest.raises(RunInterruptedError, match="Too many open files"):
            load_gan(saved)
    assert names(saved) == ["step-00000002", "step-00000004"]
    assert restore(saved, tiny_recipe, state, say=pytest.fail)
    assert state.step == 4


def test_memory_that_does_not_suffice_is_no_damage(
    saved: RunFolder, tiny_recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def out_of_memory(*_arguments: object, **_options: object) -> None:
        raise RuntimeError("can't allocate memory")

    monkeypatch.setattr(torch, "load", out_of_memory)
    with pytest.raises(RunInterruptedError, match="can't allocate memory"):
        restore(saved, tiny_recipe, make_state(tiny_recipe), say=pytest.fail)
    assert names(saved) == ["step-00000002", "step-00000004"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("training.pt", "training.pt does not match its checksum"),
        ("networks.safetensors", "networks.safetensors does not match its checksum"),
        ("checkpoint.json", "checkpoint.json is cut short or altered"),
    ],
)
def test_a_damaged_checkpoint_is_kept_under_a_name_that_nothing_lists_or_prunes(
    saved: RunFolder, tiny_recipe: Path, name: str, reason: str
) -> None:
    path = saved.checkpoint_path(4) / name
    path.write_bytes(path.read_bytes()[:20])
    said: list[str] = []
    state = make_state(tiny_recipe)
    assert restore(saved, tiny_recipe, state, say=said.append)
    assert state.step == 2
    assert names(saved) == ["damaged-step-00000004", "step-00000002"]
    (text,) = said
    assert f"step 4 is damaged ({reason}) and kept as '" in text
    assert "damaged-step-00000004'; going on from step 2" in text
    assert saved.checkpoints() == [2]

    # What goes on from there saves step 4 again and prunes good ones alone; damage to that one is kept beside.
    for state.counters["step"] in (4, 6):
        checkpoint.save(saved, state, operative=operative(tiny_recipe), keep=1)
    assert names(saved) == ["damaged-step-00000004", "step-00000006"]
    saved.clear()
    assert not saved.checkpoints_path.exists()


def test_a_missing_file_is_damage_and_a_second_damaged_checkpoint_of_a_step_is_kept_too(
    saved: RunFolder, tiny_recipe: Path
) -> None:
    state, said = make_state(tiny_recipe), list[str]()
    for _ in range(2):
        (saved.checkpoint_path(4) / "training.pt").unlink()
        assert restore(saved, tiny_recipe, state, say=said.append)
        state.counters["step"] = 4
        checkpoint.save(saved, state, operative=operative(tiny_recipe), keep=0)
    assert all("training.pt is missing" in text for text in said)
    assert names(saved) == ["damaged-step-00000004", "damaged-step-00000004-2", "step-00000002", "step-00000004"]


def test_a_run_without_an_intact_checkpoint_is_not_begun_anew_unasked(saved: RunFolder, tiny_recipe: Path) -> None:
    before = names(saved)
    for step in saved.checkpoints():
        (saved.checkpoint_path(step) / "training.pt").unlink()
    for _ in range(2):  # the second call finds what the first one did
        with pytest.raises(UserError, match=r"no checkpoint in .* is intact \(of step 4: training\.pt is missing\)"):
            restore(saved, tiny_recipe, make_state(tiny_recipe), say=pytest.fail)
        assert names(saved) == before


def test_a_checkpoint_of_another_format_is_refused_and_stays(saved: RunFolder, tiny_recipe: Path) -> None:
    path = saved.checkpoint_path(4) / "checkpoint.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format_version": 99}))
    with pytest.raises(UserError, match="has checkpoint format 99 and this ganzoo reads 1"):
        restore(saved, tiny_recipe, make_state(tiny_recipe), say=pytest.fail)
    assert names(saved) == ["step-00000002", "step-00000004"]


def test_an_altered_file_is_refused_where_networks_are_read(saved: RunFolder) -> None:
    path = saved.checkpoint_path(4) / "networks.safetensors"
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    assert hashlib.sha256(path.read_bytes()).hexdigest() != before
    with pytest.raises(UserError, match=r"networks\.safetensors does not match its checksum"):
        read_networks(saved.checkpoint_path(4))


def test_a_checkpoint_of_a_gpu_is_opened_and_continued_without_one(
    tiny_recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, state = RunFolder(tmp_path / "run"), make_state(tiny_recipe)
    # Moments of the optimizers and a running mean: tensors that the file names with their device.
    for optimizer in (state.g_optimizer, state.d_optimizer):
        for parameter in (p for group in optimizer.param_groups for p in group["params"]):
            parameter.grad = torch.ones_like(parameter)
        optimizer.step()
    state.means.add({"d/loss": torch.tensor(2.0)})
    state.counters["step"] = 4
    folder.path.mkdir()
    folder.operative_path.write_text(operative(tiny_recipe))
    with monkeypatch.context() as patch:
        patch.setattr(torch.serialization, "location_tag", lambda _storage: "cuda:0")
        checkpoint.save(folder, state, operative=operative(tiny_recipe), keep=2)
    assert b"cuda:0" in (folder.checkpoint_path(4) / "training.pt").read_bytes()

    restored = make_state(tiny_recipe)
    assert restore(folder, tiny_recipe, restored, say=pytest.fail)
    assert restored.means.take() == {"d/loss": 2.0}
    for before, after in ((state.g_optimizer, restored.g_optimizer), (state.d_optimizer, restored.d_optimizer)):
        moments = [[s["exp_avg"] for s in optimizer.state.values()] for optimizer in (before, after)]
        assert moments[0]
        assert all(torch.equal(a, b) and b.device.type == "cpu" for a, b in zip(*moments, strict=True))
    assert load_gan(folder)[2] == 4


def test_opening_networks_reads_no_state_of_training(saved: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "load", lambda *_: pytest.fail("training.pt is loaded"))
    (saved.checkpoint_path(4) / "training.pt").unlink()
    gan, _, step = load_gan(saved)
    assert step == 4
    read = read_networks(saved.checkpoint_path(4))
    assert all(torch.equal(read[name], tensor) for name, tensor in gan.state_dict().items())


def test_a_checkpoint_of_other_code_is_refused_in_a_sentence(
    saved: RunFolder, tiny_recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build_other(*arguments: object) -> Gan:
        gan = build_gan(*arguments)  # type: ignore[arg-type]
        gan.generator.register_buffer("mean_of_latents", torch.zeros(8))
        return gan

    said = r"of step 4 in '.*' was written by other code .* \(Missing key.*mean_of_latents.*\); use the version"
    state = make_state(tiny_recipe)
    state.gan.generator.register_buffer("mean_of_latents", torch.zeros(8))
    with pytest.raises(UserError, match=said):
        restore(saved, tiny_recipe, state, say=print)
    monkeypatch.setattr(checkpoint, "build_gan", build_other)
    with pytest.raises(UserError, match=said):
        load_gan(saved)
    assert saved.checkpoints() == [2, 4]


def test_a_checkpoint_of_another_configuration_is_refused_with_the_difference(
    saved: RunFolder, tiny_recipe: Path
) -> None:
    other = load(str(tiny_recipe), overrides=["experiment.seed = 7"])
    state = make_state(tiny_recipe)
    with pytest.raises(UserError, match=r"(?s)step 4 in .* another configuration.*--fresh.*experiment\.seed: 0 -> 7"):
        restore_newest(saved, state, configuration=other, say=pytest.fail)
    assert state.step == 0
    assert names(saved) == ["step-00000002", "step-00000004"]
