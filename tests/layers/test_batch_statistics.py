"""Statistics outside training: which are used, and that the running ones stay."""

import torch
from torch import nn

from ganzoo.layers.batch_statistics import evaluation_mode, frozen_batch_statistics, with_standing_statistics


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


def test_standing_statistics_are_the_plain_means_over_the_batches_of_the_copy_and_the_network_stays() -> None:
    layer = nn.BatchNorm2d(2)
    layer(torch.randn(8, 2, 4, 4) + 9)
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    batches = [torch.randn(8, 2, 4, 4) * (i + 1) + i for i in range(3)]

    def forward(copy: nn.BatchNorm2d) -> None:
        for batch in batches:
            copy(batch)

    copy = with_standing_statistics(layer, forward)
    assert copy.running_mean is not None
    assert copy.running_var is not None
    assert torch.allclose(copy.running_mean, torch.stack([b.mean((0, 2, 3)) for b in batches]).mean(0), atol=1e-6)
    assert torch.allclose(copy.running_var, torch.stack([b.var((0, 2, 3)) for b in batches]).mean(0), rtol=1e-5)
    assert not copy.training
    assert layer.training
    assert layer.momentum == 0.1
    assert all(torch.equal(value, before[name]) for name, value in layer.state_dict().items())


def test_evaluation_by_the_batch_normalises_by_it_and_leaves_modes_and_statistics() -> None:
    network = nn.Sequential(nn.Dropout(0.5), nn.BatchNorm2d(2), nn.BatchNorm2d(2).eval())
    before = {name: value.clone() for name, value in network.state_dict().items()}
    x = torch.randn(8, 2, 4, 4) * 3 + 1
    with evaluation_mode(network, uses_batch=True):
        out = network(x)
        assert not network[0].training
    assert torch.allclose(out.mean((0, 2, 3)), torch.zeros(2), atol=1e-6)
    assert [module.training for module in network] == [True, True, False]
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
