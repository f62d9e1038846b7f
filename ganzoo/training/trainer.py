"""The loop: from a configuration to a finished run folder. N: batch; C, H, W: image."""

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from ganzoo.batch import ImageBatch, Latents, to_images
from ganzoo.config.experiment import Experiment
from ganzoo.config.load import Configuration
from ganzoo.errors import RunInterruptedError
from ganzoo.evaluation.evaluate import check_available
from ganzoo.gan.build import conditioning_of
from ganzoo.runs import environment
from ganzoo.runs.folder import Json, RunFolder
from ganzoo.runs.monitor import Monitor
from ganzoo.runs.resume import resume_configuration
from ganzoo.runs.signals import stop_requests
from ganzoo.training.recorder import Recorder
from ganzoo.training.train_state import TrainState

MAX_FIRST_SHARE = 0.1  # of the moving average at the end, what the generator that it started from may weigh unsaid
DEVICE_DATA_BYTES = 4 * 2**30  # a data set up to this size is kept on the device and indexed there


@dataclass(frozen=True)
class RunResult:
    """How a run ended.

    Args:
        folder: all its files.
        result: what `result.json` says.
        was_finished: whether it had ended before, so that nothing was done.
    """

    folder: RunFolder
    result: dict[str, Json]
    was_finished: bool


def train(
    configuration: Configuration[Experiment],
    *,
    out: Path,
    device: str = "cpu",
    data_dir: Path | None = None,
    fresh: bool = False,
    monitor: Monitor,
) -> RunResult:
    """Run a configuration to its end in a folder, going on from the newest checkpoint if there is one.

    Args:
        configuration: what to run.
        out: the run folder.
        device: where to train.
        data_dir: where the user keeps data sets.
        fresh: remove what is in the folder and start anew.
        monitor: receives messages and progress.

    Raises:
        UserError: the folder holds a run of another configuration; data or a metric's network is missing; parts that do
            not fit together.
        RunFailedError: a loss or a weight is NaN or infinite; the last good checkpoint is kept.
        RunInterruptedError: a full disk, a file that cannot be read, too little memory, or a signal; so too.
    """
    folder = RunFolder(out)
    torch_device = environment.select_device(device)
    folder.check_free()
    with folder.lock():
        configuration = resume_configuration(folder, configuration, what="run", fresh=fresh, say=monitor.say)
        done = None if fresh else folder.result()
        if done is not None:
            return RunResult(folder, done, was_finished=True)
        with folder.interrupted_from_outside():
            trainer = Trainer(configuration, folder, torch_device, data_dir, monitor)
            if fresh:
                # Only now: what refuses the new run leaves the old one alone.
                with folder.writing():
                    folder.clear()
            result = trainer.run()
        return RunResult(folder, result, was_finished=False)


class Trainer:
    """One run in progress.

    Args:
        configuration: with its number of threads.
        folder: locked for this process.
        device: where to train.
        data_dir: where the user keeps data sets.
        monitor: receives messages and progress.
    """

    def __init__(
        self,
        configuration: Configuration[Experiment],
        folder: RunFolder,
        device: torch.device,
        data_dir: Path | None,
        monitor: Monitor,
    ) -> None:
        self.experiment, self.device, self.monitor = configuration.experiment, device, monitor
        environment.choose_deterministic_kernels(device)
        dataset = self.experiment.dataset(data_dir=data_dir, say=monitor.say)
        self.spec = dataset.spec()
        # Before the files are sought: labels that the data set does not have are in no file of it.
        conditioning_of(self.experiment, self.spec)
        data = dataset.load(self.experiment.train_split)
        if len(data) < self.experiment.batch_size:
            monitor.say(
                f"a batch of {self.experiment.batch_size} is larger than the data set, which has {len(data)} images: "
                "each is in a batch several times"
            )
        self.say_of_average()
        # Of a file that is mapped into memory only the rows of a batch are read.
        on_device = not data.is_memory_mapped and data.images_NCHW.numel() <= DEVICE_DATA_BYTES
        self.uint8_NCHW = data.images_NCHW.to(device) if on_device else data.images_NCHW
        self.state = TrainState.create(self.experiment, self.spec, num_images=len(data), device=device)
        gan = self.state.gan
        self.labels_N = None
        if gan.conditioning is not None:
            assert data.labels_N is not None, "its spec promised labels"
            self.labels_N = gan.conditioning.training_labels(data.labels_N, split=self.experiment.train_split)
        # The size of the split may be known only now, such as of some classes of a data set.
        sizes = {**self.spec.num_images, self.experiment.train_split: len(data)}
        check_available(
            self.experiment.metrics,
            device,
            spec=replace(self.spec, num_images=sizes),
            num_classes=gan.num_classes,
            discriminator=gan.discriminator,
        )
        self.recorder = Recorder(
            folder, configuration, self.state, dataset=dataset, data=data, device=device, monitor=monitor
        )

    def run(self) -> dict[str, Json]:
        """Train from the newest checkpoint, or from the start, to the last step; return the result."""
        state, experiment, recorder = self.state, self.experiment, self.recorder
        recorder.begin()
        if state.step == 0:
            recorder.sample()
        self.monitor.start(state.step, experiment.num_steps)
        with stop_requests() as stop:
            while state.step < experiment.num_steps:
                # Discriminator updates, each with fresh images.
                for _ in range(experiment.num_d_steps):
                    real = self.next_real()
                    state.update_d(real, self.next_latents())

                # The generator update.
                state.update_g(real, self.next_latents())

                # Report, look, measure, save; a checkpoint comes last, since it stands for all that is before it.
                step, is_last = state.step, state.step == experiment.num_steps
                if due(experiment.log_every, step) or is_last:
                    recorder.log()
                if due(experiment.sample_every, step) and not is_last:  # `finish` does both for the last step
                    recorder.sample()
                if due(experiment.eval_every, step) and not is_last:
                    recorder.evaluate()
                # A request that comes from here on is for the next step.
                asked = stop.signal
                if due(experiment.checkpoint_every, step) or is_last or asked is not None:
                    recorder.save()
                self.monitor.progress(step, recorder.row)
                if asked is not None and not is_last:
                    self.monitor.close()
                    raise RunInterruptedError(
                        f"stopped by {asked.name} after step {step}, which is saved; "
                        "the same command goes on from there"
                    )
        self.monitor.close()
        return recorder.finish()

    def say_of_average(self) -> None:
        """Say it if the run ends before the moving average has forgotten the generator that it started from."""
        experiment = self.experiment
        first = max(experiment.ema_start, 1)
        if experiment.ema_decay is None or first >= experiment.num_steps:
            return
        share = experiment.ema_decay ** (experiment.num_steps - first)
        if share > MAX_FIRST_SHARE:
            self.monitor.say(
                f"{100 * share:.0f} % of the moving average at the end is still the generator of update {first}; "
                f"train longer, or lower experiment.ema_decay = {experiment.ema_decay}"
            )

    def next_real(self) -> ImageBatch:
        """Return the next real images, with labels if the GAN is conditional."""
        rows_N = self.state.order.take(self.experiment.batch_size)
        images_NCHW = to_images(self.uint8_NCHW[rows_N.to(self.uint8_NCHW.device)], device=self.device)
        if not self.state.gan.num_classes:
            return ImageBatch(images_NCHW)
        assert self.labels_N is not None
        return ImageBatch(images_NCHW, self.labels_N[rows_N].to(self.device))

    def next_latents(self) -> Latents:
        """Return the next latents, with uniformly drawn labels if the GAN is conditional."""
        num, state = self.experiment.batch_size, self.state
        latents_NL = state.gan.generator.sample_latents(num, rng=state.streams["latents"]).to(self.device)
        if not state.gan.num_classes:
            return Latents(latents_NL)
        labels_N = torch.randint(state.gan.num_classes, (num,), generator=state.streams["labels"])
        return Latents(latents_NL, labels_N.to(self.device))


def due(every: int, step: int) -> bool:
    """Return whether something that happens every so many steps (0: never) happens after this one."""
    return every > 0 and step % every == 0
