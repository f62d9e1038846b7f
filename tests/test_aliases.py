"""A common name of the literature leads to ours, and is not accepted in its place."""

import re

import pytest

from ganzoo import registry
from ganzoo.aliases import ALIASES
from ganzoo.errors import UserError


def test_every_alias_names_components_that_exist_and_is_no_component_itself() -> None:
    known = registry.index()
    for alias, meaning in ALIASES.items():
        components = re.findall(r"\w+\.\w+", meaning)
        assert components
        assert set(components) <= set(known), alias
        assert alias not in {name.rpartition(".")[2].replace("_", "") for name in known}


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("metrics.fid", "metrics.frechet_distance with features.inception"),
        ("metrics.FID", "metrics.frechet_distance with features.inception"),
        ("metrics.kid", "metrics.kernel_distance with features.inception"),
        ("metrics.is", "metrics.inception_score"),
        ("metrics.prdc", "metrics.precision_recall and metrics.density_coverage"),
        ("ssgan", "pretext.rotation, as in the recipe ssgan_resnet"),
        ("pretext.ss_gan", "pretext.rotation, as in the recipe ssgan_resnet"),
    ],
)
def test_a_common_name_is_refused_and_led_to_ours(name: str, meant: str) -> None:
    with pytest.raises(UserError) as error:
        registry.get(name, where="x.gin:3")
    assert str(error.value) == f"x.gin:3: no component '{name}'; ganzoo has it as {meant}"
