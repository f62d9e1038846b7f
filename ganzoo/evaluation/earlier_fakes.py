"""Generated images that a run keeps on the way, to show them to later discriminators. N: images; C, H, W: image.

A file `replay/step-N.safetensors` of the run folder holds uint8 `images_NCHW` and, of a conditional GAN, `labels_N`.
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


def keep(folder: RunFolder, step: int, inputs: EvaluationInputs) -> None:
    """Write images of the generator that an evaluation judges, from the same latents at every step of a run.

    Args:
        folder: of the run.
        step: generator updates done.
        inputs: of the evaluation at that step, whose protocol says how images are made.
    """
    protocol = inputs.settings
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
    write(folder, step, ImageData(images_NCHW, labels_N))


def write(folder: RunFolder, step: int, images: ImageData) -> None:
    """Write images as those of a step, atomically."""
    tensors = {"images_NCHW": images.images_NCHW}
    if images.labels_N is not None:
        tensors["labels_N"] = images.labels_N
    write_atomically(folder.replay_path / f"step-{step:08d}.safetensors", safetensors.torch.save(tensors))


def read_before(folder: RunFolder, step: int) -> Mapping[int, ImageData]:
    """Return the images that were kept before a step, by step, oldest first.

    Raises:
        UserError: a file is damaged.
    """
    return {kept: _read(path) for kept, path in _files(folder).items() if kept < step}


def drop_after(folder: RunFolder, step: int) -> None:
    """Remove the images of later steps, which a resumed run makes again."""
    for kept, path in _files(folder).items():
        if kept > step:
            path.unlink()


def _files(folder: RunFolder) -> dict[int, Path]:
    files = {path.stem.removeprefix("step-"): path for path in sorted(folder.replay_path.glob("step-*.safetensors"))}
    return {int(step): path for step, path in files.items() if step.isdigit()}


def _read(path: Path) -> ImageData:
    try:
        tensors = safetensors.torch.load(path.read_bytes())
        return ImageData(tensors["images_NCHW"], tensors.get("labels_N"))
    except (OSError, KeyError, safetensors.SafetensorError) as error:
        raise UserError(f"'{path}' cannot be read ({error}); remove it, and its step is left out") from error
