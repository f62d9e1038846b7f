"""What travels through a step, by hand."""

import torch

from ganzoo.batch import Latents


def test_moved_latents_are_the_old_ones_and_drawn_noise_with_the_same_labels() -> None:
    given = Latents(torch.arange(6.0, dtype=torch.float64).reshape(2, 3), torch.tensor([4, 5]))
    moved = given.moved(0.5, rng=torch.Generator().manual_seed(1))
    noise_NL = torch.randn(2, 3, generator=torch.Generator().manual_seed(1))
    assert torch.equal(moved.latents_NL, given.latents_NL + (0.5 * noise_NL).double())
    assert moved.labels_N is given.labels_N
