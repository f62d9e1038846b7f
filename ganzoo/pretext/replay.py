"""Earlier fakes, shown to D again. C, H, W: image."""

import torch

from ganzoo.architectures.base import Discriminator, ImageShape
from ganzoo.batch import ImageBatch
from ganzoo.errors import ParameterError
from ganzoo.layers.reservoir import Reservoir
from ganzoo.pretext.base import PretextTask, Role, StepBatch, TaskOutputs, View
from ganzoo.registry import register


@register("pretext")
class replay(PretextTask):
    """Let D's adversarial term see fakes of earlier generators beside today's: experience replay.

    Source: the history of Shrivastava et al., "Learning from Simulated and Unsupervised Images through Adversarial
    Training", arXiv:1612.07828, where half of the fakes that D sees are old ones, as here by default; on forgetting in
    D, compare Thanh-Tung & Tran, arXiv:1807.04015.
    Departures: old fakes are added to the batch and do not replace half of it; what is kept is a uniform sample of all
    fakes that D has seen (Vitter's algorithm R), so that the beginning of a run stays in it, while there every step
    overwrites a random part. Fakes are kept as D saw them, augmentation included, with the labels they were made for.
    The first step has none to show. G's step is unchanged.

    It has no head and no loss of its own. It is a task because only a task may show more images to D.

    >>> task = part("pretext.replay")(**task_args(batch_size=2))
    >>> task.views(StepBatch(ImageBatch(torch.zeros(2, 3, 16, 16))), role="d", rng=torch.Generator())
    {}

    Args:
        capacity: fakes kept, in float32: at 32 px in colour 12 KB each, in every checkpoint.
        share: replayed fakes for each fresh one; they are drawn with replacement.
    """

    needs_adversarial = True

    def __init__(
        self, *, capacity: int = 2000, share: float = 1.0, image_shape: ImageShape, num_classes: int, batch_size: int
    ) -> None:
        super().__init__()
        if share <= 0 or round(share * batch_size) < 1:
            raise ParameterError("share", f"= {share} adds no fake to a batch of {batch_size}; choose a larger one")
        self.num_replayed = round(share * batch_size)
        labels = {"labels": torch.zeros((), dtype=torch.int64)} if num_classes else {}
        self.kept = Reservoir(capacity, {"images": torch.zeros(image_shape), **labels})

    def views(self, batch: StepBatch, *, role: Role, rng: torch.Generator) -> dict[str, View]:
        """Return kept fakes in D's step, as soon as there are some."""
        assert len(batch.fake), "there are no generated images to keep"
        if role == "g" or self.kept.num_kept == 0:
            return {}
        drawn = self.kept.draw(self.num_replayed, rng=rng)
        return {"kept": View(ImageBatch(drawn["images"], drawn.get("labels")), "fake", adversarial=True)}

    def after_step(
        self, outputs: TaskOutputs, discriminator: Discriminator, *, role: Role, step: int, rng: torch.Generator
    ) -> None:
        """Let the fakes of D's step join those kept."""
        if role == "g":
            return
        fake = outputs.fake.batch
        labels = {} if fake.labels_N is None else {"labels": fake.labels_N}
        self.kept.take({"images": fake.images_NCHW, **labels}, rng=rng)
