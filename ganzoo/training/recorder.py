"""What a run leaves in its folder: rows, samples, evaluations, checkpoints, the result."""

import contextlib
import os
import time
from collections.abc import Iterator, Mapping
from typing import NoReturn

import torch
from torch.utils.tensorboard import SummaryWriter

from ganzoo.config.experiment import Experiment, learnable
from ganzoo.config.load import Configuration
from ganzoo.data.base import Dataset, ImageData
from ganzoo.diagnostics import flags, measurements
from ganzoo.diagnostics.plots import save_curves, save_grid
from ganzoo.errors import NotFiniteError, RunFailedError
from ganzoo.evaluation import earlier_fakes
from ganzoo.evaluation.evaluate import Evaluated, evaluate
from ganzoo.evaluation.inputs import EvaluationInputs
from ganzoo.evaluation.sampling import sample_images
from ganzoo.hardware import peak_memory_bytes
from ganzoo.metrics.base import repeated_names
from ganzoo.runs import environment
from ganzoo.runs.folder import (
    Json,
    RunFolder,
    append_row,
    drop_rows_after,
    read_rows,
    write_json,
    write_rows,
)
from ganzoo.runs.monitor import Monitor
from ganzoo.runs.provenance import check_same_data, record_resumption, recorded_hashes, write_provenance
from ganzoo.training import checkpoint
from ganzoo.training.train_state import TrainState

NUM_SAMPLES = 64


class Recorder:
    """Writes one run's folder; nothing it does changes the training.

    Args:
        folder: locked for this process.
        configuration: what is run.
        state: what trains.
        dataset: for the metrics' reference.
        data: the training split.
        device: where the networks live.
        monitor: receives messages.
    """

    def __init__(
        self,
        folder: RunFolder,
        configuration: Configuration[Experiment],
        state: TrainState,
        *,
        dataset: Dataset,
        data: ImageData,
        device: torch.device,
        monitor: Monitor,
    ) -> None:
        self.folder, self.configuration, self.state = folder, configuration, state
        self.experiment = configuration.experiment
        self.dataset, self.data, self.device, self.monitor = dataset, data, device, monitor
        self.data_sha256 = {self.experiment.train_split: data.sha256}
        self.loaded = {self.experiment.train_split: data}
        self.row: dict[str, float] = {}
        self.references: measurements.References | None = None

    def begin(self) -> None:
        """Write the origin of a new run, or restore the newest checkpoint and drop the rows after it.

        Raises:
            UserError: the data set has changed since the folder was begun, or a checkpoint is of another configuration.
        """
        folder, state = self.folder, self.state
        is_new = not folder.operative_path.exists()
        if not is_new:
            check_same_data(folder, self.data_sha256, name=self.experiment.dataset.name)
        restored = checkpoint.restore_newest(folder, state, configuration=self.configuration, say=self.monitor.say)
        # Only now: a folder whose checkpoints are refused shall not be marked as this run's. Without a checkpoint the
        # whole run is made from here on, by what is here now.
        if is_new or not restored:
            write_provenance(folder, self.configuration, self._describe())
        if restored:
            self.monitor.say(f"resuming '{folder.path}' from step {state.step}")
            changed = record_resumption(folder, self._describe(), step=state.step)
            if changed:
                self.monitor.say(
                    f"other {', '.join(changed)} than before: it may differ from a run that was never interrupted, and "
                    "tables say so"
                )
        with folder.writing():
            for path in (folder.metrics_path, folder.timing_path):
                # Without a checkpoint, the rows of step 0 are written again as well.
                drop_rows_after(path, state.step if restored else -1)
            earlier_fakes.drop_after(folder, state.step)
        timings = [row["seconds"] for row in read_rows(folder.timing_path)]
        self.seconds = float(timings[-1]) if timings else 0.0
        self.timed_step = state.step
        self.since = time.perf_counter()
        with folder.writing():
            purged = state.step + 1 if restored else 0
            self.tensorboard = SummaryWriter(str(folder.tensorboard_path), purge_step=purged)

    def _describe(self) -> dict[str, Json]:
        return environment.describe(self.experiment, device=self.device, data_sha256=self.data.sha256)

    def log(self) -> None:
        """Write a row: to the bit reproducible in `metrics.jsonl`, times in `timing.jsonl`.

        Its seconds are those of training, checkpoints included, without samples and evaluations on the way.

        Raises:
            RunFailedError: a value or weight is NaN or infinite.
        """
        state = self.state
        self._check_finite()
        self.row = {
            **dict(sorted(state.means.take().items())),
            "learning_rate": float(state.g_scheduler.get_last_lr()[0]),
            **measurements.grad_norms(state.gan),
            **measurements.singular_values(state.gan),
        }
        with self.folder.writing():
            append_row(self.folder.metrics_path, {**state.counters, **self.row})
        self._write_timing()
        self._to_tensorboard(self.row)

    def _write_timing(self) -> None:
        """Write how long training took up to this step and how much memory, unless that is there already."""
        if self.timed_step == self.state.step:
            return
        self.timed_step = self.state.step
        self.seconds += time.perf_counter() - self.since
        self.since = time.perf_counter()
        is_cuda = self.device.type == "cuda"
        memory = torch.cuda.max_memory_allocated(self.device) if is_cuda else peak_memory_bytes()
        row = {"step": self.state.step, "seconds": self.seconds, "peak_memory_bytes": memory}
        with self.folder.writing():
            append_row(self.folder.timing_path, row)

    @contextlib.contextmanager
    def _off_the_clock(self) -> Iterator[None]:
        """Keep what is done here out of the seconds of training."""
        began = time.perf_counter()
        yield
        self.since += time.perf_counter() - began

    def sample(self) -> None:
        """Save a grid of images from the same latents every time, and write a row of the run's health.

        Raises:
            RunFailedError: a value or weight is NaN or infinite.
        """
        with self._off_the_clock():
            self._sample()

    def _sample(self) -> None:
        self._check_finite()
        num_classes = self.state.gan.num_classes
        with self._failing():
            images_NCHW, labels_N = sample_images(
                self.state.gan.sampler,
                NUM_SAMPLES,
                num_classes=num_classes,
                labels=torch.arange(NUM_SAMPLES) % num_classes if num_classes else None,
                seed=self.experiment.seed,
                stream="samples",
                device=self.device,
            )
        with self.folder.writing():
            self.folder.samples_path.mkdir(exist_ok=True)
            save_grid(images_NCHW, self.folder.samples_path / f"step-{self.state.step:08d}.png")
        self._write_health(ImageData(images_NCHW, labels_N))

    def _write_health(self, fake: ImageData) -> None:
        """Write a row of what is read off the networks and of the grid's images."""
        if self.references is None:
            self.references = measurements.choose_references(
                self.dataset,
                self.data,
                train_split=self.experiment.train_split,
                needs_labels=self.state.gan.num_classes > 0,
                say=self.monitor.say,
            )
        gan = self.state.gan
        values = {
            **measurements.pairwise_distance(self.references, fake),
            **measurements.logit_gap(gan, self.references, fake),
            **measurements.normalized_sigma(gan),
        }
        if values:
            self._append(values)

    def evaluate(self) -> Evaluated:
        """Measure the generator as it is, write a row, and return the measurements for the result.

        Raises:
            RunFailedError: a value or weight is NaN or infinite.
        """
        with self._off_the_clock():
            return self._evaluate()

    def _evaluate(self) -> Evaluated:
        self._check_finite()
        inputs = EvaluationInputs(
            self.state.gan,
            self.dataset,
            self.experiment,
            run_seed=self.experiment.seed,
            device=self.device,
            data_sha256={**recorded_hashes(self.folder), **self.data_sha256},
            say=self.monitor.say,
            earlier_fakes=lambda: earlier_fakes.read_before(self.folder, self.state.step),
            loaded=self.loaded,
        )
        with self._failing():
            evaluated = evaluate(inputs)
        # What the last generator makes is earlier than nothing.
        is_last = self.state.step == self.experiment.num_steps
        if not is_last and any(part.component.reads_earlier_fakes for part in self.experiment.metrics):
            with self._failing(), self.folder.writing():
                earlier_fakes.keep(self.folder, self.state.step, inputs)
        # With the hash of the reference split in the folder, a later evaluation needs cached features and no files.
        if inputs.data_sha256 != recorded_hashes(self.folder):
            hashes: dict[str, Json] = {**inputs.data_sha256}
            environment_now: dict[str, Json] = {**self.folder.environment(), "data_sha256": hashes}
            with self.folder.writing():
                write_json(self.folder.environment_path, environment_now)
        repeated = repeated_names(evaluated.measurements)
        values = {f"metric/{m.key(repeated)}": m.value for m in evaluated.measurements}
        if values:
            self._append(values)
        for failure in evaluated.failures:
            self.monitor.say(f"{failure.metric} could not be computed: {failure.reason}")
        return evaluated

    def save(self) -> None:
        """Save a checkpoint, after everything that belongs to the steps before it.

        Raises:
            RunFailedError: a weight is NaN, which no checkpoint shall hold; or it cannot be written.
        """
        self._check_finite()
        # From here a resumed run counts on.
        self._write_timing()
        with self.folder.writing():
            for path in (self.folder.metrics_path, self.folder.timing_path):
                if path.exists():
                    with path.open("rb+") as file:
                        os.fsync(file.fileno())
        operative, keep = self.configuration.operative(), self.experiment.keep_checkpoints
        checkpoint.save(self.folder, self.state, operative=operative, keep=keep)

    def finish(self) -> dict[str, Json]:
        """Show and evaluate the last generator, draw the curves, write the result, and return it."""
        folder, step = self.folder, self.state.step
        # A run killed during its last evaluation may have written these rows already.
        rows = [row for row in folder.metrics() if not (row["step"] == step and "d/loss" not in row)]
        with folder.writing():
            write_rows(folder.metrics_path, rows)
        self.sample()
        evaluated = self.evaluate()
        with folder.writing():
            self.tensorboard.close()
        rows = folder.metrics()
        chance = {
            f"{role}/{name}/{report}": value
            for name, task in self.state.gan.tasks.items()
            for report, value in task.chance.items()
            for role in ("d", "g")
        }
        metrics = [part.component for part in self.experiment.metrics]
        with folder.writing():
            save_curves(
                rows,
                folder.curves_path,
                title=self.configuration.name,
                chance=chance,
                metrics=metrics,
                higher_is_better={m.name: m.higher_is_better for m in evaluated.measurements},
            )
        loss = self.experiment.loss
        least_d_loss = None if loss is None else loss.component.least_d_loss
        result: dict[str, Json] = {
            "status": "finished",
            "name": self.configuration.name,
            "seed": self.experiment.seed,
            **evaluated.to_json(),
            "health": list[Json](
                flags.flags(
                    rows,
                    chance=learnable(chance, self.experiment),
                    least_d_loss=least_d_loss,
                    metrics=metrics,
                )
            ),
            "chance": {**chance},
            "samples": f"samples/step-{step:08d}.png",
            "curves": folder.curves_path.name,
            **self._spent(),
        }
        with folder.writing():
            write_json(folder.result_path, result)
        return result

    def _check_finite(self) -> None:
        if not self.state.is_finite():
            self._fail(f"a loss or a weight is NaN or infinite at step {self.state.step}")

    @contextlib.contextmanager
    def _failing(self) -> Iterator[None]:
        """End the run as failed if the generator of the body makes no images."""
        try:
            yield
        except NotFiniteError as error:
            self._fail(f"{error} at step {self.state.step}")

    def _fail(self, reason: str) -> NoReturn:
        """End the run as failed, in its result as well, so that no table can drop it."""
        kept = self.folder.checkpoints()
        last = f"the last good checkpoint is step {kept[-1]}" if kept else "no checkpoint had been saved"
        with self.folder.writing():
            write_json(self.folder.result_path, {"status": "failed", "reason": reason, **self._spent()})
        raise RunFailedError(f"{reason}; {last}. The run is recorded as failed in '{self.folder.result_path}'")

    def _spent(self) -> dict[str, Json]:
        return {**self.state.counters, "seconds": self.seconds, "num_threads": torch.get_num_threads()}

    def _append(self, values: Mapping[str, float]) -> None:
        """Write a row of values that belong to the step alone, not to those since the row before."""
        with self.folder.writing():
            append_row(self.folder.metrics_path, {"step": self.state.step, **values})
        self._to_tensorboard(values)

    def _to_tensorboard(self, values: Mapping[str, float]) -> None:
        with self.folder.writing():
            for name, value in values.items():
                self.tensorboard.add_scalar(name, value, self.state.step)
