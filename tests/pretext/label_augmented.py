"""SSGAN-LA as a plugin file: D's logit gives way to a head of 2K classes. N: batch; C, H, W: image; K: transforms."""

import torch
from torch import Tensor
from torch.nn import functional

from ganzoo.batch import ImageBatch
from ganzoo.layers.factory import LayerFactory
from ganzoo.pretext.base import Observed, PretextTask, Role, Seen, StepBatch, TaskResult, Term, View
from ganzoo.registry import register

K = 4


@register("pretext")
class label_augmented(PretextTask):
    """Recognise both the rotation of an image and whether it is real, in one head that replaces the adversarial term.

    Source: Hou et al., "Self-Supervised GANs with Label Augmentation", arXiv:2106.08601, equations 8 and 9.
    """

    replaces_adversarial = True

    def __init__(self, *, feature_dim: int, layers: LayerFactory) -> None:
        super().__init__()
        self.head = layers.linear(feature_dim, 2 * K)  # classes 0..K-1: real, turned k times; K..2K-1: generated
        self.chance = {"accuracy_real": 1 / (2 * K), "accuracy_fake": 1 / (2 * K)}

    def views(self, batch: StepBatch, *, role: Role, rng: torch.Generator) -> dict[str, View]:
        """Return all three turned versions of every image; the upright ones are seen anyway."""
        views = {"fake": View(turned(batch.fake), "fake", turns(len(batch.fake)))}
        if role == "d":
            assert batch.real is not None
            views["real"] = View(turned(batch.real), "real", turns(len(batch.real)))
        return views

    def d_terms(self, observed: Observed, *, step: int) -> TaskResult:
        """Return the cross-entropies of (k, real) and of (k, generated)."""
        assert observed.real is not None
        real_M8, targets_M = self.scores(observed.real, observed.views["real"])
        fake_M8, _ = self.scores(observed.fake, observed.views["fake"])
        terms = [
            Term("real", functional.cross_entropy(real_M8, targets_M)),
            Term("fake", functional.cross_entropy(fake_M8, targets_M + K)),
        ]
        accuracy_real = (real_M8.detach().argmax(1) == targets_M).float().mean()
        accuracy_fake = (fake_M8.detach().argmax(1) == targets_M + K).float().mean()
        return TaskResult(terms, {"accuracy_real": accuracy_real, "accuracy_fake": accuracy_fake})

    def g_terms(self, observed: Observed, *, step: int) -> TaskResult:
        """Return how much rather D says (k, generated) than (k, real) of generated images."""
        fake_M8, targets_M = self.scores(observed.fake, observed.views["fake"])
        as_real = functional.cross_entropy(fake_M8, targets_M)
        as_fake = functional.cross_entropy(fake_M8, targets_M + K)
        return TaskResult([Term("as_real", as_real), Term("as_fake", as_fake, -1.0)])

    def scores(self, upright: Seen, views: Seen) -> tuple[Tensor, Tensor]:
        """Return the head's logits of all versions, upright first, and how often each was turned."""
        assert views.targets_N is not None
        features = torch.cat([upright.output.features_NF, views.output.features_NF])
        return self.head(features).float(), torch.cat([views.targets_N.new_zeros(len(upright.batch)), views.targets_N])


def turned(batch: ImageBatch) -> ImageBatch:
    images = [torch.rot90(batch.images_NCHW, k, dims=(2, 3)) for k in range(1, K)]
    labels = None if batch.labels_N is None else batch.labels_N.repeat(K - 1)
    return ImageBatch(torch.cat(images), labels)


def turns(num: int) -> Tensor:
    return torch.arange(1, K).repeat_interleave(num)
