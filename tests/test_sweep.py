"""Every registered component keeps the contract of its kind."""

from typing import Any

import pytest
import torch

from ganzoo import registry
from ganzoo.component import Part, options_of
from ganzoo.features.base import FeatureExtractor
from ganzoo.testing import check_component

BUILT_IN = [name for name, listing in registry.index().items() if listing.origin == "ganzoo"]


class ToyFeatures(FeatureExtractor):
    """Stands for an extractor where a metric needs one; the check supplies the features themselves."""

    label, feature_dim, num_classes = "toy", 8, 5

    def __init__(self, *, device: torch.device | None = None) -> None:
        self.device = device


# Values of options that have no default, and small ones of those that make a component slow; by the option's name.
SMALL: dict[str, Any] = {
    "width": 4,
    "normalization": registry.part("normalizations.batch"),
    "features": Part("features.toy", ToyFeatures),
    "num_fake": 64,
    "subset_size": 32,
    "num_subsets": 4,
    "path": "no-such-folder",
    "size": 16,
    "consolidate_every": 1,
    "dataset": registry.part("data.synthetic"),
}


@pytest.mark.parametrize("name", BUILT_IN)
def test_component_keeps_its_contract(name: str) -> None:
    options = options_of(registry.get(name))
    check_component(name, **{option: value for option, value in SMALL.items() if option in options})
