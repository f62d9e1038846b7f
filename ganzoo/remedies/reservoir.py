"""Replay from a uniform sample of all that was seen. C, H, W: image."""

import torch

from ganzoo.architectures.base import ImageShape
from ganzoo.batch import ImageBatch
from ganzoo.errors import ParameterError
from ganzoo.layers.reservoir import Reservoir
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

    >>> fresh = Examples(ImageBatch(torch.zeros(4, 1, 8, 8)), torch.ones(4).bool())
    >>> remedy, rng = reservoir(image_shape=(1, 8, 8), batch_size=4), torch.Generator()
    >>> remedy.after_step(fresh, rng=rng)
    >>> len(remedy.mix(fresh, rng=rng))
    8

    Args:
        capacity: examples kept.
        ratio: replayed examples for each fresh one; they are drawn with replacement and added to the batch.
    """

    def __init__(self, *, capacity: int = 1000, ratio: float = 1.0, image_shape: ImageShape, batch_size: int) -> None:
        super().__init__()
        if ratio <= 0 or round(ratio * batch_size) < 1:
            raise ParameterError("ratio", f"= {ratio} adds no example to a batch of {batch_size}; choose a larger one")
        self.num_replayed = round(ratio * batch_size)
        item = {"images": torch.zeros(image_shape), "is_positive": torch.zeros((), dtype=torch.bool)}
        self.kept = Reservoir(capacity, item)

    def mix(self, fresh: Examples, *, rng: torch.Generator) -> Examples:
        """Return the fresh examples and, behind them, replayed ones; the first batch has none."""
        if self.kept.num_kept == 0:
            return fresh
        drawn = self.kept.draw(self.num_replayed, rng=rng)
        images_NCHW = torch.cat([fresh.batch.images_NCHW, drawn["images"]])
        return Examples(ImageBatch(images_NCHW), torch.cat([fresh.is_positive_N, drawn["is_positive"]]))

    def after_step(self, fresh: Examples, *, rng: torch.Generator) -> None:
        """Let the fresh examples take the places of kept ones, so that all seen so far are kept equally often."""
        items = {"images": fresh.batch.images_NCHW, "is_positive": fresh.is_positive_N}
        self.kept.take(items, rng=rng)
