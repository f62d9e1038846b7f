"""Frozen statistics: the running ones stay, the batch's are still used."""

import torch
from torch import nn

from ganzoo.layers.batch_statistics import frozen_batch_statistics


def test_statistics_that_average_all_batches_equally_stay_as_well() -> None:
    layer = nn.BatchNorm2d(2, momentum=None)
    layer(torch.randn(8, 2, 4, 4))
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    with frozen_batch_statistics(layer):
        layer(torch.randn(8, 2, 4, 4) + 5)
    assert all(torch.equal(value, before[name]) for name, value in layer.state_dict().items())
    assert layer.momentum is None


def test_running_statistics_stay_while_the_batch_still_normalises() -> None:
    layer = nn.BatchNorm2d(2)
    layer(torch.randn(8, 2, 4, 4))
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    x = torch.randn(8, 2, 4, 4) * 3 + 1
    with frozen_batch_statistics(layer):
        out = layer(x)
    assert all(torch.equal(value, before[name]) for name, value in layer.state_dict().items())
    assert torch.allclose(out.mean((0, 2, 3)), torch.zeros(2), atol=1e-6)
    assert torch.allclose(out.var((0, 2, 3), unbiased=False), torch.ones(2), atol=1e-4)
    layer(x)
    assert layer.num_batches_tracked == 2
    assert torch.allclose(layer.running_mean, 0.9 * before["running_mean"] + 0.1 * x.mean((0, 2, 3)))
