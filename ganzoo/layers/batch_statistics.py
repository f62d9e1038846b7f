"""Running statistics of batch normalization, and how to leave them alone."""

import contextlib
from collections.abc import Iterator

from torch import nn
from torch.nn.modules.batchnorm import _NormBase


@contextlib.contextmanager
def frozen_batch_statistics(network: nn.Module) -> Iterator[None]:
    """Keep the running statistics of every batch normalization in the body, while still normalising by the batch."""
    layers = [m for m in network.modules() if isinstance(m, _NormBase)]
    momenta = [m.momentum for m in layers]
    counters = [m.num_batches_tracked for m in layers]
    for layer in layers:
        layer.momentum, layer.num_batches_tracked = 0.0, None
    try:
        yield
    finally:
        for layer, momentum, counter in zip(layers, momenta, counters, strict=True):
            layer.momentum, layer.num_batches_tracked = momentum, counter
