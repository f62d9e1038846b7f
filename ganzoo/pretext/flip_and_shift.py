"""A small change that leaves an image's meaning alone: a mirror image, moved by a few pixels.

N: batch; C, H, W: image.
"""

import torch
from torch import Tensor
from torch.nn import functional

from ganzoo.batch import ImageBatch
from ganzoo.component import DeclaredArguments
from ganzoo.errors import ParameterError
from ganzoo.pretext.base import PretextTask


def flip_and_shift(images_NCHW: Tensor, *, flip: bool, max_shift: float, rng: torch.Generator) -> Tensor:
    """Return each image mirrored left to right in half of the cases, and moved; differentiable.

    Args:
        images_NCHW: in [-1, 1].
        flip: whether images are mirrored.
        max_shift: the largest move, up or down and left or right, as a share of the side; what it uncovers is filled by
            reflection at the edge.
        rng: a CPU generator.
    """
    num, _, height, width = images_NCHW.shape
    device = images_NCHW.device
    # Always drawn, so that one option does not change what another does.
    is_flipped_N = torch.rand(num, generator=rng) < 0.5
    steps_N2 = torch.rand(num, 2, generator=rng)
    if flip:
        images_NCHW = torch.where(is_flipped_N.to(device)[:, None, None, None], images_NCHW.flip(3), images_NCHW)
    limits = [int(max_shift * side) for side in (height, width)]
    if not any(limits):
        return images_NCHW

    # A window of the old size, anywhere in the padded image: its corner is one of 2 * limit + 1 places on each axis.
    padded_NCHW = functional.pad(images_NCHW, (limits[1], limits[1], limits[0], limits[0]), mode="reflect")
    corners_2N = [(steps_N2[:, i] * (2 * limit + 1)).long() for i, limit in enumerate(limits)]
    rows_NH = (corners_2N[0][:, None] + torch.arange(height)).to(device)
    columns_NW = (corners_2N[1][:, None] + torch.arange(width)).to(device)
    images_N = torch.arange(num, device=device)
    windows_NHWC = padded_NCHW.permute(0, 2, 3, 1)[images_N[:, None, None], rows_NH[:, :, None], columns_NW[:, None]]
    return windows_NHWC.permute(0, 3, 1, 2)


class FlipAndShiftTask(DeclaredArguments, PretextTask):
    """A task that shows D images mirrored and moved.

    Args:
        flip: whether images are mirrored; False for digits, letters and whatever else a mirror changes.
        max_shift: the largest shift as a share of the image's side, less than 0.5: more, reflection cannot fill.
    """

    flip: bool = True
    max_shift: float = 0.125

    def __post_init__(self) -> None:
        super().__init__()
        if not 0 <= self.max_shift < 0.5:
            raise ParameterError("max_shift", f"is a share of the image's side in [0, 0.5), not {self.max_shift}")

    def changed(self, batch: ImageBatch, rng: torch.Generator) -> ImageBatch:
        """Return the same batch with its images mirrored and moved."""
        changed_NCHW = flip_and_shift(batch.images_NCHW, flip=self.flip, max_shift=self.max_shift, rng=rng)
        return batch.with_images(changed_NCHW)
