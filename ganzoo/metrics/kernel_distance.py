"""The kernel distance between features, in float64.

N, M: images (real, generated); n: of a chunk; F: features; R: subsets; S: images of a subset.
"""

import torch
from torch import Tensor

from ganzoo.errors import check_at_least
from ganzoo.metrics.base import Measurement, MetricInputs, mean_and_error
from ganzoo.metrics.feature_distance import FeatureDistance
from ganzoo.randomness import make_generator
from ganzoo.registry import register

TABLE_SIZE = 4096  # up to so many images, every kernel value is computed once: a table of 134 MB


@register("metrics")
class kernel_distance(FeatureDistance):
    """The squared maximum mean discrepancy of two sets of features under the kernel (x.y / F + 1)^3; lower is better.

    It is unbiased: its expectation is the same at any number of images, and a value may be slightly below 0. The value
    is the mean over random subsets. The standard error is the deviation over subsets divided by the root of their
    number: it says how well the subsets determine the mean, and is too small if they use the images several times. With
    the features of `features.inception` it is the KID.

    Source: Binkowski et al., arXiv:1801.01401, section 4, with the subsets of its experiments: 100 of 1,000 images.

    >>> one, other = torch.tensor([[1.0], [1.0]]), torch.tensor([[0.0], [0.0]])
    >>> rng = torch.Generator()  # the kernel is 8 within the first set and 1 otherwise: 8 + 1 - 2 * 1
    >>> [float(subset_distances(one, y_MF, num_subsets=1, subset_size=2, rng=rng)) for y_MF in (one, other)]
    [0.0, 7.0]

    Args:
        num_subsets: how many subsets, drawn from the evaluation's seed.
        subset_size: images of each kind in a subset, drawn without replacement.
    """

    num_subsets: int = 100
    subset_size: int = 1000

    def __post_init__(self) -> None:
        check_at_least(1, num_subsets=self.num_subsets)
        check_at_least(2, subset_size=self.subset_size)
        super().__post_init__()

    @property
    def least_num(self) -> int:
        """The images of a subset."""
        return self.subset_size

    def measure(self, inputs: MetricInputs) -> list[Measurement]:
        """Return the distance with its standard error."""
        pair = self.feature_pair(inputs)
        rng = make_generator(inputs.seed, "metrics/kernel_distance")
        values = subset_distances(
            pair.real_NF, pair.fake_NF, num_subsets=self.num_subsets, subset_size=self.subset_size, rng=rng
        )
        value, error = mean_and_error(values)
        protocol = {**pair.protocol, "num_subsets": self.num_subsets, "subset_size": self.subset_size}
        source = "subsets" if error is not None else ""
        name = inputs.metric_name(self.features, "kd")
        return [Measurement(name, value, error, False, protocol, source)]

    def _limiting_parameter(self) -> str:
        return "subset_size" if self.num_real is None else "num_real"


def subset_distances(
    real_NF: Tensor, fake_MF: Tensor, *, num_subsets: int, subset_size: int, rng: torch.Generator
) -> Tensor:
    """Return the unbiased squared distance (R,) of each of R random pairs of subsets, float64."""
    real_RS, fake_RS = (
        torch.stack([torch.randperm(len(x_NF), generator=rng)[:subset_size] for _ in range(num_subsets)])
        for x_NF in (real_NF, fake_MF)
    )
    within_R = torch.zeros(num_subsets, dtype=torch.float64)
    for x_NF, rows_RS in ((real_NF, real_RS), (fake_MF, fake_RS)):
        # Pairs of an image with itself are left out, or the estimate would be too high.
        chunks = (chunk_NF.double() for chunk_NF in torch.split(x_NF, TABLE_SIZE))
        itself_N = torch.cat([(x_nF.square().sum(1) / x_nF.shape[1] + 1).pow(3) for x_nF in chunks])
        within_R += subset_sums(x_NF, x_NF, rows_RS, rows_RS) - itself_N[rows_RS].sum(1)
    between_R = subset_sums(real_NF, fake_MF, real_RS, fake_RS)
    return within_R / (subset_size * (subset_size - 1)) - 2 * between_R / subset_size**2


def subset_sums(x_NF: Tensor, y_MF: Tensor, rows_RS: Tensor, columns_RS: Tensor) -> Tensor:
    """Return, for each of R pairs of subsets, the sum of the kernel over all their pairs, (R,)."""
    if max(len(x_NF), len(y_MF)) > TABLE_SIZE:
        pairs = zip(rows_RS, columns_RS, strict=True)
        # float64 for one subset at a time: a copy of all features would be twice their size.
        return torch.stack(
            [polynomial(x_NF[rows_S].double(), y_MF[columns_S].double()).sum() for rows_S, columns_S in pairs]
        )
    # The subsets overlap. So every kernel value is computed once and summed by products with indicator vectors.
    chosen_RN = torch.zeros(len(rows_RS), len(x_NF), dtype=torch.float64).scatter_(1, rows_RS, 1.0)
    chosen_RM = torch.zeros(len(columns_RS), len(y_MF), dtype=torch.float64).scatter_(1, columns_RS, 1.0)
    return (chosen_RN @ polynomial(x_NF.double(), y_MF.double())).mul_(chosen_RM).sum(1)


def polynomial(x_NF: Tensor, y_MF: Tensor) -> Tensor:
    """Return the kernel (x.y / F + 1)^3 for every pair, (N, M)."""
    return (x_NF @ y_MF.T / x_NF.shape[1] + 1).pow(3)
