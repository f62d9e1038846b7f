"""What the checks of conditionings say of broken ones."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ganzoo import registry
from ganzoo.testing import ContractError, check_component, temporary_plugins


@pytest.fixture(autouse=True)
def _forget_plugins() -> Iterator[None]:
    with temporary_plugins():
        yield


CONDITIONING = '''
from ganzoo.conditioning.base import Conditioning
from ganzoo.conditioning.projection import ProjectionHead
from ganzoo.registry import register

@register("conditioning")
class NAME(Conditioning):
    """A conditioning.

    Source: this test.
    """

    def discriminator_head(self, feature_dim, layers):
        return ProjectionHead(self.num_classes, feature_dim, layers)

    def without_labels(self, part, *, image_shape, latent_dim):
        return part(image_shape=image_shape, latent_dim=latent_dim, conditioning=None)

    BODY
'''


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [
        ("sound", "", None),
        ("deaf_to_d", "build_discriminator = without_labels", "build_discriminator: labels do not change its logits"),
        ("deaf_to_g", "build_generator = without_labels", "build_generator: labels do not change its images"),
        ("headless", "discriminator_head = None", "networks .* raises TypeError"),
    ],
)
def test_a_broken_conditioning_is_told_what_is_wrong(name: str, body: str, said: str | None, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.py"
    path.write_text(CONDITIONING.replace("NAME", name).replace("BODY", body))
    registry.load_file(path)
    if said is None:
        check_component(f"conditioning.{name}")
        return
    with pytest.raises(ContractError, match=said):
        check_component(f"conditioning.{name}")
