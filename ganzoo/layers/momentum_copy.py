"""A copy of a network that follows it slowly and is never trained."""

import copy
from typing import Generic, Self, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

N = TypeVar("N", bound=nn.Module)


class MomentumCopy(nn.Module, Generic[N]):
    """The moving average of a network's weights, as the key encoder of He et al., arXiv:1911.05722.

    Its weights are buffers, so that they are saved, and no optimizer, gradient or count of parameters meets them. What
    is averaged is the weight in use: where the network divides it by its largest singular value, the quotient. The copy
    therefore has no spectral norm of its own, whose iterations would have to keep up with it. (torch's `AveragedModel`
    averages the weight before the division, and keeps it as a parameter.) Buffers of the network, such as running
    statistics, are taken over as they are; the copy stays in evaluation mode.

    Args:
        network: left as it was found.
    """

    def __init__(self, network: N) -> None:
        super().__init__()
        self.network = copy.deepcopy(network)
        self._averaged: set[tuple[str, str]] = set()
        for module in [m for m in self.network.modules() if parametrize.is_parametrized(m)]:
            _leave_weights_in_use(module)
        for path, module in self.network.named_modules():
            for name, parameter in list(module.named_parameters(recurse=False)):
                delattr(module, name)
                module.register_buffer(name, parameter.detach().clone())
                self._averaged.add((path, name))
        self.train(False)

    def train(self, mode: bool = True) -> Self:
        """Stay in evaluation mode."""
        return super().train(False)

    @torch.no_grad()
    def update(self, network: N, *, momentum: float) -> None:
        """Move each weight by 1 - momentum of the way to the network's.

        Args:
            network: which was copied.
            momentum: in [0, 1).
        """
        for path, module in self.network.named_modules():
            source = network.get_submodule(path)
            for name, kept in module.named_buffers(recurse=False):
                value = getattr(source, name)
                assert isinstance(value, Tensor)
                if (path, name) in self._averaged:
                    kept.lerp_(value, 1 - momentum)
                else:
                    kept.copy_(value)


@torch.no_grad()
def _leave_weights_in_use(module: nn.Module) -> None:
    """Give a layer the weights that its parametrizations compute, in the parametrizations' place.

    torch's `remove_parametrizations` deletes a property of the layer's class, which a copied layer shares with its
    original.
    """
    assert isinstance(module.parametrizations, nn.ModuleDict)
    weights = {name: getattr(module, name).clone() for name in module.parametrizations}
    plain_class = parametrize.type_before_parametrizations(module)
    del module.parametrizations
    module.__class__ = plain_class
    for name, weight in weights.items():
        module.register_parameter(name, nn.Parameter(weight))
