"""Running a frozen network over uint8 images, batch by batch.

N: images; C, H, W: image; F: features; K: classes.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from ganzoo.resize import resize

RESIZE = "bicubic, antialiased, float32"
"""How images are resized for an extractor: as clean-fid does (arXiv:2104.11222), but by torch, not Pillow."""


def extract(
    network: Callable[[Tensor], Tensor], images_NCHW: Tensor, *, size: int, batch_size: int, device: torch.device
) -> Tensor:
    """Return float32 features (N, F) on the CPU.

    Args:
        network: maps float32 images (n, 3, size, size) with values 0..255 to features (n, F).
        images_NCHW: uint8 (N, C, H, W); C is 3, or 1 for grey images, which become three equal channels.
        size: height and width that the network takes, in pixels.
        batch_size: images at once.
        device: of the network.

    Raises:
        ValueError: images of another type or shape.
    """
    if images_NCHW.dtype != torch.uint8 or images_NCHW.ndim != 4 or images_NCHW.shape[1] not in (1, 3):
        raise ValueError(
            f"feature extractors take uint8 images (N, 1 or 3, H, W), not {images_NCHW.dtype} of shape "
            f"{tuple(images_NCHW.shape)}"
        )
    features = []
    with torch.no_grad():
        for batch_NCHW in torch.split(images_NCHW, batch_size):
            x_NCHW = resize(batch_NCHW.to(device).float(), size, filter_="bicubic").expand(-1, 3, -1, -1)
            features.append(network(x_NCHW.contiguous(memory_format=torch.channels_last)).float().cpu())
    return torch.cat(features)


def classify(features_NF: Tensor, weight_KF: Tensor, bias_K: Tensor | None) -> Tensor:
    """Return float32 logits (N, K) on the CPU of a linear classifier, which may be on another device."""
    with torch.no_grad():
        weight_KF, bias_K = weight_KF.float().cpu(), None if bias_K is None else bias_K.float().cpu()
        return functional.linear(features_NF, weight_KF, bias_K)
