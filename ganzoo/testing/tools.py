"""What the checks of several kinds use: inputs, random generators, and copies of a state."""

import copy
from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

from ganzoo.batch import UNKNOWN_LABEL, ImageBatch, Latents

SMALL_BATCH, LARGE_BATCH = 2, 64
BFLOAT16 = "under bfloat16"
BFLOAT16_REMEDY = "compute it in float32: call .float() first, or wrap it in torch.autocast(..., enabled=False)"


def bfloat16() -> torch.autocast:
    """Return the context of a run with `experiment.precision = 'bfloat16'` on the CPU.

    It is tried on the smallest case there is, since most CPUs emulate it.
    """
    return torch.autocast("cpu", torch.bfloat16)


def make_rng(seed: int = 0) -> torch.Generator:
    """Return a CPU generator."""
    return torch.Generator().manual_seed(seed)


def make_images(
    num: int, *, shape: tuple[int, int, int] = (3, 16, 16), num_classes: int = 0, seed: int = 1
) -> ImageBatch:
    """Return uniform noise in [-1, 1], with labels if there are classes."""
    rng = make_rng(seed)
    images_NCHW = torch.rand(num, *shape, generator=rng) * 2 - 1
    return ImageBatch(images_NCHW, make_labels(num, num_classes, rng))


def hide_labels(images: ImageBatch) -> ImageBatch:
    """Return the same batch with every third label unknown, as real images may come."""
    if images.labels_N is None:
        return images
    is_hidden_N = torch.arange(len(images)) % 3 == 2
    return replace(images, labels_N=torch.where(is_hidden_N, UNKNOWN_LABEL, images.labels_N))


def make_latents(num: int, *, latent_dim: int = 6, num_classes: int = 0, seed: int = 2) -> Latents:
    """Return normal latents, with labels if there are classes."""
    rng = make_rng(seed)
    return Latents(torch.randn(num, latent_dim, generator=rng), make_labels(num, num_classes, rng))


def make_labels(num: int, num_classes: int, rng: torch.Generator) -> Tensor | None:
    """Return uniform labels, or None if there are no classes."""
    return torch.randint(num_classes, (num,), generator=rng) if num_classes else None


def snapshot(module: nn.Module) -> dict[str, Tensor]:
    """Return a copy of a module's state."""
    return copy.deepcopy(dict(module.state_dict()))


def equal(first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> bool:
    """Return whether two sets of tensors are the same to the bit."""
    return first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)
