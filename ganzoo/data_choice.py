"""Which images of a split a choice falls on. N: images; n: those chosen."""

from collections.abc import Iterable

import torch
from torch import Tensor

from ganzoo.randomness import make_generator


def choose_rows(rows_N: Tensor, num: int, *, seed: int, stream: str) -> Tensor:
    """Return some rows in their order; more of the same stream contain fewer.

    Args:
        rows_N: to choose from.
        num: how many.
        seed: of the choice.
        stream: what it is for; choices of other streams are independent.
    """
    order_N = torch.randperm(len(rows_N), generator=make_generator(seed, f"subset/{stream}"))
    return rows_N[order_N[:num]].sort().values


def choose_share(
    rows_N: Tensor, labels_N: Tensor, share: float, *, classes: Iterable[int], seed: int, split: str
) -> Tensor:
    """Return a share of each class's rows, rounded, one row at least, in their order.

    Args:
        rows_N: to choose from.
        labels_N: of the whole split.
        share: above 0 and at most 1.
        classes: whose rows.
        seed: of the choice.
        split: of the data set; each has a choice of its own.
    """
    chosen = []
    for label in classes:
        own_N = rows_N[labels_N[rows_N] == label]
        num = min(len(own_N), max(1, round(share * len(own_N))))
        chosen.append(choose_rows(own_N, num, seed=seed, stream=f"{split}/{label}"))
    return torch.cat(chosen).sort().values
