"""How images are resized: by torch's antialiased filters, for training data and before feature extractors alike.

N: images; C, H, W: image. The filters widen when shrinking, as Pillow's do; those without antialiasing skip pixels.
"""

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

Filter = Literal["bilinear", "bicubic"]
CHUNK_SIZE = 1024  # images at once, to bound the memory


def resize(images_NCHW: Tensor, size: int, *, filter_: Filter) -> Tensor:
    """Return floating-point images of values 0..255 at `size` x `size` pixels, overshoot cut off, not rounded.

    Args:
        images_NCHW: floating point (N, C, H, W) in [0, 255].
        size: new height and width, in pixels.
        filter_: of the interpolation.
    """
    resized = F.interpolate(images_NCHW, size=(size, size), mode=filter_, antialias=True, align_corners=False)
    return resized.clamp(0, 255)


def resize_uint8(images_NCHW: Tensor, size: int) -> Tensor:
    """Return uint8 images at `size` x `size` pixels by the bilinear filter, rounded; what data sets are resized with.

    It computes in float64, so that the last bit of a float decides no pixel and data have one hash on every machine.

    Args:
        images_NCHW: uint8 (N, C, H, W).
        size: new height and width, in pixels.
    """
    if images_NCHW.shape[2:] == (size, size):
        return images_NCHW.contiguous()
    chunks = [
        resize(chunk.double(), size, filter_="bilinear").round().to(torch.uint8)
        for chunk in torch.split(images_NCHW, CHUNK_SIZE)
    ]
    return torch.cat(chunks).contiguous()
