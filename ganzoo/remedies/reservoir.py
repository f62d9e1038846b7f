"""Replay from a uniform sample of all that was seen. N: batch; M: capacity; C, H, W: image."""

import torch
from torch import Tensor

from ganzoo.architectures.base import ImageShape
from ganzoo.batch import ImageBatch
from ganzoo.layers.reservoir import reservoir_slots
from ganzoo.registry import register
from ganzoo.remedies.base import Examples, Remedy


@register("remedies")
class reservoir(Remedy):
    """Add earlier examples to every batch, drawn from a uniform sample of all that was seen.

    Source: Vitter, "Random Sampling with a Reservoir", ACM TOMS 11(1), 1985, algorithm R, for what is kept; experience
    replay as in Rolnick et al., "Experience Replay for Continual Learning", arXiv:1811.11682, for its use (equal shares
    of fresh and replayed examples from memory; without that paper's behavioural cloning).

    An example is replayed with the target that it was learned with. Where the targets of one image differ from task to
    task, as in one-vs-all classification, replay contradicts the current task.

    Args:
        capacity: examples kept.
        ratio: replayed examples for each fresh one; they are drawn with replacement and added to the batch.
    """

    images_MCHW: Tensor
    is_positive_M: Tensor
    num_seen: Tensor

    def __init__(self, *, capacity: int = 1000, ratio: float = 1.0, image_shape: ImageShape, batch_size: int) -> None:
        super().__init__()
        if capacity < 1:
            raise ValueError(f"capacity must be at least 1, not {capacity}")
        if ratio <= 0 or round(ratio * batch_size) < 1:
            raise ValueError(f"a ratio of {ratio} adds no example to a batch of {batch_size}; choose a larger one")
        self.num_replayed = round(ratio * batch_size)
        self.register_buffer("images_MCHW", torch.zeros(capacity, *image_shape))
        self.register_buffer("is_positive_M", torch.zeros(capacity, dtype=torch.bool))
        self.register_buffer("num_seen", torch.zeros((), dtype=torch.int64))

    def mix(self, fresh: Examples, *, rng: torch.Generator) -> Examples:
        """Return the fresh examples and, behind them, replayed ones; the first batch has none."""
        num_kept = min(int(self.num_seen), len(self.images_MCHW))
        if num_kept == 0:
            return fresh
        rows = torch.randint(num_kept, (self.num_replayed,), generator=rng).to(self.images_MCHW.device)
        images_NCHW = torch.cat([fresh.batch.images_NCHW, self.images_MCHW[rows]])
        return Examples(ImageBatch(images_NCHW), torch.cat([fresh.is_positive_N, self.is_positive_M[rows]]))

    def after_step(self, fresh: Examples, *, rng: torch.Generator) -> None:
        """Let each fresh example take the place of a kept one with probability M / (examples seen so far)."""
        taken = reservoir_slots(int(self.num_seen), len(fresh), capacity=len(self.images_MCHW), rng=rng)
        slots, rows = list(taken), list(taken.values())
        self.images_MCHW[slots] = fresh.batch.images_NCHW[rows]
        self.is_positive_M[slots] = fresh.is_positive_N[rows]
        self.num_seen += len(fresh)
