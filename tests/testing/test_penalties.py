"""What the checks of penalties say of broken ones."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ganzoo import registry
from ganzoo.testing import ContractError, check_component, temporary_plugins


@pytest.fixture(autouse=True)
def _forget_plugins() -> Iterator[None]:
    with temporary_plugins():
        yield


PENALTY = '''
import torch
from ganzoo.penalties.base import Penalty
from ganzoo.registry import register

@register("penalties")
class NAME(Penalty):
    """A penalty.

    Source: this test.
    """

    def __init__(self) -> None:
        super().__init__()
        self.pull = 0.0

    def forward(self, discriminator, real, fake, *, rng):
        return (discriminator.linear.bias - self.pull).square().sum()

    def num_d_images(self, batch_size):
        return 0

    BODY
'''


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [
        ("sound", "", None),
        ("boasting", "def after_d_step(self, discriminator, real, fake): return 5", "it says 5 images and the discrim"),
        (
            "meddling",
            "def after_d_step(self, discriminator, real, fake):\n"
            "        discriminator.linear.bias.data += 1\n        return 0",
            "after_d_step: it changes the discriminator's weights",
        ),
        (
            "forgetful",
            "def after_d_step(self, discriminator, real, fake):\n        self.pull += 1.0\n        return 0",
            "loaded from its state_dict, it goes on differently",
        ),
        ("aloof", "def g_penalty(self, generator): return torch.zeros(())", "no gradient flows to the generator"),
        ("shapeless", "def g_penalty(self, generator): return generator.linear.bias", "return a scalar"),
    ],
)
def test_a_broken_penalty_is_told_what_is_wrong(name: str, body: str, said: str | None, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.py"
    path.write_text(PENALTY.replace("NAME", name).replace("BODY", body))
    registry.load_file(path)
    if said is None:
        check_component(f"penalties.{name}")
        return
    with pytest.raises(ContractError, match=said):
        check_component(f"penalties.{name}")
