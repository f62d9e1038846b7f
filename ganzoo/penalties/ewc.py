"""Elastic weight consolidation of the discriminator. N: batch."""

from collections.abc import Mapping

import torch
from torch import Tensor

from ganzoo.architectures.base import Discriminator
from ganzoo.batch import ImageBatch
from ganzoo.errors import ParameterError, check_at_least, check_not_negative
from ganzoo.layers.consolidation import QuadraticPenalty
from ganzoo.penalties.base import Penalty
from ganzoo.registry import register


@register("penalties")
class ewc(Penalty):
    """Keep D's weights near those that told earlier fakes from real images, each by how much it mattered.

    For D, training is a sequence of tasks: to tell real images from the fakes of the current G. Here a task lasts
    `consolidate_every` updates of D. At its end D's weights w_t and the diagonal F_t of its Fisher information
    are kept, and from then on D pays weight / 2 * sum_t decay^(tasks since t) * sum_i F_ti (w_i - w_ti)^2.

    Source: Kirkpatrick et al., arXiv:1612.00796, equation 3. That D forgets earlier fakes, and EWC against it: Liang et
    al., "Generative Adversarial Network Training is a Continual Learning Problem", arXiv:1811.11083; the generated
    distributions as tasks also in Thanh-Tung & Tran, arXiv:1807.04015. (Seff et al., arXiv:1705.08395, consolidate G
    over data sets that follow each other.)
    Departures: all are choices of this project. The Fisher information is that of D as a logistic classifier of real
    against fake whatever the adversarial loss, with its targets drawn from D itself (see
    `remedies.elastic_weight_consolidation`); it is a mean over images of the task's last batch; the length of a task,
    the decay and every default. Weights are D's trained parameters, under spectral norm those before the division;
    heads of tasks are free.

    >>> layer, images = torch.nn.Linear(2, 2), ImageBatch(torch.zeros(4, 3, 16, 16))
    >>> penalty = ewc(parameter_shapes={"weight": layer.weight.shape, "bias": layer.bias.shape})
    >>> penalty(layer, images, images, rng=torch.Generator()).item()  # no task has ended
    0.0

    Args:
        weight: factor of the penalty (the papers' lambda).
        consolidate_every: updates of D in a task.
        num_fisher_images: images over which the Fisher information is averaged, half of them real; at most the batches.
        decay: factor of what earlier tasks hold, each time that a task ends; 1 lets none fade.
    """

    sees_images = False
    needs_independent_logits = True

    def __init__(
        self,
        *,
        weight: float = 100.0,
        consolidate_every: int = 500,
        num_fisher_images: int = 64,
        decay: float = 0.9,
        parameter_shapes: Mapping[str, torch.Size],
    ) -> None:
        super().__init__()
        check_not_negative(weight=weight)
        check_at_least(1, consolidate_every=consolidate_every)
        if num_fisher_images < 2 or num_fisher_images % 2:
            raise ParameterError(
                "num_fisher_images", f"must be even and at least 2, not {num_fisher_images}: half of them are real"
            )
        if not 0 <= decay <= 1:
            raise ParameterError("decay", f"must lie in [0, 1], not {decay}")
        self.weight, self.consolidate_every, self.decay = weight, consolidate_every, decay
        self.num_images_each = num_fisher_images // 2
        self.quadratic = QuadraticPenalty(parameter_shapes)
        self.num_updates = 0

    def forward(
        self, discriminator: Discriminator, real: ImageBatch, fake: ImageBatch, *, rng: torch.Generator
    ) -> Tensor:
        """Return the weighted quadratic penalty, 0 in the first task; no image plays a part."""
        return self.weight * self.quadratic.value(discriminator)

    def after_d_step(self, discriminator: Discriminator, real: ImageBatch, fake: ImageBatch) -> int:
        """End a task if it is time, on the images of the update."""
        self.num_updates += 1
        if self.num_updates % self.consolidate_every:
            return 0
        self.quadratic.decay(self.decay)
        return self.quadratic.end_task(discriminator, [real[: self.num_images_each], fake[: self.num_images_each]])

    def get_extra_state(self) -> Tensor:
        """Return what is saved besides the quadratic: how many updates there were."""
        return torch.tensor(self.num_updates)

    def set_extra_state(self, state: Tensor) -> None:
        """Restore it."""
        self.num_updates = int(state)
