"""The contract of a regulariser of the discriminator. N: batch; C, H, W: image."""

from typing import ClassVar

import torch
from torch import Tensor

from ganzoo.architectures.base import Discriminator
from ganzoo.batch import ImageBatch
from ganzoo.registry import Component


class Penalty(Component):
    """A scalar added to the discriminator's loss. It sees upright images only and always runs in float32."""

    kind = "penalties"

    needs_independent_logits: ClassVar[bool] = True
    """Whether it is meaningless if a logit depends on other images of the batch, as it is with batch normalization in
    the discriminator: the gradient of one image's logit is then no property of that image. Such pairs are refused."""

    def __call__(
        self, discriminator: Discriminator, real: ImageBatch, fake: ImageBatch, *, rng: torch.Generator
    ) -> Tensor:
        """Return the weighted penalty.

        Args:
            discriminator: its forward pass gives the logits to differentiate.
            real: the (augmented) real images with their labels, as many as there are fakes.
            fake: the generated images, detached from the generator.
            rng: a CPU generator of the penalty's own.
        """
        raise NotImplementedError

    def num_d_images(self, batch_size: int) -> int:
        """Return how many images D sees for it, so that its cost is counted."""
        return batch_size


def input_gradient(discriminator: Discriminator, images: ImageBatch) -> Tensor:
    """Return the gradient of each logit with respect to its image, (N, C, H, W), itself differentiable."""
    images_NCHW = images.images_NCHW.detach().float().requires_grad_()
    logits_N = discriminator(images_NCHW, images.labels_N).logits_N
    # The sum's gradient is every image's own only because no logit depends on another image.
    (gradient_NCHW,) = torch.autograd.grad(logits_N.sum(), images_NCHW, create_graph=True)
    return gradient_NCHW
