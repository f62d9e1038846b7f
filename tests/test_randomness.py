"""Streams depend on (seed, name) alone."""

import hashlib

import torch

from ganzoo.randomness import Streams, derive_seed, initialization, make_generator


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
