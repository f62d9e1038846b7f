"""The loop: from a configuration to a finished run folder. N: batch; C, H, W: image."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from ganzoo.batch import ImageBatch, to_images
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

MAX_FIRST_SHARE = 0.1  # of the moving average at the end; a larger share of its first generator is said
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
        RunInterruptedError: a full disk, a file that cannot be read, too little memory, or a signal; the same command
            goes on from the last checkpoint.
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
            result = training_loop(configuration, folder, torch_device, data_dir=data_dir, fresh=fresh, monitor=monitor)
        return RunResult(folder, result, was_finished=False)


def training_loop(
    configuration: Configuration[Experiment],
    folder: RunFolder,
    device: torch.device,
    *,
    data_dir: Path | None,
    fresh: bool,
    monitor: Monitor,
) -> dict[str, Json]:
    """Train from the newest checkpoint, or from the start, to the last step, and return the result.

    The arguments are those of `train`: the folder is locked, and the configuration has its number of threads.
    """
    experiment = configuration.experiment
    environment.choose_deterministic_kernels(device)

    # Data. The labels that conditioning asks for are checked before the files are sought: they are in no file.
    dataset = experiment.dataset(data_dir=data_dir, say=monitor.say)
    spec = dataset.spec()
    conditioning_of(experiment, spec)
    data = dataset.load(experiment.train_split)
    say_of_batch(experiment, num_images=len(data), say=monitor.say)
    say_of_average(experiment, say=monitor.say)
    # Of a file that is mapped into memory only the rows of a batch are read.
    on_device = not data.is_memory_mapped and data.images_NCHW.numel() <= DEVICE_DATA_BYTES
    uint8_NCHW = data.images_NCHW.to(device) if on_device else data.images_NCHW

    # Networks, optimizers, random streams.
    state = TrainState.create(experiment, spec, num_images=len(data), device=device)
    gan = state.gan
    labels_N = None
    if gan.conditioning is not None:
        assert data.labels_N is not None, "its spec promised labels"
        labels_N = gan.conditioning.training_labels(data.labels_N, split=experiment.train_split)

    def next_real() -> ImageBatch:
        rows_N = state.order.take(experiment.batch_size)
        images_NCHW = to_images(uint8_NCHW[rows_N.to(uint8_NCHW.device)], device=device)
        return ImageBatch(images_NCHW, None if labels_N is None else labels_N[rows_N].to(device))

    # Refuse now what could not be measured in the end. Some data sets know the size of a split only after loading it.
    sizes = {**spec.num_images, experiment.train_split: len(data)}
    check_available(
        experiment.metrics,
        device,
        spec=replace(spec, num_images=sizes),
        num_classes=gan.num_classes,
        discriminator=gan.discriminator,
    )
    if fresh:
        # Only now, so that a new run that is refused leaves the old one alone.
        with folder.writing():
            folder.clear()

    # Start or resume.
    recorder = Recorder(folder, configuration, state, dataset=dataset, data=data, device=device, monitor=monitor)
    if state.step == 0:
        recorder.sample()
    monitor.start(state.step, experiment.num_steps)
    with stop_requests() as stop:
        while state.step < experiment.num_steps:
            # Discriminator updates, each with fresh images.
            for _ in range(experiment.num_d_steps):
                real = next_real()
                state.update_d(real, state.next_latents(experiment.batch_size))

            # The generator update.
            state.update_g(real, state.next_latents(experiment.batch_size))

            # Log, sample, evaluate; `finish` samples and evaluates the last step.
            step, is_last = state.step, state.step == experiment.num_steps
            if due(experiment.log_every, step) or is_last:
                recorder.log()
            if due(experiment.sample_every, step) and not is_last:
                recorder.sample()
            if due(experiment.eval_every, step) and not is_last:
                recorder.evaluate()

            # The checkpoint comes last, since it stands for everything before it. A signal that comes after this line
            # stops the run at the next step.
            asked = stop.signal
            if due(experiment.checkpoint_every, step) or is_last or asked is not None:
                recorder.save()
            monitor.progress(step, recorder.row)

            # Stopped?
            if asked is not None and not is_last:
                monitor.close()
                raise RunInterruptedError(
                    f"stopped by {asked.name} after step {step}, which is saved; the same command goes on from there"
                )
    monitor.close()
    return recorder.finish()


def due(every: int, step: int) -> bool:
    """Return whether something that happens every so many steps (0: never) happens after this one."""
    return every > 0 and step % every == 0


def say_of_batch(experiment: Experiment, *, num_images: int, say: Callable[[str], None]) -> None:
    """Say it if a batch is larger than the data set."""
    if num_images < experiment.batch_size:
        say(
            f"a batch of {experiment.batch_size} is larger than the data set, which has {num_images} images: each is "
            "in a batch several times"
        )


def say_of_average(experiment: Experiment, *, say: Callable[[str], None]) -> None:
    """Say it if the moving average at the end still holds much of the generator that it started from."""
    first = max(experiment.ema_start, 1)
    if experiment.ema_decay is None or first >= experiment.num_steps:
        return
    share = experiment.ema_decay ** (experiment.num_steps - first)
    if share > MAX_FIRST_SHARE:
        say(
            f"{100 * share:.0f} % of the moving average at the end is still the generator of update {first}; "
            f"train longer, or lower experiment.ema_decay = {experiment.ema_decay}"
        )
