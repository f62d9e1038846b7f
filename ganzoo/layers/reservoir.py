"""A uniform sample, of fixed size, of a stream. N: new items; M: capacity."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ganzoo.errors import check_at_least


class Reservoir(nn.Module):
    """A sample of a stream of items, rows of named tensors; each item so far is in it with equal probability.

    Source: Vitter, "Random Sampling with a Reservoir", ACM TOMS 11(1), 1985, algorithm R. Its items are buffers and its
    counter is saved with them, so that it survives a restart.

    Args:
        capacity: M, items kept.
        item: the tensors of one item by name, for their shapes and types.

    Raises:
        ParameterError: a capacity below 1.
    """

    def __init__(self, capacity: int, item: Mapping[str, Tensor]) -> None:
        super().__init__()
        check_at_least(1, capacity=capacity)
        self.capacity, self.names = capacity, tuple(item)
        for name, tensor in item.items():
            self.register_buffer(name, tensor.new_zeros(capacity, *tensor.shape))
        # No buffer: drawing slots would wait for the device.
        self.num_seen = 0

    def get_extra_state(self) -> Tensor:
        """Return what is saved besides the items: how many there were."""
        return torch.tensor(self.num_seen)

    def set_extra_state(self, state: Tensor) -> None:
        """Restore it."""
        self.num_seen = int(state)

    @property
    def num_kept(self) -> int:
        """Items there are: M once so many were seen."""
        return min(self.num_seen, self.capacity)

    def draw(self, num: int, *, rng: torch.Generator) -> dict[str, Tensor]:
        """Return `num` of the kept items, drawn with replacement; at least one must be kept.

        Args:
            num: how many.
            rng: a CPU generator.
        """
        rows = torch.randint(self.num_kept, (num,), generator=rng).to(self.get_buffer(self.names[0]).device)
        return {name: self.get_buffer(name)[rows] for name in self.names}

    def take(self, items: Mapping[str, Tensor], *, rng: torch.Generator) -> None:
        """Let each of N new items take the place of a kept one with probability M / (items seen so far).

        Args:
            items: tensors (N, ...) by name.
            rng: a CPU generator.
        """
        num_new = len(items[self.names[0]])
        taken = reservoir_slots(self.num_seen, num_new, capacity=self.capacity, rng=rng)
        slots, rows = list(taken), list(taken.values())
        for name in self.names:
            kept = self.get_buffer(name)
            kept[slots] = items[name][rows].to(kept.dtype)
        self.num_seen += num_new


def reservoir_slots(num_seen: int, num_new: int, *, capacity: int, rng: torch.Generator) -> dict[int, int]:
    """Return for each slot that changes which of the new items it takes, so that all items seen are kept equally often.

    Args:
        num_seen: items of the stream before the new ones.
        num_new: items to take in now, in order.
        capacity: slots there are.
        rng: a CPU generator.
    """
    taken: dict[int, int] = {}
    for i in range(num_new):
        # The n-th item draws a slot among n; beyond the capacity means that it is not kept.
        number = num_seen + i
        slot = number if number < capacity else int(torch.randint(number + 1, (), generator=rng))
        if slot < capacity:
            taken[slot] = i  # a later item takes the place of an earlier one
    return taken
