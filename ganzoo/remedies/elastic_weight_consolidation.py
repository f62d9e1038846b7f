"""Springs that hold each weight as firmly as earlier tasks needed it. N: batch."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from ganzoo.architectures.base import Discriminator
from ganzoo.pretext.base import Term
from ganzoo.registry import register
from ganzoo.remedies.base import Examples, Remedy


@register("remedies")
class elastic_weight_consolidation(Remedy):
    """Penalise leaving the weights of ended tasks, each weight by its Fisher information (EWC).

    Source: Kirkpatrick et al., "Overcoming catastrophic forgetting in neural networks", arXiv:1612.00796, equation 3:
    the sum over ended tasks t of strength / 2 * sum_i F_ti (w_i - w_ti)^2, w_t the weights at the end of task t, F_t
    the diagonal of the Fisher information there.

    The Fisher information is that of the network as a logistic classifier, its targets drawn from its own
    probability p: F_i = E[p (1 - p) (d logit / d w_i)^2], the expectation over targets taken exactly, over images by a
    mean over `num_fisher_images`. Weights are the trained parameters; under spectral norm, those before the division.
    The sum of the tasks' penalties is kept as the one quadratic that equals it, so that memory does not grow.

    Args:
        strength: of the penalty.
        num_fisher_images: images of an ended task over which its Fisher information is averaged.
    """

    needs_independent_logits = True

    constant: Tensor

    def __init__(
        self,
        *,
        strength: float = 400.0,
        num_fisher_images: int = 256,
        parameter_shapes: Mapping[str, torch.Size],
    ) -> None:
        super().__init__()
        if strength <= 0:
            raise ValueError(f"strength must be greater than 0, not {strength}")
        if num_fisher_images < 1:
            raise ValueError(f"num_fisher_images must be at least 1, not {num_fisher_images}")
        self.strength, self.num_task_examples = strength, num_fisher_images
        # What all tasks' springs add up to: by weight, their stiffness and where they pull to; and their tension there.
        self.stiffness, self.anchor = _Buffers(parameter_shapes), _Buffers(parameter_shapes)
        self.register_buffer("constant", torch.zeros(()))

    def terms(self, network: Discriminator) -> Sequence[Term]:
        """Return half the sum of all ended tasks' weighted squared distances, weighted by the strength."""
        squares = [
            (self.stiffness[name] * (parameter - self.anchor[name]).square()).sum()
            for name, parameter in _trained(network).items()
        ]
        return [Term("consolidation", (torch.stack(squares).sum() + self.constant) / 2, self.strength)]

    def after_task(self, network: Discriminator, examples: Examples) -> None:
        """Add the springs of the task that ended."""
        fisher = fisher_diagonal(network, examples.batch.images_NCHW)
        for name, parameter in _trained(network).items():
            # a (w - u)^2 + b (w - v)^2 = (a + b) (w - m)^2 + a b / (a + b) (u - v)^2 with m the weighted mean of u, v.
            old, new = self.stiffness[name], fisher[name]
            share = new / (old + new).clamp_min(torch.finfo(new.dtype).tiny)
            distance = parameter.detach() - self.anchor[name]
            self.constant += (old * share * distance.square()).sum()
            self.anchor[name].add_(share * distance)
            old.add_(new)


class _Buffers(nn.Module):
    """A tensor for each parameter, kept as a buffer; a buffer's name may not have the dots of a parameter's."""

    def __init__(self, shapes: Mapping[str, torch.Size]) -> None:
        super().__init__()
        for name, shape in shapes.items():
            self.register_buffer(name.replace(".", "/"), torch.zeros(shape))

    def __getitem__(self, name: str) -> Tensor:
        return self.get_buffer(name.replace(".", "/"))


def _trained(network: nn.Module) -> dict[str, nn.Parameter]:
    return {name: p for name, p in network.named_parameters() if p.requires_grad}


def fisher_diagonal(network: Discriminator, images_NCHW: Tensor) -> dict[str, Tensor]:
    """Return the diagonal of the Fisher information of a logistic classifier, by the parameter's name.

    Args:
        network: its logit is the log-odds of the positive class.
        images_NCHW: images (N, C, H, W) over which it is averaged.
    """
    trained = _trained(network)
    fisher = {name: torch.zeros_like(p) for name, p in trained.items()}
    # One image at a time: the square of each image's own gradient is wanted, not the square of their sum.
    for image_1CHW in torch.split(images_NCHW, 1):
        logit_1 = network(image_1CHW).logits_N
        gradients = torch.autograd.grad(logit_1.sum(), list(trained.values()), allow_unused=True)
        probability_1 = logit_1.detach().sigmoid()
        variance = (probability_1 * (1 - probability_1)).squeeze()
        for name, gradient in zip(trained, gradients, strict=True):
            if gradient is not None:
                fisher[name] += variance * gradient.square() / len(images_NCHW)
    return fisher
