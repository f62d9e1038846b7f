"""BigGAN against compare_gan's published counts, and what each chunk of the latents and the label reach."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganzoo.batch import Latents
from ganzoo.errors import UserError


def num_parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_parameter_counts_at_128_px_with_1000_classes_are_compare_gans(make: Any) -> None:
    # Without spectral norm, which adds buffers alone and cannot iterate where there is no memory.
    arguments = {"width": 96, "num_classes": 1000, "attention_resolution": 64, "spectral_norm": False}
    with torch.device("meta"):
        generator = make("biggan_generator", 128, latent_dim=120, **arguments)
        discriminator = make("biggan_discriminator", 128, normalization="none", **arguments)
    assert all(p.is_meta for p in [*generator.parameters(), *discriminator.parameters()])
    assert num_parameters(generator) == 70_433_988
    assert num_parameters(discriminator) == 87_982_370


def test_modulations_and_attention_have_no_biases_and_the_embedding_has_128_numbers(make: Any) -> None:
    network = make("biggan_generator", 32, num_classes=10, latent_dim=16, attention_resolution=16)
    names = [name for name, _ in network.named_parameters()]
    assert not [n for n in names if n.endswith("bias") and ("norm1" in n or "norm2" in n or "attention" in n)]
    assert network.embedding.weight.shape == (10, 128)
    assert [tuple(block.norm1.scale.weight.shape) for block in network.blocks] == [(16, 4 + 128)] * 3


@pytest.mark.parametrize(
    ("name", "normalized"), [("biggan_generator", 2 + 3 * 7), ("biggan_discriminator", 4 * 2 + 3 + 2)]
)
def test_every_weight_but_the_embedding_is_spectrally_normalised(name: str, normalized: int, make: Any) -> None:
    # G: the first and the last layer; of three blocks three convolutions and four modulations.
    # D: of four blocks two convolutions, three shortcuts, the logit and the projection.
    network = make(name, 32, normalization="batch", num_classes=3)
    assert sum(n.endswith("original") for n, _ in network.named_parameters()) == normalized
    if name == "biggan_generator":
        assert type(network.embedding) is nn.Embedding


def test_weights_start_orthogonal(make: Any) -> None:
    network = make("biggan_generator", 32, spectral_norm=False, num_classes=3)
    matrices = [p.flatten(1) for n, p in network.named_parameters() if n.endswith("weight") and p.ndim > 1]
    assert len(matrices) == 2 + 3 * 7 + 1
    for matrix in matrices:
        gram = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
        assert torch.allclose(gram, torch.eye(len(gram)), atol=1e-5)


def changed_maps(network: nn.Module, first: Latents, second: Latents) -> list[bool]:
    """Return of which blocks two inputs of the generator give different maps."""
    seen: list[list[Tensor]] = []
    for inputs in (first, second):
        maps: list[Tensor] = []
        handles = [b.register_forward_hook(lambda _m, _i, out, m=maps: m.append(out)) for b in network.blocks]  # type: ignore[union-attr]
        network(inputs)
        seen.append(maps)
        for handle in handles:
            handle.remove()
    return [not torch.allclose(a, b, atol=1e-6) for a, b in zip(*seen, strict=True)]


def test_a_chunk_of_the_latents_enters_at_its_block_and_the_label_at_every_one(make: Any) -> None:
    network = make("biggan_generator", 32, num_classes=3, latent_dim=9).eval()
    assert network.chunk_dims == [3, 2, 2, 2]
    z, y = torch.randn(2, 9, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 1])
    for place, expected in [(0, [True] * 3), (3, [True] * 3), (5, [False, True, True]), (8, [False, False, True])]:
        other = z.clone()
        other[:, place] += 1
        assert changed_maps(network, Latents(z, y), Latents(other, y)) == expected
    assert changed_maps(network, Latents(z, y), Latents(z, y.flip(0))) == [True] * 3


def test_the_unconditional_form_has_no_embedding_and_ignores_labels(make: Any) -> None:
    network = make("biggan_generator", 32).eval()
    assert network.embedding is None
    z, y = torch.randn(2, 8, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 1])
    assert torch.equal(network(Latents(z)), network(Latents(z, y)))


def test_other_normalizations_of_latents_may_stand_in_it_and_none_else(make: Any) -> None:
    network = make("biggan_generator", 32, normalization="self_modulated_batch", num_classes=3, embedding_dim=5)
    assert network.blocks[0].norm1.hidden.in_features == 2 + 5
    network(Latents(torch.randn(2, 8), torch.tensor([0, 1])))
    with pytest.raises(
        UserError, match=r"generator\.normalization is normalizations\.layer, which has no form that takes"
    ):
        make("biggan_generator", 32, normalization="layer")


def test_a_conditional_normalization_becomes_linear_in_embedding_and_latents_too(make: Any) -> None:
    network = make("biggan_generator", 32, normalization="conditional_batch", num_classes=3)
    assert type(network.blocks[0].norm1).__name__ == "linear_modulated_batch"
    assert type(network.last_norm).__name__ == "batch"


@pytest.mark.parametrize(("size", "needed"), [(32, 4), (128, 6)])
def test_fewer_latents_than_chunks_are_refused(size: int, needed: int, make: Any) -> None:
    expected = f"latent_dim = {needed - 1} cannot be cut into {needed} chunks.*set it to at least {needed}"
    with pytest.raises(UserError, match=expected):
        make("biggan_generator", size, width=1, latent_dim=needed - 1)


def test_an_empty_embedding_is_refused(make: Any) -> None:
    with pytest.raises(UserError, match="embedding_dim must be at least 1, not 0"):
        make("biggan_generator", 32, embedding_dim=0)


@pytest.mark.parametrize(
    ("size", "g", "d"),
    [
        (32, [4, 4, 4, 4], [2, 2, 2, 2]),
        (64, [16, 16, 8, 4, 2], [2, 4, 8, 16, 16]),
        (128, [16, 16, 8, 4, 2, 1], [1, 2, 4, 8, 16, 16]),
    ],
)
def test_widths_are_compare_gans_and_the_last_discriminator_block_keeps_4x4(
    size: int, g: list[int], d: list[int], make: Any
) -> None:
    blocks = make("biggan_generator", size, width=1).blocks
    assert [blocks[0].conv1.in_channels, *(block.conv1.out_channels for block in blocks)] == g
    discriminator = make("biggan_discriminator", size, width=1)
    assert [channels for channels, _, _ in discriminator.tap_shapes.values()] == d
    assert [height for _, height, _ in discriminator.tap_shapes.values()][-2:] == [4, 4]
    assert [block.conv1.out_channels for block in discriminator.blocks] == d
    assert discriminator.blocks[-1].shortcut is None
