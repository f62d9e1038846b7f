"""The contract of a remedy against forgetting, for a network trained on one task after another. N: batch.

A step calls three methods of a remedy, in this order:

1. `mix` returns the batch to train on: the fresh examples, and earlier ones if it adds any.
2. `terms` returns named, weighted summands of the loss that depend on the network alone.
3. `after_step` does what follows an update, such as keeping the fresh examples.

At the end of a task, `after_task` is called. State that must survive a restart is kept in buffers.
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
    """Images with their targets.

    Args:
        batch: the images.
        is_positive_N: bool (N,); whether the logit is to be above 0. In a discriminator's step: whether the image is
            real.
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
    """Whether each logit must depend on one image alone. It does not in a network that normalises over the batch; such
    pairs are refused."""

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
        """Return the losses, scalars each, that the network minimises in addition."""
        return ()

    def after_step(self, fresh: Examples, *, rng: torch.Generator) -> None:
        """Act after the update on `fresh`."""

    def after_task(self, network: Discriminator, examples: Examples) -> None:
        """Act at the end of a task.

        Args:
            network: as the task left it; its weights, buffers and gradients are to stay as they are.
            examples: `num_task_examples` of the ended task.
        """
