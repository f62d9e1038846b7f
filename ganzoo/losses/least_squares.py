"""The loss of least-squares GANs. N: batch."""

from torch import Tensor

from ganzoo.errors import ParameterError
from ganzoo.losses.base import AdversarialLoss
from ganzoo.registry import register


@register("losses")
class least_squares(AdversarialLoss):
    """Let D pull logits towards one number for real images and another for fakes, and G pull its fakes to a third.

    Source: Mao et al., "Least Squares Generative Adversarial Networks", arXiv:1611.04076, section 3: D minimises
    E[(D(x) - b)^2] / 2 + E[(D(G(z)) - a)^2] / 2 and G minimises E[(D(G(z)) - c)^2] / 2. The defaults are the paper's
    0-1 code (a = 0, b = c = 1); a = -1, b = 1, c = 0 makes it the Pearson chi-squared divergence.
    Departure from compare_gan: that code takes the squares of probabilities, after a logistic function; here, as in the
    paper, D's output is used as it is.

    >>> real_N, fake_N = torch.tensor([1.0, 3.0]), torch.tensor([0.0, 2.0])
    >>> least_squares().d_loss(real_N, fake_N).item(), least_squares().g_loss(fake_N, None).item()
    (2.0, 0.5)

    Args:
        fake_target: the logit that D wants for fakes (the paper's a); below `real_target`.
        real_target: the logit that D wants for real images (the paper's b).
        generator_target: the logit that G wants for its fakes (the paper's c); above `fake_target`.
    """

    least_d_loss = 0.0

    def __init__(self, *, fake_target: float = 0.0, real_target: float = 1.0, generator_target: float = 1.0) -> None:
        if not fake_target < min(real_target, generator_target):
            raise ParameterError(
                "fake_target",
                f"must be less than {{real_target}} and {{generator_target}}, not {fake_target} beside "
                f"{real_target} and {generator_target}: a larger logit means more real",
            )
        self.fake_target, self.real_target, self.generator_target = fake_target, real_target, generator_target

    def d_loss(self, real_logits_N: Tensor, fake_logits_N: Tensor) -> Tensor:
        """Return half the sum of both mean squared distances from D's targets, a scalar of at least 0."""
        real, fake = (real_logits_N - self.real_target).square(), (fake_logits_N - self.fake_target).square()
        return 0.5 * (real.mean() + fake.mean())

    def g_loss(self, fake_logits_N: Tensor, real_logits_N: Tensor | None) -> Tensor:
        """Return half the mean squared distance of the fakes from G's target, a scalar of at least 0."""
        return 0.5 * (fake_logits_N - self.generator_target).square().mean()
