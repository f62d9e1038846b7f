"""The contract of a remedy against forgetting, for a network trained on one task after another. N: batch.

A step asks a remedy three things, in this order:

1. `mix`: the batch to train on, made from the fresh one; earlier examples may join it.
2. `terms`: named, weighted summands of the loss that depend on the network alone.
3. `after_step`: anything that follows an update, such as remembering the fresh examples.

At the end of a task follows `after_task`. State that must survive a restart is kept in buffers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from ganzoo.architectures.base import Discriminator
from ganzoo.batch import ImageBatch
from ganzoo.component import Component
from ganzoo.pretext.base import LossTerm


@dataclass(frozen=True)
class Examples:
    """Images with what the network shall say of each.

    Args:
        batch: the images.
        is_positive_N: bool; whether the logit shall be above 0. In a discriminator's step: whether the image is real.
    """

    batch: ImageBatch
    is_positive_N: Tensor

    def __len__(self) -> int:
        return len(self.batch)

    def __getitem__(self, rows: slice) -> "Examples":
        return Examples(self.batch[rows], self.is_positive_N[rows])


class Remedy(Component, nn.Module):
    """A remedy against forgetting.

    The runtime arguments are `image_shape` (C, H, W), `parameter_shapes` (of the network's trained parameters, by
    name) and `batch_size` (fresh examples of a step); a remedy names those it needs in its constructor.
    """

    kind = "remedies"
    runtime_args = frozenset({"image_shape", "parameter_shapes", "batch_size"})

    needs_independent_logits: ClassVar[bool] = False
    """Whether it looks at one image's logit alone, which means nothing in a network that normalises over the batch.
    Such pairs are refused."""

    num_task_examples: int = 0
    """Examples of the ended task that `after_task` wants to see."""

    def mix(self, fresh: Examples, *, rng: torch.Generator) -> Examples:
        """Return the examples to train on: the fresh ones, and behind them any others.

        Args:
            fresh: the step's own examples, with positive and negative ones among them.
            rng: a CPU generator of the remedy's own.
        """
        return fresh

    def terms(self, network: Discriminator) -> Sequence[LossTerm]:
        """Return what the network shall minimise in addition."""
        return ()

    def after_step(self, fresh: Examples, *, rng: torch.Generator) -> None:
        """Act after the update on `fresh`."""

    def after_task(self, network: Discriminator, examples: Examples) -> None:
        """Act at the end of a task.

        Args:
            network: as the task left it; its weights, buffers and gradients are to stay as they are.
            examples: `num_task_examples` of the ended task.
        """
