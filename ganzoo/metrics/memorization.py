"""Whether fakes lie closer to the training images than other real images do. N, M: images; F: features."""

import torch
from scipy.stats import rankdata
from torch import Tensor

from ganzoo.component import name_of
from ganzoo.data.base import DataSpec
from ganzoo.errors import UserError
from ganzoo.metrics.base import Measurement, MetricInputs, other_split
from ganzoo.metrics.feature_distance import FeatureDistance
from ganzoo.metrics.neighbours import nearest_squared_distances
from ganzoo.registry import register


@register("metrics")
class memorization(FeatureDistance):
    """The probability that a fake is nearer to its nearest training image than a held-out real image to its own.

    `copying_<label>` lies in 0..1; ties count one half. New images of the data's own distribution have 0.5. Towards 1
    the generator copies training images. Towards 0 fakes are farther from the training images than real images are, as
    bad fakes are: a low value alone is no merit, so read it together with a distance. It is the area under the ROC
    curve that tells held-out images from fakes by that distance. The standard error is over the draws of both, for
    given training images. Held-out images must be distributed as the training images are.

    Source: Meehan, Chaudhuri and Dasgupta, arXiv:2004.05675: one minus the Mann-Whitney statistic Delta_T(P, Q).
    Departures: over the whole space, not averaged over cells; the probability itself, not its z-score under the null
    hypothesis; its standard error after DeLong et al., Biometrics 44, 837 (1988).

    >>> fakes, held_out = torch.tensor([0.0, 1.0]), torch.tensor([2.0, 3.0])  # distances to the training images
    >>> probability_of_less(fakes, held_out)[0], probability_of_less(fakes, fakes)[0]
    (1.0, 0.5)

    Args:
        reference_split: the split that the generator was trained on.
        held_out_split: a split that it never saw.
        num_real: how many training images, a random choice that is always the same; None for all. Copies of an image
            that is left out are not noticed.
    """

    held_out_split: str = "test"

    def __post_init__(self) -> None:
        self.check_distinct_splits("held_out_split", "reference_split")
        super().__post_init__()

    def check_data(self, spec: DataSpec) -> None:
        """Refuse a missing split, or one of too few images."""
        super().check_data(spec)
        self.check_split(spec, "held_out_split", self.held_out_split)

    def measure(self, inputs: MetricInputs) -> list[Measurement]:
        """Return the probability with its standard error."""
        pair = self.feature_pair(inputs)
        held_out_NF = inputs.real_features(self.features, self.held_out_split, None)
        if len(held_out_NF) < 2:
            raise UserError(
                f"{name_of(type(self))} needs 2 images of the split '{self.held_out_split}', which has fewer"
            )
        self._check_finite(held_out_NF, "held-out")
        value, error = probability_of_less(
            nearest_squared_distances(pair.fake_NF, pair.real_NF), nearest_squared_distances(held_out_NF, pair.real_NF)
        )
        protocol = {
            **pair.protocol,
            **other_split(inputs, self.features, "held_out", self.held_out_split),
            "num_held_out": len(held_out_NF),
        }
        return [Measurement(inputs.metric_name(self.features, "copying"), value, error, False, protocol, "images")]


def probability_of_less(x_N: Tensor, y_M: Tensor) -> tuple[float, float]:
    """Return the share of pairs with x < y, ties counting one half, and its standard error; N, M must be at least 2."""
    ranks = torch.from_numpy(rankdata(torch.cat([x_N, y_M]).numpy()))
    # A value's rank among all minus its rank in its own sample is the number of the other sample's values below it.
    below_x_N = (ranks[: len(x_N)] - torch.from_numpy(rankdata(x_N.numpy()))) / len(y_M)
    below_y_M = (ranks[len(x_N) :] - torch.from_numpy(rankdata(y_M.numpy()))) / len(x_N)
    variance = below_x_N.var() / len(x_N) + below_y_M.var() / len(y_M)
    return float(below_y_M.mean()), float(variance.sqrt())
