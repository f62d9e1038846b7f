"""What a run leaves in its folder, and when: rows, samples, evaluations, checkpoints, the result."""

import contextlib
from collections.abc import Iterator
from typing import NoReturn

import torch

from ganzoo.config.experiment import Experiment
from ganzoo.config.load import Configuration
from ganzoo.data.base import Dataset, ImageData
from ganzoo.diagnostics import measurements
from ganzoo.diagnostics.plots import save_grid
from ganzoo.errors import NotFiniteError, RunFailedError
from ganzoo.evaluation.earlier_fakes import drop_later_fakes, keep_fakes, read_earlier_fakes
from ganzoo.evaluation.evaluate import Evaluated, evaluate
from ganzoo.evaluation.inputs import EvaluationInputs
from ganzoo.evaluation.sampling import sample_images
from ganzoo.metrics.base import repeated_names
from ganzoo.runs import environment
from ganzoo.runs.folder import Json, RunFolder, write_json
from ganzoo.runs.monitor import Monitor
from ganzoo.runs.provenance import check_same_data, record_resumption, recorded_hashes, write_provenance
from ganzoo.training import checkpoint
from ganzoo.training.result_writer import chance_of, write_failed, write_finished
from ganzoo.training.row_writer import RowWriter
from ganzoo.training.train_state import TrainState

NUM_SAMPLES = 64


class Recorder:
    """Records one run in its folder; it changes nothing of the training.

    Made at the start of a run: it writes the head of a new folder, or restores the newest checkpoint.

    Args:
        folder: locked for this process.
        configuration: what is run.
        state: what trains.
        dataset: for the reference images of metrics.
        data: the training split.
        device: where the networks live.
        monitor: receives messages.

    Raises:
        UserError: the data set has changed since the run began, or a checkpoint is of another configuration.
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
        self.loaded = {self.experiment.train_split: data}
        self.row: dict[str, float] = {}
        self.references: measurements.References | None = None
        is_restored = self._begin()
        # Without a checkpoint, the rows of step 0 are written again as well.
        self.rows = RowWriter(folder, step=state.step if is_restored else -1, device=device)
        with folder.writing():
            drop_later_fakes(folder, after=state.step)

    def _begin(self) -> bool:
        """Write the head of a new folder, or restore its newest checkpoint; return whether one was restored."""
        folder, experiment = self.folder, self.experiment
        is_new = not folder.operative_path.exists()
        if not is_new:
            check_same_data(folder, {experiment.train_split: self.data.sha256}, name=experiment.dataset.name)
        say = self.monitor.say
        is_restored = checkpoint.restore_newest(folder, self.state, configuration=self.configuration, say=say)
        environment_now = environment.describe(experiment, device=self.device, data_sha256=self.data.sha256)
        # Only now, so that a folder whose checkpoints are refused keeps its head. Without a checkpoint the whole run is
        # made by the code and on the machine of now.
        if is_new or not is_restored:
            write_provenance(folder, self.configuration, environment_now)
        if is_restored:
            say(f"resuming '{folder.path}' from step {self.state.step}")
            changed = record_resumption(folder, environment_now, step=self.state.step)
            if changed:
                say(
                    f"other {', '.join(changed)} than before: the result may differ from that of a run that was never "
                    "interrupted, and tables say so"
                )
        return is_restored

    def log(self) -> None:
        """Write a row of the means since the last one, and how long training took.

        Raises:
            RunFailedError: a value or weight is NaN or infinite.
        """
        self._check_finite()
        self.row = {
            **dict(sorted(self.state.means.take().items())),
            **self.state.learning_rates(),
            **measurements.grad_norms(self.state.gan),
            **measurements.singular_values(self.state.gan),
        }
        self.rows.write(self.state.step, self.row, counters=self.state.counters)
        self.rows.write_timing(self.state.step)

    def sample(self) -> None:
        """Save a grid of images, from the same latents every time, and write a row of measurements.

        Raises:
            RunFailedError: a value or weight is NaN or infinite.
        """
        with self.rows.clock_stopped(), self._finite_images():
            gan = self.state.gan
            images_NCHW, labels_N = sample_images(
                gan.sampler,
                NUM_SAMPLES,
                num_classes=gan.num_classes,
                labels=torch.arange(NUM_SAMPLES) % gan.num_classes if gan.num_classes else None,
                seed=self.experiment.seed,
                stream="samples",
                device=self.device,
            )
            with self.folder.writing():
                self.folder.samples_path.mkdir(exist_ok=True)
                save_grid(images_NCHW, self.folder.samples_path / f"step-{self.state.step:08d}.png")
            if self.references is None:
                self.references = measurements.choose_references(
                    self.dataset,
                    self.data,
                    train_split=self.experiment.train_split,
                    needs_labels=gan.num_classes > 0,
                    say=self.monitor.say,
                )
            fake = ImageData(images_NCHW, labels_N)
            values = {
                **measurements.pairwise_distance(self.references, fake),
                **measurements.logit_gap(gan, self.references, fake),
                **measurements.normalized_sigma(gan),
            }
            if values:
                self.rows.write(self.state.step, values)

    def evaluate(self) -> Evaluated:
        """Compute the metrics of the generator as it is, and write a row of their numbers.

        Raises:
            RunFailedError: a value or weight is NaN or infinite.
        """
        with self.rows.clock_stopped(), self._finite_images():
            known = recorded_hashes(self.folder)
            inputs = EvaluationInputs(
                self.state.gan,
                self.dataset,
                self.experiment,
                run_seed=self.experiment.seed,
                device=self.device,
                data_sha256={**known, self.experiment.train_split: self.data.sha256},
                say=self.monitor.say,
                earlier_fakes=lambda: read_earlier_fakes(self.folder, before=self.state.step),
                loaded=self.loaded,
            )
            evaluated = evaluate(inputs)
            # No later discriminator will see the images of the last generator, so they are not kept.
            is_last = self.state.step == self.experiment.num_steps
            if not is_last and any(part.component.reads_earlier_fakes for part in self.experiment.metrics):
                with self.folder.writing():
                    keep_fakes(self.folder, self.state.step, inputs)
            # With the hash of the reference split in the folder, a later evaluation needs cached features and no files.
            if inputs.data_sha256 != known:
                hashes: dict[str, Json] = {**inputs.data_sha256}
                with self.folder.writing():
                    write_json(self.folder.environment_path, {**self.folder.environment(), "data_sha256": hashes})
            repeated = repeated_names(evaluated.measurements)
            values = {f"metric/{m.key(repeated)}": m.value for m in evaluated.measurements}
            if values:
                self.rows.write(self.state.step, values)
            for failure in evaluated.failures:
                self.monitor.say(f"{failure.metric} could not be computed: {failure.reason}")
            return evaluated

    def save(self) -> None:
        """Save a checkpoint, after everything that belongs to the steps before it.

        Raises:
            RunFailedError: a value or weight is NaN or infinite, which no checkpoint may hold.
            RunInterruptedError: it cannot be written.
        """
        self._check_finite()
        # A resumed run goes on counting from this time.
        self.rows.write_timing(self.state.step)
        self.rows.sync()
        operative, keep = self.configuration.operative(), self.experiment.keep_checkpoints
        checkpoint.save(self.folder, self.state, operative=operative, keep=keep)

    def finish(self) -> dict[str, Json]:
        """Sample and evaluate the last generator, draw the curves, write the result, and return it."""
        # A run that was killed during its last evaluation may have written these rows already.
        self.rows.drop_unlogged(self.state.step)
        self.sample()
        evaluated = self.evaluate()
        self.rows.close()
        return write_finished(
            self.folder,
            self.experiment,
            evaluated,
            name=self.configuration.name,
            chance=chance_of(self.state.gan.tasks),
            spent=self._spent(),
        )

    def _check_finite(self) -> None:
        if not self.state.is_finite():
            self._fail(f"a loss or a weight is NaN or infinite at step {self.state.step}")

    @contextlib.contextmanager
    def _finite_images(self) -> Iterator[None]:
        """End the run as failed if a weight is not finite, or if the generator of the body makes such images."""
        self._check_finite()
        try:
            yield
        except NotFiniteError as error:
            self._fail(f"{error} at step {self.state.step}")

    def _fail(self, reason: str) -> NoReturn:
        """End the run as failed, in its result as well."""
        kept = self.folder.checkpoints()
        last = f"the last good checkpoint is step {kept[-1]}" if kept else "no checkpoint had been saved"
        write_failed(self.folder, reason, spent=self._spent())
        raise RunFailedError(f"{reason}; {last}. The run is recorded as failed in '{self.folder.result_path}'")

    def _spent(self) -> dict[str, Json]:
        return {**self.state.counters, "seconds": self.rows.seconds, "num_threads": torch.get_num_threads()}
