"""The contract of a regulariser of the networks. N: batch; C, H, W: image."""

from collections.abc import Iterator
from typing import ClassVar

import torch
from torch import Tensor, nn

from ganzoo.architectures.base import Discriminator, Generator
from ganzoo.batch import ImageBatch
from ganzoo.component import Component, DeclaredArguments
from ganzoo.errors import check_not_negative


class Penalty(Component, nn.Module):
    """A scalar that is added to the discriminator's loss; a penalty may have another one for the generator's loss.

    It sees only upright images, and always runs in float32. State that must survive a restart is kept in buffers.

    The runtime argument is `parameter_shapes` (the shapes of the discriminator's trained parameters, by name).
    """

    kind = "penalties"
    runtime_args = frozenset({"parameter_shapes"})

    needs_independent_logits: ClassVar[bool] = True
    """Whether each logit must depend on one image alone. With batch normalization in the discriminator it does not,
    and the gradient of a logit then mixes all images of the batch. Such pairs are refused."""

    needs_adversarial_logit: ClassVar[bool] = True
    """Whether something must train the adversarial logit. It is then refused if `experiment.loss` is None."""

    sees_images: ClassVar[bool] = True
    """Whether `forward` passes a batch of images through D; False for a penalty of the weights alone."""

    def forward(
        self, discriminator: Discriminator, real: ImageBatch, fake: ImageBatch, *, rng: torch.Generator
    ) -> Tensor:
        """Return the weighted penalty of the discriminator, a scalar of at least 0.

        Args:
            discriminator: returns the logits (N,) to differentiate.
            real: the (augmented) real images (N, C, H, W), with their labels in a conditional GAN.
            fake: as many generated images, detached from the generator.
            rng: the penalty's own random generator, on the CPU.
        """
        raise NotImplementedError

    def g_penalty(self, generator: Generator) -> Tensor | None:
        """Return the weighted penalty of the generator, a scalar, or None if there is none."""
        return None

    def after_d_step(self, discriminator: Discriminator, real: ImageBatch, fake: ImageBatch) -> int:
        """Act after the discriminator's update, and return how many images it passed through D.

        Args:
            discriminator: after the update; its weights, buffers and gradients must not change.
            real: the (augmented) real images of the update.
            fake: the generated ones, detached.
        """
        return 0

    def num_d_images(self, batch_size: int) -> int:
        """Return how many images `forward` passes through D, so that its cost is counted."""
        return batch_size if self.sees_images else 0


class WeightedPenalty(DeclaredArguments, Penalty):
    """A penalty with one weight.

    Args:
        weight: factor of the penalty.

    Raises:
        ValueError: it is negative.
    """

    weight: float

    def __post_init__(self) -> None:
        super().__init__()
        check_not_negative(weight=self.weight)


class SlopePenalty(WeightedPenalty):
    """`weight * mean((|grad D| - target)^2)` over points: the squared difference between D's slope and a target.

    A subclass gives `points`.

    Args:
        weight: factor of the penalty (lambda in the papers).
        target: slope without penalty, in logits per unit of image distance.
    """

    weight: float = 10.0
    target: float = 1.0

    def points(self, real_NCHW: Tensor, fake_NCHW: Tensor, *, rng: torch.Generator) -> Tensor:
        """Return the images (N, C, H, W) at which the slope is taken, one for each real image, whose label it has.

        Args:
            real_NCHW: the real images, in float32.
            fake_NCHW: as many generated ones.
            rng: a CPU generator; drawn on the CPU, points do not depend on the device.
        """
        raise NotImplementedError

    def forward(
        self, discriminator: Discriminator, real: ImageBatch, fake: ImageBatch, *, rng: torch.Generator
    ) -> Tensor:
        """Return the weighted mean squared difference between slope and target."""
        points_NCHW = self.points(real.images_NCHW.float(), fake.images_NCHW.float(), rng=rng)
        gradient_NCHW = input_gradient(discriminator, real.with_images(points_NCHW))
        return self.weight * (slope(gradient_NCHW) - self.target).square().mean()


def input_gradient(discriminator: Discriminator, images: ImageBatch) -> Tensor:
    """Return the gradient of each logit with respect to its image, (N, C, H, W), itself differentiable."""
    images_NCHW = images.images_NCHW.detach().float().requires_grad_()
    logits_N = discriminator(images_NCHW, images.labels_N).logits_N
    # The sum's gradient is every image's own only because no logit depends on another image.
    (gradient_NCHW,) = torch.autograd.grad(logits_N.sum(), images_NCHW, create_graph=True)
    return gradient_NCHW


def mean_squared_slope(discriminator: Discriminator, images: ImageBatch) -> Tensor:
    """Return the mean, over images, of the squared length of each logit's gradient; differentiable, ()."""
    return input_gradient(discriminator, images).square().sum((1, 2, 3)).mean()


def slope(gradient_NCHW: Tensor) -> Tensor:
    """Return the length of each image's gradient, (N,).

    It is sqrt(1e-4 + sum of squares), as in compare_gan, whose derivative exists where the gradient vanishes.
    """
    return (1e-4 + gradient_NCHW.square().sum((1, 2, 3))).sqrt()


def kernels(network: nn.Module) -> Iterator[Tensor]:
    """Yield the trained weight of every linear and convolution layer, (O, ...), a row for each output O.

    A spectrally normalised or standardised weight is yielded as it is before that.
    """
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            (weight,) = (p for p in module.parameters() if p.dim() > 1)
            yield weight.transpose(0, 1) if isinstance(module, nn.ConvTranspose2d) else weight
