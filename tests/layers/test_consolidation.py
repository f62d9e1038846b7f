"""Fisher information and quadratic penalties of networks for which both can be written down."""

import torch
from torch import Tensor, nn

from ganzoo.batch import ImageBatch
from ganzoo.layers.consolidation import QuadraticPenalty, fisher_diagonal, parameter_shapes
from ganzoo.layers.factory import LayerFactory


class Logistic(nn.Module):
    """logit(x) = <w, x> + b, plus the label if there is one."""

    def __init__(self) -> None:
        super().__init__()
        self.w, self.b = nn.Parameter(torch.tensor([0.5, -2.0, 1.0, 3.0])), nn.Parameter(torch.tensor(0.3))

    def logit(self, images: ImageBatch) -> Tensor:
        logits_N = images.images_NCHW.flatten(1) @ self.w + self.b
        return logits_N if images.labels_N is None else logits_N + images.labels_N


def rng(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_fisher_information_of_logistic_regression_is_the_analytic_one() -> None:
    network = Logistic()
    for labels_N in (None, torch.arange(32) % 3):
        images = ImageBatch(torch.rand(32, 1, 2, 2, generator=rng(1)) * 2 - 1, labels_N)
        found = fisher_diagonal(network, network.logit, images)
        p_N = torch.sigmoid(network.logit(images)).detach()
        variance_N = p_N * (1 - p_N)
        squares_NF = images.images_NCHW.flatten(1).square()
        torch.testing.assert_close(found["w"], (variance_N[:, None] * squares_NF).mean(0))
        torch.testing.assert_close(found["b"], variance_N.mean())
        assert network.w.grad is None


def test_the_penalty_is_the_sum_of_the_quadratics_each_decayed_as_often_as_asked() -> None:
    network, sets = Logistic(), []
    penalty = QuadraticPenalty(parameter_shapes(network))
    assert float(penalty.value(network).detach()) == 0.0
    for t in range(3):
        penalty.decay(0.5)
        sets = [(f * 0.5, w) for f, w in sets]
        with torch.no_grad():
            network.w.copy_(torch.randn(4, generator=rng(t)))
        fisher = torch.rand(4, generator=rng(10 + t))
        penalty.add(network, {"w": fisher, "b": torch.zeros(())})
        sets.append((fisher, network.w.detach().clone()))
    network.w.data = torch.tensor([1.0, -1.0, 0.5, 2.0])
    expected = torch.stack([(f * (network.w - w).square()).sum() / 2 for f, w in sets]).sum()
    torch.testing.assert_close(penalty.value(network), expected)
    torch.testing.assert_close(
        torch.autograd.grad(penalty.value(network), network.w), torch.autograd.grad(expected, network.w)
    )


def test_under_spectral_norm_the_weights_before_the_division_are_held() -> None:
    torch.manual_seed(0)
    layer = LayerFactory(spectral_norm=True).linear(3, 2)
    assert set(parameter_shapes(layer)) == {"bias", "parametrizations.weight.original"}
    penalty = QuadraticPenalty(parameter_shapes(layer))
    penalty.add(layer, {name: torch.ones(shape) for name, shape in parameter_shapes(layer).items()})
    with torch.no_grad():
        layer.parametrizations.weight.original.add_(2.0)  # type: ignore[union-attr, operator]
    torch.testing.assert_close(penalty.value(layer), torch.tensor(6 * 4.0 / 2))
