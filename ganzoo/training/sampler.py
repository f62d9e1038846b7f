"""The order in which real images are shown."""

from collections.abc import Mapping

import torch
from torch import Tensor

from ganzoo.randomness import make_generator


class InfiniteSampler:
    """Endless shuffled epochs over a data set; batches cross the end of an epoch, so that no image is left out.

    The sequence depends on the seed alone: neither the batch size nor a restart changes it.

    Args:
        num_images: images in the data set.
        seed: the run's seed.
    """

    def __init__(self, num_images: int, *, seed: int) -> None:
        if num_images < 1:
            raise ValueError(f"an order needs at least 1 image, not {num_images}")
        self.num_images = num_images
        self.seed = seed
        self.num_drawn = 0
        self._epoch, self._order = -1, torch.empty(0, dtype=torch.int64)

    def take(self, num: int) -> Tensor:
        """Return the indices (num,), int64, of the next images."""
        pieces = []
        while num > 0:
            epoch, start = divmod(self.num_drawn, self.num_images)
            piece = self._permutation(epoch)[start : start + num]
            pieces.append(piece)
            self.num_drawn += len(piece)
            num -= len(piece)
        return torch.cat(pieces) if pieces else torch.empty(0, dtype=torch.int64)

    def _permutation(self, epoch: int) -> Tensor:
        if epoch != self._epoch:
            rng = make_generator(self.seed, f"data/epoch-{epoch}")
            self._epoch, self._order = epoch, torch.randperm(self.num_images, generator=rng)
        return self._order

    def state_dict(self) -> dict[str, int]:
        """Return how many images were drawn, which is the whole state."""
        return {"num_drawn": self.num_drawn}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Continue from a state."""
        self.num_drawn = state["num_drawn"]
