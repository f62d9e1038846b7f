"""The exponential moving average of a generator."""

import copy

import torch
from torch import Tensor, nn

from ganzoo.architectures.base import Generator
from ganzoo.layers.batch_statistics import running_statistics


class MovingAverage(nn.Module):
    """An average of a generator's weights and of the running statistics of its batch normalization.

    Both are averaged alike, as in BigGAN-PyTorch and in StudioGAN: the statistics of the newest weights do not fit
    averaged weights. Other buffers, such as the directions of spectral norm, are copied.

    Args:
        generator: what is averaged.
        decay: share of the average that an update keeps.
        start: updates until which the average is a copy; the first update always copies.
    """

    def __init__(self, generator: Generator, *, decay: float, start: int = 0) -> None:
        super().__init__()
        self.module = copy.deepcopy(generator).requires_grad_(False)
        self.decay, self.start = decay, max(start, 1)
        self.averaged = {name for name, _ in generator.named_parameters()} | running_statistics(generator)

    @torch.no_grad()
    def update(self, generator: Generator, *, step: int) -> None:
        """Move the average towards the generator as it is.

        Args:
            generator: after its update.
            step: updates before that one.
        """
        own, newest = self.module.state_dict(), generator.state_dict()
        averaged = self.averaged if step >= self.start else set()
        for name in own.keys() - averaged:
            own[name].copy_(newest[name])
        if averaged:
            torch._foreach_lerp_([own[n] for n in averaged], [newest[n] for n in averaged], 1 - self.decay)

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *arguments: object) -> None:
        # Checkpoints of earlier versions also hold a count of updates.
        state_dict.pop(f"{prefix}n_averaged", None)
        super()._load_from_state_dict(state_dict, prefix, *arguments)
