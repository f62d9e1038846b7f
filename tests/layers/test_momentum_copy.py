"""A slow copy against the average written out, with and without parametrizations."""

import copy

import pytest
import torch
from torch import nn

from ganzoo.layers.momentum_copy import MomentumCopy
from ganzoo.testing.toys import ToyDiscriminator


def images() -> torch.Tensor:
    return torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.mark.parametrize("spectral_norm", [False, True])
def test_it_begins_as_the_network_and_leaves_it_alone(spectral_norm: bool) -> None:
    network = ToyDiscriminator(spectral_norm=spectral_norm)
    before = copy.deepcopy(network.state_dict())
    slow = MomentumCopy(network)
    assert torch.equal(slow.network(images()).features_NF, network(images()).features_NF)
    assert network.state_dict().keys() == before.keys()
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_it_is_the_exponential_average_of_the_weights_in_use() -> None:
    network = ToyDiscriminator(spectral_norm=True)
    slow = MomentumCopy(network)
    expected = network.conv0.weight.detach().clone()
    for _ in range(3):
        with torch.no_grad():
            network.conv0.parametrizations.weight.original.mul_(1.5)  # type: ignore[union-attr, operator]
            network.conv0.bias.add_(1.0)  # type: ignore[union-attr]
        slow.update(network, momentum=0.9)
        expected = 0.9 * expected + 0.1 * network.conv0.weight.detach()
    torch.testing.assert_close(slow.network.conv0.weight, expected)
    # The bias was 1, 2 and 3 at the updates.
    torch.testing.assert_close(slow.network.conv0.bias, torch.full((4,), 0.1 * (0.81 * 1 + 0.9 * 2 + 3)))


def test_running_statistics_are_taken_over_and_the_copy_stays_in_evaluation_mode() -> None:
    network = ToyDiscriminator(batch_norm=True, spectral_norm=False)
    slow = MomentumCopy(network)
    network(images())
    slow.update(network, momentum=0.9)
    assert isinstance(slow.network.normalize, nn.BatchNorm2d)
    assert isinstance(network.normalize, nn.BatchNorm2d)
    assert torch.equal(slow.network.normalize.running_mean, network.normalize.running_mean)  # type: ignore[arg-type]
    assert int(slow.network.normalize.num_batches_tracked) == 1  # type: ignore[arg-type]
    slow.train()
    assert not any(module.training for module in slow.modules())


def test_it_has_state_and_no_parameter() -> None:
    slow = MomentumCopy(ToyDiscriminator())
    assert list(slow.parameters()) == []
    assert "network.conv0.weight" in slow.state_dict()
    restored = MomentumCopy(ToyDiscriminator())
    restored.load_state_dict(slow.state_dict())
    assert torch.equal(restored.network(images()).logits_N, slow.network(images()).logits_N)
