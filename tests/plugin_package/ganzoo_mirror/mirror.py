"""Mirror prediction: which of four flips was applied. N: batch; C, H, W: image."""

from torch import Tensor

from ganzoo import register
from ganzoo.pretext.transform_prediction import TransformPrediction


@register("pretext")
class mirror(TransformPrediction):
    """Predict the flip of an image (none, left-right, up-down, both).

    Source: an example; compare rotation (arXiv:1811.11212).
    """

    num_transforms = 4

    def transform(self, x_NCHW: Tensor) -> list[Tensor]:
        """Return the four versions of a batch, upright first; each (N, C, H, W) in [-1, 1]."""
        return [x_NCHW, x_NCHW.flip(3), x_NCHW.flip(2), x_NCHW.flip((2, 3))]
