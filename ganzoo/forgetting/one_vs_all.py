"""Batches and test sets of the tasks "this class or another?". N: batch; C, H, W: image."""

import torch
from torch import Tensor

from ganzoo.batch import ImageBatch, to_images
from ganzoo.data.base import ImageData
from ganzoo.errors import UserError
from ganzoo.randomness import make_generator
from ganzoo.remedies.base import Examples

TEST_SEED = 0  # the test sets are the same, whatever the seed of a run


class OneVsAll:
    """A split from which balanced examples of a task are drawn: half of the positive class, half of all others.

    Args:
        data: the split, with labels.
        num_classes: classes; each must have an image.
        device: of the examples.
        name: of split and data set, for messages.

    Raises:
        UserError: a class without images.
    """

    def __init__(self, data: ImageData, *, num_classes: int, device: torch.device, name: str) -> None:
        assert data.labels_N is not None
        self.uint8_NCHW, self.device, self.name = data.images_NCHW, device, name
        rows = [(data.labels_N == k, data.labels_N != k) for k in range(num_classes)]
        self.own_rows = [own.nonzero().squeeze(1) for own, _ in rows]
        self.other_rows = [other.nonzero().squeeze(1) for _, other in rows]
        empty = [k for k in range(num_classes) if not len(self.own_rows[k])]
        if empty:
            raise UserError(f"{name} has no image of class {empty[0]}, so it cannot be a task")

    def draw(self, positive: int, num: int, *, rng: torch.Generator) -> Examples:
        """Return examples in random order, drawn with replacement.

        The order matters: a pretext task may take the last images of a batch, which must contain both kinds.

        Args:
            positive: the positive class.
            num: examples, half of them positive.
            rng: a CPU generator.
        """
        halves = [
            rows[torch.randint(len(rows), (num // 2,), generator=rng)]
            for rows in (self.own_rows[positive], self.other_rows[positive])
        ]
        return self._examples(halves, torch.randperm(num, generator=rng))

    def test_set(self, positive: int, num: int) -> Examples:
        """Return examples that are all different, and the same in every call.

        Args:
            positive: the positive class.
            num: examples, half of them positive.

        Raises:
            UserError: the split has too few.
        """
        rng = make_generator(TEST_SEED, f"forgetting/test/{positive}")
        own, other = self.own_rows[positive], self.other_rows[positive]
        fewest = min(len(own), len(other))
        if fewest < num // 2:
            raise UserError(
                f"{self.name} has {fewest} images on one side of class {positive}, and needs half of "
                f"forgetting.num_test_images = {num}; choose at most {2 * fewest}"
            )
        halves = [rows[torch.randperm(len(rows), generator=rng)[: num // 2]] for rows in (own, other)]
        return self._examples(halves, torch.arange(num))

    def _examples(self, halves: list[Tensor], order_N: Tensor) -> Examples:
        rows_N = torch.cat(halves)[order_N]
        is_positive_N = (order_N < len(halves[0])).to(self.device)
        return Examples(ImageBatch(to_images(self.uint8_NCHW[rows_N], device=self.device)), is_positive_N)
