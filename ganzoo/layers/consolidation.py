"""A quadratic penalty that keeps each weight near earlier values, by how much what was learned depends on it.

Source: Kirkpatrick et al., "Overcoming catastrophic forgetting in neural networks", arXiv:1612.00796, equation 3. N:
batch.
"""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from ganzoo.batch import ImageBatch


def trained_parameters(network: nn.Module) -> dict[str, nn.Parameter]:
    """Return a network's trained parameters, by name; under spectral norm, the weights before the division."""
    return {name: p for name, p in network.named_parameters() if p.requires_grad}


def parameter_shapes(network: nn.Module) -> dict[str, torch.Size]:
    """Return the shapes of a network's trained parameters, by name."""
    return {name: p.shape for name, p in trained_parameters(network).items()}


class QuadraticPenalty(nn.Module):
    """A sum of quadratics, one for each task that ended, kept as the one quadratic that equals it.

    Task t adds 1/2 * sum_i F_ti (w_i - w_ti)^2: w_t are the weights at its end, F_t the diagonal of the Fisher
    information there. Memory does not grow.

    Args:
        shapes: of the parameters, by name.
    """

    constant: Tensor

    def __init__(self, shapes: Mapping[str, torch.Size]) -> None:
        super().__init__()
        # The one quadratic 1/2 * (sum_i F_i (w_i - m_i)^2 + constant): F `fisher`, m `anchor`.
        self.fisher, self.anchor = _Buffers(shapes), _Buffers(shapes)
        self.register_buffer("constant", torch.zeros(()))

    def value(self, network: nn.Module) -> Tensor:
        """Return the penalty at the network's weights, a scalar of at least 0."""
        squares = [
            (self.fisher[name] * (parameter - self.anchor[name]).square()).sum()
            for name, parameter in trained_parameters(network).items()
        ]
        return (torch.stack(squares).sum() + self.constant) / 2

    @torch.no_grad()
    def add(self, network: nn.Module, fisher: Mapping[str, Tensor]) -> None:
        """Add the quadratic of a task that ended with the weights as they are now."""
        for name, parameter in trained_parameters(network).items():
            # a (w - u)^2 + b (w - v)^2 = (a + b) (w - m)^2 + a b / (a + b) (u - v)^2 with m the weighted mean of u, v.
            old, new = self.fisher[name], fisher[name]
            share = new / (old + new).clamp_min(torch.finfo(new.dtype).tiny)
            distance = parameter.detach() - self.anchor[name]
            self.constant += (old * share * distance.square()).sum()
            self.anchor[name].add_(share * distance)
            old.add_(new)

    def end_task(self, discriminator: nn.Module, groups: Sequence[ImageBatch]) -> int:
        """Add the quadratic of a task that ends with the discriminator's weights, and return how many images it saw.

        Args:
            discriminator: a logistic classifier by its logits.
            groups: of images; each has the same share of the Fisher information, whatever its size.
        """
        for images in groups:
            fisher = fisher_diagonal(discriminator, lambda x: discriminator(x.images_NCHW, x.labels_N).logits_N, images)
            self.add(discriminator, {name: value / len(groups) for name, value in fisher.items()})
        return sum(len(images) for images in groups)

    @torch.no_grad()
    def decay(self, factor: float) -> None:
        """Multiply the penalty of all tasks so far by a factor."""
        self.constant *= factor
        for fisher in self.fisher.buffers():
            fisher *= factor


class _Buffers(nn.Module):
    """A tensor for each parameter, kept as a buffer; a buffer's name may not have the dots of a parameter's."""

    def __init__(self, shapes: Mapping[str, torch.Size]) -> None:
        super().__init__()
        for name, shape in shapes.items():
            self.register_buffer(name.replace(".", "/"), torch.zeros(shape))

    def __getitem__(self, name: str) -> Tensor:
        return self.get_buffer(name.replace(".", "/"))


def fisher_diagonal(network: nn.Module, logit: Callable[[ImageBatch], Tensor], images: ImageBatch) -> dict[str, Tensor]:
    """Return the diagonal of the Fisher information of a logistic classifier, by the parameter's name.

    Its targets are drawn from its own probability p: F_i = E[p (1 - p) (d logit / d w_i)^2], the expectation over
    targets taken exactly, over images by a mean. Weights and gradients of the network stay as they are.

    Args:
        network: whose parameters they are.
        logit: of N images, (N,): the log-odds of the positive class.
        images: over which it is averaged.
    """
    trained = trained_parameters(network)
    fisher = {name: torch.zeros_like(p) for name, p in trained.items()}
    # One image at a time: the square of each image's own gradient is wanted, not the square of their sum.
    for i in range(len(images)):
        logit_1 = logit(images[i : i + 1])
        gradients = torch.autograd.grad(logit_1.sum(), list(trained.values()), allow_unused=True)
        probability_1 = logit_1.detach().sigmoid()
        variance = (probability_1 * (1 - probability_1)).squeeze()
        for name, gradient in zip(trained, gradients, strict=True):
            if gradient is not None:
                fisher[name] += variance * gradient.square() / len(images)
    return fisher
