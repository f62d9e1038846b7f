"""Resizing by torch's antialiased filters, for training data and for feature extractors.

N: images; C, H, W: image. The filters become wider when images shrink, as Pillow's do; other filters skip pixels.
"""

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

Filter = Literal["bilinear", "bicubic"]
CHUNK_SIZE = 1024  # images at once, to bound the memory


def resize(images_NCHW: Tensor, size: int, *, filter_: Filter) -> Tensor:
    """Return floating-point images at `size` x `size` pixels, clamped to 0..255 and not rounded.

    Args:
        images_NCHW: floating point (N, C, H, W) in [0, 255].
        size: new height and width, in pixels.
        filter_: of the interpolation.
    """
    resized = F.interpolate(images_NCHW, size=(size, size), mode=filter_, antialias=True, align_corners=False)
    return resized.clamp(0, 255)


def resize_uint8(images_NCHW: Tensor, size: int) -> Tensor:
    """Return uint8 images at `size` x `size` pixels by the bilinear filter, rounded; data sets are resized by it.

    It computes in float64, so that rounding errors change no pixel and data have the same hash on every machine.

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
