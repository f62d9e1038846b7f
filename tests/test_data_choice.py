"""Choices of images: how many of each class, and that more contain fewer."""

import torch

from ganzoo.randomness import choose_rows, choose_share

LABELS = torch.tensor([0] * 10 + [1] * 5 + [2])


def test_each_class_keeps_its_share_rounded_and_one_at_least() -> None:
    rows = choose_share(torch.arange(16), LABELS, 0.3, classes=range(3), seed=0, split="train")
    # 3.0; 1.5, which Python rounds to 2; 0.3, which is raised to 1.
    assert torch.bincount(LABELS[rows]).tolist() == [3, 2, 1]
    assert rows.tolist() == sorted(rows.tolist())


def test_a_larger_share_contains_a_smaller_one_and_a_class_does_not_depend_on_others() -> None:
    def share(value: float, **changes: object) -> set[int]:
        settings = {"classes": range(3), "seed": 0, "split": "train", **changes}
        return set(choose_share(torch.arange(16), LABELS, value, **settings).tolist())

    assert share(0.2) < share(0.5) < share(1.0) == set(range(16))
    assert share(0.5, classes=[1]) == {row for row in share(0.5) if LABELS[row] == 1}
    assert share(0.5, seed=1) != share(0.5) != share(0.5, split="test")


def test_rows_keep_their_order() -> None:
    rows = choose_rows(torch.tensor([3, 5, 8, 13]), 3, seed=0, stream="train")
    assert len(rows) == 3
    assert rows.tolist() == sorted(set(rows.tolist()) & {3, 5, 8, 13})
