"""Predicting which of K transforms was applied: the common case of a task, reduced to one method.

N: batch; C, H, W: image; K: transforms; F: features.
"""

from typing import ClassVar, Literal

import torch
from torch import Tensor
from torch.nn import functional

from ganzoo.architectures.base import ImageShape
from ganzoo.batch import ImageBatch
from ganzoo.errors import ParameterError
from ganzoo.layers.factory import LayerFactory
from ganzoo.pretext.base import LossTerm, Role, StepBatch, TaskOutputs, TaskResult, View, ViewOutput
from ganzoo.pretext.weighted_task import WeightedTask

ImageSelection = Literal["all_four", "one_each", "all_images"]


class TransformPrediction(WeightedTask):
    """Recognise the transform of an image: D from real images (weight beta), G from generated ones (weight alpha).

    A linear head on D's pooled features classifies K transforms. D learns it on real images only and G is rewarded for
    fakes whose transform D recognises, so that the two collaborate on the task (arXiv:1811.11212, section 3).
    A subclass gives `num_transforms` and `transform`.

    Args:
        protocol: `all_four`, the last N/K images of the batch each in all K versions (the name is rotation's);
            `one_each`, every image in one version, N/K images a version; `all_images`, every image in all versions. The
            upright images' outputs are reused, so that N (K - 1) / K views are added, and N (K - 1) by the last.
    """

    num_transforms: ClassVar[int]

    needs_square: ClassVar[bool] = False
    """Whether its transforms keep the size of square images only; others are refused."""

    alpha: float = 0.2
    beta: float = 1.0
    protocol: ImageSelection = "all_four"
    feature_dim: int
    image_shape: ImageShape
    batch_size: int
    layers: LayerFactory

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.batch_size % self.num_transforms and self.protocol != "all_images":
            raise ParameterError(
                "batch_size",
                f"= {self.batch_size} cannot be shared evenly by {self.num_transforms} transforms; set it to a "
                f"multiple of {self.num_transforms}",
            )
        height, width = self.image_shape[1:]
        if self.needs_square and height != width:
            raise ValueError(
                f"images of {height} x {width} pixels have another size once they are turned; it needs square ones, "
                "so crop the data set's or leave the task out"
            )
        self.head = self.layers.linear(self.feature_dim, self.num_outputs)
        self.chance = {"accuracy_real": 1 / self.num_transforms, "accuracy_fake": 1 / self.num_transforms}

    @property
    def num_outputs(self) -> int:
        """How many classes the head tells apart; the K transforms are the first of them."""
        return self.num_transforms

    def transform(self, x_NCHW: Tensor) -> list[Tensor]:
        """Return the K versions of a batch, upright first; each (N, C, H, W) in [-1, 1]."""
        raise NotImplementedError

    def views(self, batch: StepBatch, *, role: Role, rng: torch.Generator) -> dict[str, View]:
        """Return versions of real images in D's step, of generated ones in G's; the upright ones are seen anyway."""
        if role == "d":
            assert batch.real is not None
            return {"transformed": self._view(batch.real, "real", rng)}
        return {"transformed": self._view(batch.fake, "fake", rng)}

    def draw_targets(self, share: int, *, rng: torch.Generator) -> Tensor:
        """Return the targets of the transformed images, ((K - 1) * share,), one version after another."""
        return torch.arange(1, self.num_transforms).repeat_interleave(share)

    def upright_targets(self, targets_N: Tensor) -> Tensor:
        """Return the targets of the upright images, (share,), given those of the transformed images."""
        return targets_N.new_zeros(len(targets_N) // (self.num_transforms - 1))

    def d_terms(self, outputs: TaskOutputs, *, step: int) -> TaskResult:
        """Return the cross-entropy on real images, weighted by beta."""
        assert outputs.real is not None
        return self._classify(outputs.real, outputs.views["transformed"], "real", self.d_weight(step))

    def g_terms(self, outputs: TaskOutputs, *, step: int) -> TaskResult:
        """Return the cross-entropy on generated images, weighted by alpha."""
        return self._classify(outputs.fake, outputs.views["transformed"], "fake", self.g_weight(step))

    def _rows(self, k: int, num_images: int) -> slice:
        """Return which images of the batch version k is made from."""
        if self.protocol == "all_images":
            return slice(0, num_images)
        share = num_images // self.num_transforms
        if self.protocol == "one_each":
            return slice(k * share, (k + 1) * share)
        return slice(num_images - share, num_images)

    def _view(self, batch: ImageBatch, source: Literal["real", "fake"], rng: torch.Generator) -> View:
        sources = [batch[self._rows(k, len(batch))] for k in range(self.num_transforms)]
        if self.protocol == "one_each":
            # All K versions of each share, to keep one: `transform` stays the one method that a task has to give, and
            # on a K-th of the batch each this costs no more than `all_images`, little beside a pass of D.
            versions = [self.transform(s.images_NCHW)[k] for k, s in enumerate(sources)]
        else:
            versions = self.transform(sources[0].images_NCHW)
        labels = [s.labels_N for s in sources[1:] if s.labels_N is not None]
        targets_N = self.draw_targets(len(sources[0]), rng=rng).to(versions[0].device)
        return View(ImageBatch(torch.cat(versions[1:]), torch.cat(labels) if labels else None), source, targets_N)

    def _scores(self, parent: ViewOutput, views: ViewOutput) -> tuple[Tensor, Tensor]:
        """Return the head's logits of the upright images and then of their transformed versions, and the targets."""
        assert views.targets_N is not None
        upright_NF = parent.output.features_NF[self._rows(0, len(parent.batch))]
        logits_NK = self.head(torch.cat([upright_NF, views.output.features_NF])).float()
        return logits_NK, torch.cat([self.upright_targets(views.targets_N), views.targets_N])

    def _classify(self, parent: ViewOutput, views: ViewOutput, source: str, weight: float) -> TaskResult:
        logits_NK, targets_N = self._scores(parent, views)
        loss = functional.cross_entropy(logits_NK, targets_N)
        return TaskResult([LossTerm("loss", loss, weight)], {f"accuracy_{source}": accuracy(logits_NK, targets_N)})


def accuracy(logits_NK: Tensor, targets_N: Tensor) -> Tensor:
    """Return the share of rows whose largest logit is the target's, detached."""
    return (logits_NK.detach().argmax(1) == targets_N).float().mean()
