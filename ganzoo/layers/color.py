"""Affine maps of colours: their matrices, and recolouring images by them.

A matrix maps a colour (red, green, blue, 1). Maps that follow one another are multiplied from the right to the left.
The luma axis is that of the greys, (1, 1, 1) / sqrt(3). N: batch; C, H, W: image; 44: a homogeneous matrix.
"""

import torch
from torch import Tensor


def brightness(amount_N: Tensor) -> Tensor:
    """Return matrices (N, 4, 4) that add an amount to every channel."""
    matrix_N44 = _identity(amount_N)
    matrix_N44[:, :3, 3] = amount_N[:, None]
    return matrix_N44


def contrast(factor_N: Tensor) -> Tensor:
    """Return matrices (N, 4, 4) that multiply every channel, so that mid-grey, 0, stays."""
    return _linear(factor_N[:, None, None] * torch.eye(3, device=factor_N.device))


def luma_flip(is_flipped_N: Tensor) -> Tensor:
    """Return matrices (N, 4, 4) that turn light into dark and keep hue and saturation where asked for."""
    return _linear(torch.eye(3, device=is_flipped_N.device) - 2 * is_flipped_N[:, None, None] * _luma(is_flipped_N))


def hue(angle_N: Tensor) -> Tensor:
    """Return matrices (N, 4, 4) that turn colours about the luma axis by angles in radians."""
    # Rodrigues' formula; the cross product with the axis has the entries 1 / sqrt(3).
    cross_33 = torch.tensor([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]], device=angle_N.device) / 3**0.5
    cos_N11, sin_N11 = angle_N.cos()[:, None, None], angle_N.sin()[:, None, None]
    eye_33 = torch.eye(3, device=angle_N.device)
    return _linear(cos_N11 * eye_33 + sin_N11 * cross_33 + (1 - cos_N11) * _luma(angle_N))


def saturation(factor_N: Tensor) -> Tensor:
    """Return matrices (N, 4, 4) that multiply a colour's distance from the luma axis."""
    luma_33 = _luma(factor_N)
    return _linear(luma_33 + (torch.eye(3, device=factor_N.device) - luma_33) * factor_N[:, None, None])


def _luma(like_N: Tensor) -> Tensor:
    """Return the projection (3, 3) onto the luma axis."""
    return torch.full((3, 3), 1 / 3, device=like_N.device)


def _linear(matrix_N33: Tensor) -> Tensor:
    matrix_N44 = _identity(matrix_N33)
    matrix_N44[:, :3, :3] = matrix_N33
    return matrix_N44


def _identity(like_N: Tensor) -> Tensor:
    return torch.eye(4, device=like_N.device).repeat(len(like_N), 1, 1)


def recolor(images_NCHW: Tensor, matrix_N44: Tensor) -> Tensor:
    """Map the colours of each image by its matrix, (N, C, H, W); grey images change as the greys of a colour image do.

    Args:
        images_NCHW: of 1 or 3 channels.
        matrix_N44: the matrices.
    """
    channels = images_NCHW.shape[1]
    assert channels in (1, 3), f"colours of {channels} channels are unknown"
    linear_N33, offset_N3 = matrix_N44[:, :3, :3], matrix_N44[:, :3, 3]
    if channels == 1:
        # A grey becomes a colour whose mean is the new grey.
        scale_N = linear_N33.sum((1, 2)) / 3
        return images_NCHW * scale_N[:, None, None, None] + offset_N3.mean(1)[:, None, None, None]
    return torch.einsum("nij,njhw->nihw", linear_N33, images_NCHW) + offset_N3[:, :, None, None]
