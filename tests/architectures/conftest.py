"""Small networks of every family, built as a recipe builds them."""

from collections.abc import Callable

import pytest

from ganzoo import registry
from ganzoo.architectures.base import Network
from ganzoo.conditioning.base import Conditioning
from ganzoo.randomness import initialization

Make = Callable[..., Network]


@pytest.fixture
def make() -> Make:
    """Return a function that builds `architectures.<name>` from seed 0."""

    def build(
        name: str,
        size: int,
        *,
        width: int = 4,
        normalization: str = "batch",
        channels: int = 3,
        latent_dim: int = 8,
        num_classes: int = 0,
        **arguments: object,
    ) -> Network:
        norm = registry.part(f"normalizations.{normalization}")
        part = registry.part(f"architectures.{name}", width=width, normalization=norm, **arguments)
        conditioning = None
        if num_classes:
            conditioning = registry.part("conditioning.projection")(num_classes=num_classes)
            assert isinstance(conditioning, Conditioning)
        with initialization(0, name):
            network = part(image_shape=(channels, size, size), latent_dim=latent_dim, conditioning=conditioning)
        assert isinstance(network, Network)
        return network

    return build
