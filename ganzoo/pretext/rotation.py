"""Rotation prediction, the task of SSGAN. N: batch; C, H, W: image."""

import torch
from torch import Tensor

from ganzoo.pretext.transform_prediction import TransformPrediction
from ganzoo.registry import register


@register("pretext")
class rotation(TransformPrediction):
    """Predict by which of 0, 90, 180, 270 degrees an image was turned (SSGAN).

    Source: Chen et al., "Self-Supervised GANs via Auxiliary Rotation Loss", arXiv:1811.11212, section 3, with the
    defaults of the authors' code (compare_gan), alpha = 0.2 and beta = 1. Turns are counter-clockwise, the label is the
    number of quarter turns. `all_four` is the protocol of the paper and of compare_gan, `one_each` that of mimicry.

    >>> task = part("pretext.rotation")(**task_args())
    >>> task.chance["accuracy_real"], task.draw_targets(2, rng=torch.Generator()).tolist()
    (0.25, [1, 1, 2, 2, 3, 3])
    """

    num_transforms = 4
    needs_upright = True
    needs_square = True

    def transform(self, x_NCHW: Tensor) -> list[Tensor]:
        """Return the batch turned by 0, 90, 180 and 270 degrees."""
        return [torch.rot90(x_NCHW, k, dims=(2, 3)) for k in range(4)]
