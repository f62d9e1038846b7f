"""Equal logits for an image and a slightly changed one: CR, bCR and zCR. N: batch; L: latent dimension."""

import torch
from torch import Tensor

from ganzoo.batch import Latents
from ganzoo.errors import check_not_negative, check_positive
from ganzoo.pretext.base import (
    LossTerm,
    Role,
    StepBatch,
    TaskOutputs,
    TaskResult,
    View,
    ViewOutput,
)
from ganzoo.pretext.flip_and_shift import FlipAndShiftTask
from ganzoo.registry import register


@register("pretext")
class consistency(FlipAndShiftTask):
    """Keep D's logit when an image is flipped and shifted, or its latent moved a little (CR, bCR, zCR).

    Source: CR, Zhang et al., "Consistency Regularization for Generative Adversarial Networks", arXiv:1910.12027; bCR,
    zCR and both together (ICR, the default), Zhao et al., "Improved Consistency Regularization for GANs",
    arXiv:2002.04724. D minimises, each with its weight, the mean of (D(x) - D(T(x)))^2 over real images (CR), that over
    generated ones (with it, bCR), and (D(G(z)) - D(G(z + d)))^2 with d normal (zCR); under zCR G maximises the squared
    distance of G(z) and G(z + d), here its mean over pixels, so that it does not ignore its latents. T mirrors an image
    in half of the cases and shifts it by up to an eighth of its side; that reach, and the reflection at the edge, are
    StudioGAN's, as are the weights and the deviation (its conditional BigGAN's on CIFAR-10); 10 for real images is also
    the default of CR's paper. CR alone is `fake_weight`, `latent_d_weight` and `latent_g_weight` of 0; bCR alone the
    latter two. An augmentation that is drawn anew for every fake adds its own difference to the distance that G
    maximises.

    >>> images = ImageBatch(torch.zeros(2, 3, 16, 16))
    >>> list(consistency(latent_d_weight=0.0).views(StepBatch(images, images), role="d", rng=torch.Generator()))
    ['real', 'fake']

    Args:
        real_weight: weight of the term of real images; 0 leaves their views out, here and below.
        fake_weight: weight of the term of generated images.
        latent_d_weight: weight of D's term of moved latents.
        latent_g_weight: weight of the distance that G maximises.
        latent_noise: standard deviation of d in every coordinate.
    """

    needs_adversarial = True

    real_weight: float = 10.0
    fake_weight: float = 10.0
    latent_d_weight: float = 20.0
    latent_g_weight: float = 0.5
    latent_noise: float = 0.05

    def __post_init__(self) -> None:
        super().__post_init__()
        weights = {
            "real_weight": self.real_weight,
            "fake_weight": self.fake_weight,
            "latent_d_weight": self.latent_d_weight,
            "latent_g_weight": self.latent_g_weight,
        }
        check_not_negative(**weights)
        if not any(weights.values()):
            raise ValueError("all of its weights are 0; leave the task out")
        check_positive(latent_noise=self.latent_noise)

    def extra_latents(self, fake: Latents, *, role: Role, rng: torch.Generator) -> dict[str, Latents]:
        """Return the latents, moved a little, in a step that has a term of them."""
        if not (self.latent_d_weight if role == "d" else self.latent_g_weight):
            return {}
        return {"moved": fake.moved(self.latent_noise, rng=rng)}

    def views(self, batch: StepBatch, *, role: Role, rng: torch.Generator) -> dict[str, View]:
        """Return the changed images in D's step; G's term needs no output of D."""
        if role == "g":
            return {}
        assert batch.real is not None
        views = {}
        if self.real_weight:
            views["real"] = View(self.changed(batch.real, rng), "real")
        if self.fake_weight:
            views["fake"] = View(self.changed(batch.fake, rng), "fake")
        if self.latent_d_weight:
            views["moved"] = View(batch.extra["moved"], "fake")
        return views

    def d_terms(self, outputs: TaskOutputs, *, step: int) -> TaskResult:
        """Return the mean squared change of the logit in each group of changed images."""
        parents = {"real": outputs.real, "fake": outputs.fake, "moved": outputs.fake}
        weights = {"real": self.real_weight, "fake": self.fake_weight, "moved": self.latent_d_weight}
        terms = []
        for name, changed in outputs.views.items():
            parent = parents[name]
            assert parent is not None
            terms.append(LossTerm(name, logit_change(parent, changed), weights[name]))
        return TaskResult(terms)

    def g_terms(self, outputs: TaskOutputs, *, step: int) -> TaskResult:
        """Return the mean squared distance in pixels of fakes to the images of moved latents, weighted negatively."""
        if not outputs.extra:
            return TaskResult()
        difference_NCHW = outputs.extra["moved"].images_NCHW - outputs.fake.batch.images_NCHW
        return TaskResult([LossTerm("moved", difference_NCHW.float().square().mean(), -self.latent_g_weight)])


def logit_change(first: ViewOutput, second: ViewOutput) -> Tensor:
    """Return the mean squared difference of two groups' logits, image by image."""
    return (first.output.logits_N.float() - second.output.logits_N.float()).square().mean()
