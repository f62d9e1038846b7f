"""A folder of simulated results, for tests of tables, and to look at: `python tests/bench/conftest.py FOLDER`."""

import contextlib
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from PIL import Image

from ganzoo import cli
from ganzoo.bench.axes import Difference
from ganzoo.bench.executor import Ended, Job
from ganzoo.bench.proof import Proof, ProvenRow
from ganzoo.bench.record import RunRecord, write_record
from ganzoo.bench.results import PROOF
from ganzoo.diagnostics.flag import Flag
from ganzoo.metrics.base import Measurement
from ganzoo.runs.exit_report import EXIT_REPORT
from ganzoo.runs.folder import write_json

NUM_STEPS = 3000
PROTOCOL = {
    "extractor": "features.efficientnet_lite0",
    "weights_sha256": "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    "resize": "bicubic, antialiased, float32, to 64 px",
    "reference_split": "test",
    "num_real": 10000,
    "num_fake": 10000,
    "ema": True,
    "seed": 0,
}
METRICS = {  # mean, direction, scale of the noise
    "fd_efflite0_64px": (232.0, False, 4.0),
    "kd_efflite0_64px": (0.92, False, 0.03),
    "recall_efflite0_64px": (0.31, True, 0.02),
}


@dataclass
class FakeRow:
    """A row: shift of its mean in deviations (above 0: better), views per image, and what happened to some seeds."""

    label: str
    shift: float = 0.0
    views: float = 1.0
    failed: Mapping[int, str] = field(default_factory=dict)
    flags: Mapping[int, Flag] = field(default_factory=dict)
    reported: str = ""


ROWS = {
    "uncond": FakeRow("Unconditional", reported="cifar10/uncond"),
    "ssgan": FakeRow("SSGAN", shift=3.0, views=1.75, reported="cifar10/ss"),
    "ssgan_sbn": FakeRow("SSGAN (sBN)", shift=0.3, views=1.75, reported="cifar10/ss_sbn"),
    "no_sn": FakeRow(
        "Unconditional, no spectral norm",
        shift=-2.0,
        failed={1: "a loss or a weight is NaN or infinite at step 1200"},
        flags={3: Flag("collapsed", 2000, "the generated images are 0.02 as far apart as real ones from step 2000 on")},
    ),
}


def make_record(
    row: str,
    seed: int,
    values: Mapping[str, float],
    *,
    label: str = "",
    protocol: Mapping[str, object] = PROTOCOL,
    failed: str = "",
    flag: Flag | None = None,
    views: float = 1.0,
    curves: Mapping[str, Sequence[tuple[int, float]]] | None = None,
    device_name: str = "cpu",
    samples: str | None = None,
) -> RunRecord:
    num_steps = 1200 if failed else NUM_STEPS
    metrics = () if failed else tuple(
        Measurement(
            name=name,
            value=value,
            standard_error=METRICS[name][2] / 6 if name in METRICS else None,
            error_source="sampling seeds" if name in METRICS else "",
            higher_is_better=METRICS[name][1] if name in METRICS else False,
            protocol=protocol,
        )
        for name, value in values.items()
    )  # fmt: skip
    if curves is None:
        steps = (1000, 2000, 3000)
        curves = {f"metric/{n}": [(s, v * (1 + (3000 - s) / 4000)) for s in steps] for n, v in values.items()}
        curves = {} if failed else curves
    return RunRecord(
        grid="fake",
        row=row,
        label=label or row,
        seed=seed,
        recipe="fashion_uncond_resnet",
        status="failed" if failed else "finished",
        reason=failed or None,
        operative=f"experiment.seed = {seed}\nexperiment.num_steps = {NUM_STEPS}\n",
        environment={
            "device": "cpu",
            "device_name": device_name,
            "cpu_capability": "AVX2",
            "num_threads": 1,
            "data_sha256": {"train": "1712b8045638"},
            "packages": {"torch": "2.14.1"},
            "training_code_files": {"gan/steps.py": "ab12"},
        },
        metrics=metrics,
        flags=() if flag is None else (flag,),
        curves={key: tuple(points) for key, points in curves.items()},
        counters={
            "step": num_steps,
            "num_real_images": 64 * num_steps,
            "num_d_images": round(128 * views * num_steps),
        },
        seconds=num_steps * (0.21 + 0.05 * views),
        num_threads=1,
        peak_memory_bytes=730 * 2**20,
        num_parameters={"generator": 1_076_739, "discriminator": 270_593, "tasks": 260 if views > 1 else 0},
        samples=samples,
    )


def write_fake_proof(folder: Path, rows: Mapping[str, FakeRow], *, seeds: Sequence[int]) -> None:
    names = list(rows)
    changed = Difference("experiment.pretext", "[]", "[@pretext.rotation]")
    proof = Proof(
        grid="fake",
        baseline=names[0],
        rows={
            name: ProvenRow(
                axes=() if name == names[0] else ("experiment.pretext",),
                differences=() if name == names[0] else (changed,),
                label=row.label,
                reported=row.reported or None,
            )
            for name, row in rows.items()
        },
        shared={"experiment.num_steps": str(NUM_STEPS)},
        training_files={"gan/steps.py": "ab12"},
        title="SSGAN and its baseline, simulated",
        order=tuple(names),
        seeds=tuple(seeds),
    )
    write_json(folder / PROOF, proof.to_json())


def write_fake_results(
    folder: Path,
    *,
    rows: Mapping[str, FakeRow] = ROWS,
    num_seeds: int = 5,
    num_planned: int | None = None,
    picture_width: int = 0,
) -> Path:
    """Write records of normal noise around each row's mean, the same for the same arguments.

    With a width of pictures, every run that did not fail has one, of noise.
    """
    rng, picture_rng = np.random.default_rng(0), np.random.default_rng(1)
    write_fake_proof(folder, rows, seeds=range(num_planned or num_seeds))
    for name, row in rows.items():
        for seed in range(num_seeds):
            noise = dict(zip(METRICS, rng.normal(size=len(METRICS)), strict=True))
            values = {
                metric: mean + scale * (noise[metric] + (row.shift if higher else -row.shift))
                for metric, (mean, higher, scale) in METRICS.items()
            }
            has_samples = bool(picture_width) and seed not in row.failed
            if has_samples:
                noisy_HWC = picture_rng.integers(0, 256, (picture_width, picture_width, 3), np.uint8)
                Image.fromarray(noisy_HWC).save(folder / f"{name}-seed{seed}.png")
            record = make_record(
                name,
                seed,
                values,
                label=row.label,
                failed=row.failed.get(seed, ""),
                flag=row.flags.get(seed),
                views=row.views,
                samples=f"{name}-seed{seed}.png" if has_samples else None,
            )
            write_record(record, folder)
    return folder


class Fakes:
    """What tests make results of."""

    rows = ROWS
    row = FakeRow
    protocol = PROTOCOL
    record = staticmethod(make_record)
    write = staticmethod(write_fake_results)
    write_proof = staticmethod(write_fake_proof)


class InProcess:
    """Runs a job's command at once, in this process."""

    def __init__(self) -> None:
        self.submitted: list[str] = []
        self._ended: list[Ended] = []

    def submit(self, job: Job) -> None:
        assert job.command[1:3] == ("-m", "ganzoo")
        self.submitted.append(job.name)
        job.prepare()
        with (
            patch.dict(os.environ, {EXIT_REPORT: str(job.report_path)}),
            job.log.open("a") as log,
            contextlib.redirect_stdout(log),
            contextlib.redirect_stderr(log),
        ):
            self._ended.append(Ended(job, cli.call(job.command[3:])))

    def poll(self) -> list[Ended]:
        ended, self._ended = self._ended, []
        return ended

    def stop(self) -> list[Ended]:
        return self.poll()


@pytest.fixture
def in_process() -> type[InProcess]:
    return InProcess


@pytest.fixture
def fakes() -> Fakes:
    return Fakes()


@pytest.fixture
def fake_results(tmp_path: Path) -> Path:
    """Four rows of five seeds: better, about the same, and one with a failed and a collapsed run."""
    return write_fake_results(tmp_path / "fake")


if __name__ == "__main__":
    write_fake_results(Path(sys.argv[1]), num_seeds=int(sys.argv[2]) if len(sys.argv) > 2 else 5)
