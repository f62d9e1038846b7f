"""Which of a stream's items a reservoir of fixed size keeps."""

import torch


def reservoir_slots(num_seen: int, num_new: int, *, capacity: int, rng: torch.Generator) -> dict[int, int]:
    """Return for each slot that changes which of the new items it takes, so that all items seen are kept equally often.

    Source: Vitter, "Random Sampling with a Reservoir", ACM TOMS 11(1), 1985, algorithm R.

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
