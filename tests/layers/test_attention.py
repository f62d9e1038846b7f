"""Self-attention by hand, and where it stands."""

import pytest
import torch
from torch import nn

from ganzoo.layers.attention import SelfAttention, attention_after
from ganzoo.layers.factory import LayerFactory

LAYERS = LayerFactory(spectral_norm=False)


def test_it_adds_the_softmax_weighted_mean_of_pooled_values() -> None:
    attention = SelfAttention(16, LAYERS).double()
    attention.scale.data.fill_(0.7)
    x = torch.randn(2, 16, 4, 6).double()
    query, key, value, output = (
        getattr(attention, name).weight[:, :, 0, 0] for name in ("query", "key", "value", "output")
    )
    assert [len(query), len(key), len(value), len(output)] == [2, 2, 8, 16]
    expected = torch.empty_like(x)
    for n in range(2):
        pooled_keys, pooled_values = [], []
        for i in range(0, 4, 2):
            for j in range(0, 6, 2):
                window = x[n, :, i : i + 2, j : j + 2].flatten(1)
                pooled_keys.append((key @ window).amax(1))
                pooled_values.append((value @ window).amax(1))
        for i in range(4):
            for j in range(6):
                scores = torch.stack([query @ x[n, :, i, j] @ k for k in pooled_keys])
                weights = scores.exp() / scores.exp().sum()
                mean = sum(w * v for w, v in zip(weights, pooled_values, strict=True))
                expected[n, :, i, j] = x[n, :, i, j] + 0.7 * (output @ mean)
    assert torch.allclose(attention(x), expected, atol=1e-12)


def test_it_starts_as_the_identity_and_its_scale_alone_gets_a_gradient() -> None:
    attention, x = SelfAttention(8, LAYERS), torch.randn(2, 8, 4, 4)
    out = attention(x)
    assert torch.equal(out, x)
    out.square().sum().backward()
    assert attention.scale.grad is not None
    assert attention.scale.grad != 0
    assert not attention.query.weight.grad.any()  # type: ignore[union-attr]


def test_few_channels_leave_one_of_each() -> None:
    attention = SelfAttention(1, LAYERS)
    assert [attention.query.out_channels, attention.value.out_channels] == [1, 1]
    assert attention(torch.randn(1, 1, 2, 2)).shape == (1, 1, 2, 2)


def test_its_convolutions_follow_the_factory() -> None:
    attention = SelfAttention(8, LayerFactory(spectral_norm=True))
    assert all(hasattr(conv, "parametrizations") for conv in attention.children())


def test_it_keeps_the_memory_format() -> None:
    x = torch.randn(2, 8, 4, 4).contiguous(memory_format=torch.channels_last)
    assert SelfAttention(8, LAYERS)(x).is_contiguous(memory_format=torch.channels_last)


def test_it_stands_after_the_first_block_of_its_height_alone() -> None:
    shapes = [(4, 16), (6, 8), (10, 8)]
    placed = attention_after(8, shapes, LAYERS)
    assert [type(module) for module in placed] == [nn.Identity, SelfAttention, nn.Identity]
    assert placed[1].query.in_channels == 6  # type: ignore[union-attr]
    assert not list(attention_after(None, shapes, LAYERS).parameters())


@pytest.mark.parametrize("resolution", [4, 1, 0])
def test_a_height_that_is_not_there_or_one_pixel_is_refused(resolution: int) -> None:
    with pytest.raises(
        ValueError, match=f"attention_resolution = {resolution} is no height .* here they have 16, 8 px"
    ):
        attention_after(resolution, [(4, 16), (6, 8), (10, 8), (10, 1)], LAYERS)
