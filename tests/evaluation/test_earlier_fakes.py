"""Kept images: what is read back, what a resumed run drops, and what a run's own metric makes of them."""

import json
from pathlib import Path

import pytest
import torch

from ganzoo import cli
from ganzoo.config.load import load
from ganzoo.data.base import ImageData
from ganzoo.errors import UserError
from ganzoo.evaluation.earlier_fakes import drop_later_fakes, read_earlier_fakes, write_fakes
from ganzoo.evaluation.sampling import sample_images
from ganzoo.metrics.discriminator_logits import discriminator_logits
from ganzoo.metrics.discriminator_memory import best_threshold
from ganzoo.runs.folder import RunFolder
from ganzoo.runs.monitor import Silent
from ganzoo.training import checkpoint
from ganzoo.training.trainer import RunResult, train

MEMORY = (
    "experiment.eval_every = 3",
    "experiment.keep_checkpoints = 0",
    "experiment.checkpoint_every = 6",
    "experiment.metrics = [@metrics.discriminator_memory]",
    "metrics.discriminator_memory.num_real = 20",
    "metrics.discriminator_memory.num_fake = 24",
)


class KilledError(Exception):
    """Stands for SIGKILL."""


class KillAt(Silent):
    def __init__(self, step: int) -> None:
        super().__init__()
        self.step = step

    def progress(self, step: int, values: object) -> None:
        if step == self.step:
            raise KilledError


def run(recipe: Path, out: Path, *overrides: str, monitor: Silent | None = None) -> RunResult:
    return train(load(str(recipe), overrides=overrides), out=out, monitor=monitor or Silent())


def kept(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "replay").iterdir())}


def test_images_and_labels_come_back_in_order_and_only_those_before_a_step(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    images = {step: torch.full((2, 1, 3, 3), step, dtype=torch.uint8) for step in (30, 4, 200)}
    for step, images_NCHW in images.items():
        write_fakes(folder, step, ImageData(images_NCHW, torch.tensor([step, 1]) if step == 4 else None))
    found = read_earlier_fakes(folder, before=200)
    assert list(found) == [4, 30]
    assert all(torch.equal(found[step].images_NCHW, images[step]) for step in found)
    assert found[30].labels_N is None
    assert found[4].labels_N is not None
    assert found[4].labels_N.tolist() == [4, 1]

    drop_later_fakes(folder, after=30)
    assert list(read_earlier_fakes(folder, before=1000)) == [4, 30]
    assert read_earlier_fakes(RunFolder(tmp_path / "none"), before=5) == {}


def test_a_damaged_file_is_a_sentence(tmp_path: Path) -> None:
    write_fakes(RunFolder(tmp_path), 3, ImageData(torch.zeros(2, 1, 3, 3, dtype=torch.uint8)))
    path = tmp_path / "replay/step-00000003.safetensors"
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(UserError, match=r"step-00000003\.safetensors' cannot be read .* remove it"):
        read_earlier_fakes(RunFolder(tmp_path), before=5)


@pytest.mark.parametrize("conditional", [False, True])
def test_a_killed_run_keeps_the_same_images_and_numbers(tiny_recipe: Path, tmp_path: Path, conditional: bool) -> None:
    overrides = (*MEMORY, "experiment.conditioning = @conditioning.projection") if conditional else MEMORY
    run(tiny_recipe, tmp_path / "whole", *overrides)
    with pytest.raises(KilledError):
        run(tiny_recipe, tmp_path / "killed", *overrides, monitor=KillAt(10))
    assert list(kept(tmp_path / "killed")) == [f"step-0000000{step}.safetensors" for step in (3, 6, 9)]
    # What lies beyond the newest checkpoint, of step 6, is not to be trusted.
    (tmp_path / "killed/replay/step-00000009.safetensors").write_bytes(b"cut short")
    run(tiny_recipe, tmp_path / "killed", *overrides)

    assert kept(tmp_path / "whole") == kept(tmp_path / "killed")
    assert (tmp_path / "whole/metrics.jsonl").read_bytes() == (tmp_path / "killed/metrics.jsonl").read_bytes()
    rows = [row for row in RunFolder(tmp_path / "whole").metrics() if "metric/memory_present_fakes" in row]
    assert ["metric/memory_earlier_fakes" in row for row in rows] == [False, True, True, True]


def test_keeping_images_changes_no_weight_and_no_run_keeps_what_no_metric_reads(
    tiny_recipe: Path, tmp_path: Path
) -> None:
    run(tiny_recipe, tmp_path / "kept", *MEMORY)
    run(tiny_recipe, tmp_path / "bare", "experiment.eval_every = 3")
    assert not (tmp_path / "bare/replay").exists()
    a, b = (checkpoint.read_networks(RunFolder(tmp_path / name).checkpoint_path(12)) for name in ("kept", "bare"))
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_a_later_evaluation_of_a_step_reads_what_was_kept_before_it(tiny_recipe: Path, tmp_path: Path) -> None:
    result = run(tiny_recipe, tmp_path / "a", *MEMORY)
    (row,) = [row for row in result.folder.metrics() if row["step"] == 6 and "metric/memory_earlier_fakes" in row]
    arguments = ["eval", str(tmp_path / "a"), "--step", "6", "--out", str(tmp_path / "numbers.json")]
    assert cli.call(arguments) == 0
    (report,) = json.loads((tmp_path / "numbers.json").read_text())["protocols"].values()
    assert {f"metric/{m['name']}": m["value"] for m in report["metrics"]} == {
        k: v for k, v in row.items() if k != "step"
    }

    # The number again from the networks of step 6 and the images of step 3, without the metric.
    gan, configuration, _ = checkpoint.load_gan(result.folder, step=6)
    data = configuration.experiment.dataset().load("train")
    fakes, _ = sample_images(gan.sampler, 64, num_classes=0, seed=0, device=torch.device("cpu"))
    real_N, fake_N, earlier_N = (
        discriminator_logits(gan.discriminator, images, num_classes=0)
        for images in (data, ImageData(fakes[:24]), read_earlier_fakes(result.folder, before=6)[3])
    )
    share = float((earlier_N <= best_threshold(real_N, fake_N)).double().mean())
    assert row["metric/memory_earlier_fakes"] == pytest.approx(share, abs=1e-12)
