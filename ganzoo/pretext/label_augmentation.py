"""One head for turn and authenticity, the discriminator of SSGAN-LA. N: batch; K: turns."""

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from ganzoo.pretext.base import LossTerm, Role, StepBatch, TaskOutputs, TaskResult, View
from ganzoo.pretext.rotation import rotation
from ganzoo.pretext.transform_prediction import ImageSelection, accuracy
from ganzoo.registry import register


@register("pretext")
class label_augmentation(rotation):
    """Recognise both the turn of an image and whether it is real, in one head of 2K classes (SSGAN-LA).

    Source: Hou et al., "Self-Supervised GANs with Label Augmentation", arXiv:2106.08601. D minimises CE((k, real)) on
    turned real images and CE((k, generated)) on turned fakes; G minimises CE((k, real)) - CE((k, generated)) on turned
    fakes. The head takes the place of the adversarial logit (`replace`, then set experiment.loss = None), or its terms
    are added to an adversarial loss (`add`, SSGAN-LA+ in the authors' code). With `hinge` the losses are the
    multi-class hinge losses of that code, which its runs of SSGAN-LA on CIFAR-10 use, while those of SSGAN-LA+ keep the
    cross-entropy: D minimises the mean over the wrong classes j of max(0, 1 + s_j - s_y), G the same without margin and
    bound for y = (k, real) less that for (k, generated).

    >>> part("pretext.label_augmentation")(**task_args()).num_outputs
    8

    Args:
        adversarial: `replace` or `add`.
        loss: `cross_entropy` or `hinge`.
        protocol: `all_images`, every image in all four turns; `one_each`, every image in one turn, a quarter of the
            batch each; `all_four`, the last quarter of the batch in all four turns.
    """

    replaces_adversarial = True
    adds_to_adversarial = "adversarial = 'add'"

    alpha: float = 1.0
    adversarial: Literal["replace", "add"] = "replace"
    loss: Literal["cross_entropy", "hinge"] = "cross_entropy"
    protocol: ImageSelection = "all_images"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.replaces_adversarial = self.adversarial == "replace"
        # With `add` there must be a loss to add to.
        self.needs_adversarial = not self.replaces_adversarial
        self.chance = {"accuracy_real": 1 / self.num_outputs, "accuracy_fake": 1 / self.num_outputs}

    @property
    def num_outputs(self) -> int:
        """How many classes the head tells apart: k for a real image turned k times, K + k for a generated one."""
        return 2 * self.num_transforms

    def views(self, batch: StepBatch, *, role: Role, rng: torch.Generator) -> dict[str, View]:
        """Return turned versions of generated images, and in D's step of real ones."""
        views = {"fake": self._view(batch.fake, "fake", rng)}
        if role == "d":
            assert batch.real is not None
            views["real"] = self._view(batch.real, "real", rng)
        return views

    def d_terms(self, outputs: TaskOutputs, *, step: int) -> TaskResult:
        """Return the losses of (k, real) and of (k, generated), weighted by beta."""
        assert outputs.real is not None
        weight = self.d_weight(step)
        real_NK, turns_N = self._scores(outputs.real, outputs.views["real"])
        fake_NK, fake_turns_N = self._scores(outputs.fake, outputs.views["fake"])
        generated_N = fake_turns_N + self.num_transforms
        loss = functional.cross_entropy if self.loss == "cross_entropy" else multi_class_hinge
        terms = [LossTerm("real", loss(real_NK, turns_N), weight), LossTerm("fake", loss(fake_NK, generated_N), weight)]
        reports = {"accuracy_real": accuracy(real_NK, turns_N), "accuracy_fake": accuracy(fake_NK, generated_N)}
        return TaskResult(terms, reports)

    def g_terms(self, outputs: TaskOutputs, *, step: int) -> TaskResult:
        """Return the loss of (k, real) less the loss of (k, generated) on generated images, weighted by alpha."""
        weight = self.g_weight(step)
        fake_NK, turns_N = self._scores(outputs.fake, outputs.views["fake"])
        loss = functional.cross_entropy if self.loss == "cross_entropy" else mean_gap
        as_real, as_fake = loss(fake_NK, turns_N), loss(fake_NK, turns_N + self.num_transforms)
        return TaskResult([LossTerm("as_real", as_real, weight), LossTerm("as_fake", as_fake, -weight)])


def multi_class_hinge(logits_NK: Tensor, targets_N: Tensor) -> Tensor:
    """Return the mean over images and wrong classes of max(0, 1 + logit - the right class's logit)."""
    gaps_NK = logits_NK - logits_NK.gather(1, targets_N[:, None])
    # The right class's own summand is max(0, 1 + 0) = 1.
    return (functional.relu(1 + gaps_NK).sum(1) - 1).mean() / (logits_NK.shape[1] - 1)


def mean_gap(logits_NK: Tensor, targets_N: Tensor) -> Tensor:
    """Return the mean over images and wrong classes of the logit less the right class's logit."""
    gaps_NK = logits_NK - logits_NK.gather(1, targets_N[:, None])
    return gaps_NK.sum(1).mean() / (logits_NK.shape[1] - 1)
