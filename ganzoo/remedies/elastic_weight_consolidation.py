"""Elastic weight consolidation of a network that learns one task after another. N: batch."""

from collections.abc import Mapping, Sequence

import torch

from ganzoo.architectures.base import Discriminator
from ganzoo.errors import check_at_least, check_positive
from ganzoo.layers.consolidation import QuadraticPenalty
from ganzoo.pretext.base import LossTerm
from ganzoo.registry import register
from ganzoo.remedies.base import Examples, Remedy


@register("remedies")
class elastic_weight_consolidation(Remedy):
    """Penalise moving away from the weights at the end of earlier tasks, each weight by its Fisher information (EWC).

    Source: Kirkpatrick et al., "Overcoming catastrophic forgetting in neural networks", arXiv:1612.00796, equation 3:
    the sum over ended tasks t of strength / 2 * sum_i F_ti (w_i - w_ti)^2, w_t the weights at the end of task t, F_t
    the diagonal of the Fisher information there.

    The Fisher information is that of the network as a logistic classifier, its targets drawn from its own
    probability p: F_i = E[p (1 - p) (d logit / d w_i)^2], the expectation over targets taken exactly, over images by a
    mean over `num_fisher_images`. Weights are the trained parameters; under spectral norm, those before the division.
    The sum of the tasks' penalties is kept as the one quadratic that equals it, so that memory does not grow.

    >>> network = torch.nn.Linear(2, 2)
    >>> shapes = {"weight": network.weight.shape, "bias": network.bias.shape}
    >>> remedy = elastic_weight_consolidation(parameter_shapes=shapes)
    >>> [term.value.item() for term in remedy.terms(network)]  # no task has ended
    [0.0]

    Args:
        strength: of the penalty.
        num_fisher_images: images of an ended task over which its Fisher information is averaged.
    """

    needs_independent_logits = True

    def __init__(
        self,
        *,
        strength: float = 400.0,
        num_fisher_images: int = 256,
        parameter_shapes: Mapping[str, torch.Size],
    ) -> None:
        super().__init__()
        check_positive(strength=strength)
        check_at_least(1, num_fisher_images=num_fisher_images)
        self.strength, self.num_task_examples = strength, num_fisher_images
        self.quadratic = QuadraticPenalty(parameter_shapes)

    def terms(self, network: Discriminator) -> Sequence[LossTerm]:
        """Return half the sum of all ended tasks' weighted squared distances, weighted by the strength."""
        return [LossTerm("consolidation", self.quadratic.value(network), self.strength)]

    def after_task(self, network: Discriminator, examples: Examples) -> None:
        """Add the quadratic of the task that ended."""
        self.quadratic.end_task(network, [examples.batch])
