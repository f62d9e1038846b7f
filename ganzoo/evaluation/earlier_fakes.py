"""Generated images that a run keeps during training, to show them to later discriminators.

A file `replay/step-N.safetensors` of the run folder holds uint8 `images_NCHW` and, for a conditional GAN, `labels_N`.
N: images; C, H, W: image.
"""

from collections.abc import Mapping
from pathlib import Path

import safetensors
import safetensors.torch

from ganzoo.data.base import ImageData
from ganzoo.errors import UserError
from ganzoo.evaluation.inputs import EvaluationInputs
from ganzoo.evaluation.sampling import sample_images
from ganzoo.runs.folder import RunFolder, write_atomically

NUM_KEPT = 256


def keep_fakes(folder: RunFolder, step: int, inputs: EvaluationInputs) -> None:
    """Generate images and keep them for later evaluations; their latents are the same at every step of a run.

    Args:
        folder: of the run.
        step: generator updates done.
        inputs: of the evaluation at that step, whose protocol says how images are generated.
    """
    protocol = inputs.evaluation_protocol
    images_NCHW, labels_N = sample_images(
        inputs.generator,
        NUM_KEPT,
        num_classes=inputs.num_classes,
        seed=inputs.first_seed,
        stream="replay",
        device=inputs.device,
        batch_size=protocol.eval_batch_size,
        batch_norm=protocol.eval_batch_norm,
    )
    write_fakes(folder, step, ImageData(images_NCHW, labels_N))


def write_fakes(folder: RunFolder, step: int, images: ImageData) -> None:
    """Write the images of a step, atomically."""
    tensors = {"images_NCHW": images.images_NCHW}
    if images.labels_N is not None:
        tensors["labels_N"] = images.labels_N
    write_atomically(folder.replay_path / f"step-{step:08d}.safetensors", safetensors.torch.save(tensors))


def read_earlier_fakes(folder: RunFolder, *, before: int) -> Mapping[int, ImageData]:
    """Return the images of all steps before a step, by step, oldest first.

    Raises:
        UserError: a file is damaged.
    """
    return {step: _read(path) for step, path in _files(folder).items() if step < before}


def drop_later_fakes(folder: RunFolder, *, after: int) -> None:
    """Remove the images of all steps after a step: a resumed run generates them again."""
    for step, path in _files(folder).items():
        if step > after:
            path.unlink()


def _files(folder: RunFolder) -> dict[int, Path]:
    files = {path.stem.removeprefix("step-"): path for path in sorted(folder.replay_path.glob("step-*.safetensors"))}
    return {int(step): path for step, path in files.items() if step.isdigit()}


def _read(path: Path) -> ImageData:
    try:
        tensors = safetensors.torch.load(path.read_bytes())
        return ImageData(tensors["images_NCHW"], tensors.get("labels_N"))
    except (OSError, KeyError, safetensors.SafetensorError) as error:
        raise UserError(f"'{path}' cannot be read ({error}); remove it to leave the images of its step out") from error
