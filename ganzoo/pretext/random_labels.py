"""A negative control: the views and the head of rotation, and nothing to learn from them. N: batch; K: turns."""

import torch
from torch import Tensor

from ganzoo.pretext.rotation import rotation
from ganzoo.registry import register


@register("pretext")
class random_labels(rotation):
    """Show D the images of rotation, and ask for labels that have nothing to do with them.

    Source: a control of this project's own, for tables: what rotation (arXiv:1811.11212, section 3) gains over it is
    not due to further images, to the head, or to the second term of either loss. The four versions of an image bear the
    labels 0 to 3 in an order drawn anew in every step, so that each label is as frequent as with rotation; the best
    that a head can do is log 4 and a quarter of right answers. Under `one_each`, four images share an order.

    >>> task = part("pretext.random_labels")(**task_args())
    >>> task.upright_targets(torch.tensor([3, 0, 2])).tolist()  # its turned versions have the labels 3, 0 and 2
    [1]
    """

    is_learnable = False

    def draw_targets(self, share: int, *, rng: torch.Generator) -> Tensor:
        """Return the last three of four labels in a random order for each image, one version after another."""
        orders_NK = torch.rand(share, self.num_transforms, generator=rng).argsort(dim=1)
        return orders_NK[:, 1:].T.flatten()

    def upright_targets(self, targets_N: Tensor) -> Tensor:
        """Return the label that the transformed versions of each image leave over."""
        total = self.num_transforms * (self.num_transforms - 1) // 2
        return total - targets_N.reshape(self.num_transforms - 1, -1).sum(0)
