"""Fisher information and penalty of networks for which both can be written down."""

from collections.abc import Collection

import pytest
import torch
from torch import Tensor, nn

from ganzoo.architectures.base import Discriminator, DiscriminatorOutput
from ganzoo.batch import ImageBatch
from ganzoo.layers.consolidation import parameter_shapes
from ganzoo.remedies.base import Examples
from ganzoo.remedies.elastic_weight_consolidation import elastic_weight_consolidation

SHAPE = (1, 2, 2)


class Logistic(Discriminator):
    """logit(x) = <w, x> + b."""

    uses_batch_statistics = False

    def __init__(self, w: Tensor, b: float) -> None:
        super().__init__()
        self.w, self.b = nn.Parameter(w.clone()), nn.Parameter(torch.tensor(b))

    def forward(
        self, images_NCHW: Tensor, labels_N: Tensor | None = None, *, taps: Collection[str] = ()
    ) -> DiscriminatorOutput:
        features_NF = images_NCHW.flatten(1)
        return DiscriminatorOutput(features_NF @ self.w + self.b, features_NF)


def rng(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def examples(num: int, seed: int) -> Examples:
    images_NCHW = torch.rand(num, *SHAPE, generator=rng(seed)) * 2 - 1
    return Examples(ImageBatch(images_NCHW), torch.arange(num) % 2 == 0)


def analytic(network: Logistic, images_NCHW: Tensor) -> tuple[Tensor, Tensor]:
    """Return E[p (1 - p) x^2] and E[p (1 - p)]: the Fisher information of logistic regression."""
    x_NF = images_NCHW.flatten(1)
    p_N = torch.sigmoid(x_NF @ network.w + network.b).detach()
    variance_N = p_N * (1 - p_N)
    return (variance_N[:, None] * x_NF.square()).mean(0), variance_N.mean()


def test_the_penalty_of_three_tasks_is_the_sum_of_three_quadratics_and_so_is_its_gradient() -> None:
    network = Logistic(torch.zeros(4), 0.0)
    remedy = elastic_weight_consolidation(strength=7.0, num_fisher_images=8, parameter_shapes=parameter_shapes(network))
    ended = []
    for task in range(3):
        with torch.no_grad():
            network.w.copy_(torch.randn(4, generator=rng(task)))
            network.b.copy_(torch.randn((), generator=rng(10 + task)))
        seen = examples(8, 20 + task)
        w, b = analytic(network, seen.batch.images_NCHW)
        ended.append((w, b, network.w.detach().clone(), network.b.detach().clone()))
        remedy.after_task(network, seen)
    with torch.no_grad():
        network.w.copy_(torch.tensor([1.0, -1.0, 0.5, 2.0]))
        network.b.fill_(-0.7)

    (term,) = remedy.terms(network)
    expected = sum(
        7.0 / 2 * ((f_w * (network.w - w).square()).sum() + f_b * (network.b - b).square()) for f_w, f_b, w, b in ended
    )
    torch.testing.assert_close(term.weight * term.value, expected)
    found = torch.autograd.grad(term.weight * term.value, [network.w, network.b])
    wanted = torch.autograd.grad(expected, [network.w, network.b])
    torch.testing.assert_close(found, wanted)


def test_before_any_task_ended_there_is_no_penalty_and_at_its_end_none_for_one_task() -> None:
    network = Logistic(torch.ones(4), 0.0)
    remedy = elastic_weight_consolidation(num_fisher_images=8, parameter_shapes=parameter_shapes(network))
    assert float(remedy.terms(network)[0].value.detach()) == 0.0
    remedy.after_task(network, examples(8, 1))
    assert float(remedy.terms(network)[0].value.detach()) == 0.0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [({"strength": 0.0}, "strength must be greater than 0"), ({"num_fisher_images": 0}, "at least 1")],
)
def test_a_setting_without_meaning_is_refused(arguments: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        elastic_weight_consolidation(parameter_shapes={}, **arguments)
