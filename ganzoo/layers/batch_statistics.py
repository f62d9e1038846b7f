"""Which statistics batch normalization uses outside training, and how to leave its running ones unchanged."""

import contextlib
import copy
from collections.abc import Callable, Iterator
from typing import Literal, TypeVar

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase

BatchNormStatistics = Literal["running", "standing", "batch"]
"""`running`: averages from training. `standing`: averages over fresh batches of the finished network (BigGAN,
arXiv:1809.11096). `batch`: statistics of each batch, so that an image depends on its neighbours."""

N = TypeVar("N", bound=nn.Module)


def _batch_norms(network: nn.Module) -> list[_NormBase]:
    return [m for m in network.modules() if isinstance(m, _NormBase)]


def running_statistics(network: nn.Module) -> set[str]:
    """Return the names of the buffers that hold running means and variances of batch normalization."""
    return {
        f"{name}.{statistic}" if name else statistic
        for name, module in network.named_modules()
        if isinstance(module, _NormBase) and module.track_running_stats
        for statistic in ("running_mean", "running_var")
    }


@contextlib.contextmanager
def frozen_batch_statistics(network: nn.Module) -> Iterator[None]:
    """Keep the running statistics of every batch normalization in the body, while still normalising by the batch."""
    layers = _batch_norms(network)
    momenta = [m.momentum for m in layers]
    counters = [m.num_batches_tracked for m in layers]
    for layer in layers:
        layer.momentum, layer.num_batches_tracked = 0.0, None
    try:
        yield
    finally:
        for layer, momentum, counter in zip(layers, momenta, counters, strict=True):
            layer.momentum, layer.num_batches_tracked = momentum, counter


@contextlib.contextmanager
def evaluation_mode(network: nn.Module, *, uses_batch: bool = False) -> Iterator[None]:
    """Put a network into evaluation mode for the body, and every module of it back into its own mode after.

    Args:
        network: which it is.
        uses_batch: whether batch normalization uses the statistics of the batch; the running ones stay untouched.
    """
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        with frozen_batch_statistics(network) if uses_batch else contextlib.nullcontext():
            for layer in _batch_norms(network) if uses_batch else ():
                layer.train()
            yield
    finally:
        for module, training in modes:
            module.training = training


def with_standing_statistics(network: N, forward: Callable[[N], object]) -> N:
    """Return a copy of a network whose running statistics are the plain averages over some forward passes.

    Args:
        network: left as it was found.
        forward: passes batches through the copy it is given.
    """
    renewed = copy.deepcopy(network).eval()
    for layer in _batch_norms(renewed):
        layer.reset_running_stats()
        layer.momentum = None  # torch's sign for the plain average
        layer.train()
    with torch.no_grad():
        forward(renewed)
    return renewed.eval()
