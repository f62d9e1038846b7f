"""The projection head alone; its place in a discriminator is tested with the architectures."""

import pytest
import torch

from ganzoo.conditioning.projection import projection
from ganzoo.layers.factory import LayerFactory, orthogonal


def test_the_head_returns_inner_products_with_the_labels_rows() -> None:
    head = projection(num_classes=3).discriminator_head(2, LayerFactory(spectral_norm=False))
    head.embedding.weight.data = torch.tensor([[1.0, 0.0], [0.0, 2.0], [3.0, -1.0]])  # type: ignore[union-attr]
    features = torch.tensor([[5.0, 7.0], [5.0, 7.0], [1.0, 1.0]])
    assert head(features, torch.tensor([0, 2, 1])).tolist() == [5.0, 8.0, 2.0]


def test_the_head_is_one_table_of_classes_by_features() -> None:
    head = projection(num_classes=10).discriminator_head(128, LayerFactory(spectral_norm=True))
    assert [tuple(p.shape) for p in head.parameters()] == [(10, 128)]


def test_a_generators_shared_embedding_is_one_plain_table_under_the_factorys_initialisation() -> None:
    layers = LayerFactory(spectral_norm=True, initializer=orthogonal)
    embedding = projection(num_classes=4).generator_embedding(6, layers)
    assert [tuple(p.shape) for p in embedding.parameters()] == [(4, 6)]
    rows = embedding(torch.arange(4))
    assert torch.allclose(rows @ rows.T, torch.eye(4), atol=1e-6)


@pytest.mark.parametrize("spectral_norm", [True, False])
def test_the_head_is_spectrally_normalised_iff_the_discriminator_is(spectral_norm: bool) -> None:
    torch.manual_seed(0)
    head = projection(num_classes=4).discriminator_head(6, LayerFactory(spectral_norm=spectral_norm))
    largest = torch.linalg.matrix_norm(head.embedding.weight, ord=2).item()  # type: ignore[union-attr, arg-type]
    assert (largest == pytest.approx(1, abs=0.05)) == spectral_norm


def test_the_features_gradient_is_the_labels_row() -> None:
    head = projection(num_classes=3).discriminator_head(4, LayerFactory(spectral_norm=False))
    features = torch.rand(2, 4, requires_grad=True)
    head(features, torch.tensor([2, 0])).sum().backward()
    assert torch.equal(features.grad, head.embedding.weight[[2, 0]])  # type: ignore[union-attr, index, arg-type]
