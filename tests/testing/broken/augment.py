"""Augmentations with reports that each break one rule; `said` is what the check must say of it."""

from typing import ClassVar

import torch

from ganzoo.augment.base import Augment
from ganzoo.registry import register


def broken(kind):
    """Register a class with the docstring that every component has."""

    def decorate(component):
        component.__doc__ = "Break one rule.\n\nSource: this test."
        return register(kind)(component)

    return decorate


@broken("augment")
class reporting_a_row(Augment):
    said: ClassVar = "reports: 'p' is no detached scalar; call .detach() and take a mean"

    def forward(self, images_NCHW, *, rng):
        return images_NCHW

    def reports(self):
        return {"p": torch.zeros(3)}
