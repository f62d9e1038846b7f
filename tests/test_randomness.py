"""Streams depend on (seed, name) alone."""

import hashlib

import torch

from ganzoo.randomness import Streams, choose_rows, choose_share, derive_seed, initialization, make_generator

LABELS = torch.tensor([0] * 10 + [1] * 5 + [2])


def test_a_seed_is_the_first_63_bits_of_a_hash_of_seed_and_name() -> None:
    expected = int(hashlib.sha256(b"7/latents").hexdigest()[:16], 16) >> 1
    assert derive_seed(7, "latents") == expected
    assert make_generator(7, "latents").initial_seed() == expected


def test_a_stream_does_not_depend_on_the_others() -> None:
    alone = torch.rand(3, generator=Streams(0)["a"])
    streams = Streams(0)
    torch.rand(5, generator=streams["b"])
    assert torch.equal(torch.rand(3, generator=streams["a"]), alone)


def test_streams_go_on_exactly_after_a_restart() -> None:
    streams = Streams(0)
    torch.rand(5, generator=streams["a"])
    state = streams.state_dict()
    expected = torch.rand(3, generator=streams["a"])
    restored = Streams(0)
    torch.rand(1, generator=restored["b"])
    restored.load_state_dict(state)
    assert torch.equal(torch.rand(3, generator=restored["a"]), expected)


def test_initialization_restores_the_global_generator_and_repeats() -> None:
    torch.manual_seed(5)
    expected = torch.rand(2)
    torch.manual_seed(5)
    with initialization(0, "generator"):
        first = torch.nn.Linear(3, 3).weight
    with initialization(0, "generator"):
        second = torch.nn.Linear(3, 3).weight
    assert torch.equal(first, second)
    assert torch.equal(torch.rand(2), expected)


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
