"""Affine maps of images: their matrices, and moving pixels by them.

A matrix says where an output pixel comes from: it maps its position to one in the input, in pixels from the image's
centre, x to the right and y downward. Maps that follow one another are multiplied from the left to the right.
N: batch; C, H, W: image; P: pixels of an image; 33: a homogeneous matrix.
"""

import torch
from torch import Tensor


def scaling(x_N: Tensor, y_N: Tensor) -> Tensor:
    """Return matrices (N, 3, 3) that enlarge images by factors along x and y; -1 mirrors."""
    zero_N, one_N = torch.zeros_like(x_N), torch.ones_like(x_N)
    return _matrix([1 / x_N, zero_N, zero_N], [zero_N, 1 / y_N, zero_N], [zero_N, zero_N, one_N])


def turning(cos_N: Tensor, sin_N: Tensor) -> Tensor:
    """Return matrices (N, 3, 3) that turn images counter-clockwise by the angles of these cosines and sines."""
    zero_N, one_N = torch.zeros_like(cos_N), torch.ones_like(cos_N)
    return _matrix([cos_N, -sin_N, zero_N], [sin_N, cos_N, zero_N], [zero_N, zero_N, one_N])


def shifting(x_N: Tensor, y_N: Tensor) -> Tensor:
    """Return matrices (N, 3, 3) that move images to the right by x and downward by y pixels."""
    zero_N, one_N = torch.zeros_like(x_N), torch.ones_like(x_N)
    return _matrix([one_N, zero_N, -x_N], [zero_N, one_N, -y_N], [zero_N, zero_N, one_N])


def _matrix(*rows: list[Tensor]) -> Tensor:
    return torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)


def warp(images_NCHW: Tensor, source_N33: Tensor) -> Tensor:
    """Move the pixels of each image by its matrix, (N, C, H, W); differentiable.

    Between pixels it interpolates linearly, beyond the border it mirrors at the outer pixels' centres: the values of
    `grid_sample` with reflection and aligned corners. That function has no gradient on a GPU whose kernels must repeat
    to the bit, while gathering has; and here whole pixels (mirrored, turned by quarters, moved by integers) are copied
    to the bit, since positions in pixels are exact.

    Args:
        images_NCHW: at least 2 x 2 pixels each.
        source_N33: the matrices.
    """
    channels, height, width = images_NCHW.shape[1:]
    center_y, center_x = (height - 1) / 2, (width - 1) / 2
    y_H = torch.arange(height, device=images_NCHW.device) - center_y
    x_W = torch.arange(width, device=images_NCHW.device) - center_x
    y_HW, x_HW = torch.meshgrid(y_H, x_W, indexing="ij")
    points_3P = torch.stack([x_HW, y_HW, torch.ones_like(x_HW)]).flatten(1)
    x_NP, y_NP, _ = (source_N33 @ points_3P).unbind(1)
    x_NP, y_NP = x_NP + center_x, y_NP + center_y

    pixels_NCP = images_NCHW.flatten(2)
    left_NP, top_NP = x_NP.floor(), y_NP.floor()

    def pixel(y_NP: Tensor, x_NP: Tensor) -> Tensor:
        at_NP = _mirrored(y_NP, height) * width + _mirrored(x_NP, width)
        return pixels_NCP.gather(2, at_NP[:, None].expand(-1, channels, -1))

    x_share_N1P, y_share_N1P = (x_NP - left_NP)[:, None], (y_NP - top_NP)[:, None]
    above_NCP = torch.lerp(pixel(top_NP, left_NP), pixel(top_NP, left_NP + 1), x_share_N1P)
    below_NCP = torch.lerp(pixel(top_NP + 1, left_NP), pixel(top_NP + 1, left_NP + 1), x_share_N1P)
    return torch.lerp(above_NCP, below_NCP, y_share_N1P).reshape(images_NCHW.shape)


def _mirrored(index: Tensor, size: int) -> Tensor:
    """Return whole positions folded back into 0..size - 1, the outer positions being the mirrors."""
    index = index.long().remainder(2 * (size - 1))
    return torch.minimum(index, 2 * (size - 1) - index)
