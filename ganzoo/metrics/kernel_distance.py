"""The kernel distance between features, in float64.

N, M: images (real, generated); n: of a chunk; F: features; R: subsets; S: images of a subset.
"""

import torch
from torch import Tensor

from ganzoo.component import Part
from ganzoo.errors import check_at_least
from ganzoo.features.base import FeatureExtractor
from ganzoo.metrics.base import Measurement, MetricInputs
from ganzoo.metrics.feature_distance import FeatureDistance
from ganzoo.randomness import make_generator
from ganzoo.registry import register

TABLE_SIZE = 4096  # images up to which every kernel value is computed once, a table of 134 MB


@register("metrics")
class kernel_distance(FeatureDistance):
    """The squared maximum mean discrepancy of two sets of features under the kernel (x.y / F + 1)^3; lower is better.

    It is unbiased (at any number of images its expectation is the same), so that it may be slightly below 0. It is the
    mean over random subsets; the standard error is the deviation over subsets divided by the root of their number. It
    tells how well the subsets determine the mean, and is too small where the subsets cover the images several times.
    With the features of `features.inception` it is the KID.

    Source: Binkowski et al., arXiv:1801.01401, section 4, with the subsets of its experiments: 100 of 1,000 images.

    Args:
        features: the extractor, e.g. `@features.efficientnet_lite0`.
        reference_split: the split that the real images come from.
        num_real: how many real images, a random choice that is always the same; None for all of the split.
        num_fake: how many generated images.
        num_subsets: how many subsets, drawn from the evaluation's seed.
        subset_size: images of each kind in a subset, drawn without replacement.
    """

    def __init__(
        self,
        *,
        features: Part[FeatureExtractor],
        reference_split: str = "train",
        num_real: int | None = None,
        num_fake: int = 10_000,
        num_subsets: int = 100,
        subset_size: int = 1000,
    ) -> None:
        check_at_least(1, num_subsets=num_subsets)
        check_at_least(2, subset_size=subset_size)
        super().__init__(
            features=features,
            reference_split=reference_split,
            num_real=num_real,
            num_fake=num_fake,
            least_num=subset_size,
        )
        self.num_subsets = num_subsets
        self.subset_size = subset_size

    def measure(self, inputs: MetricInputs) -> list[Measurement]:
        """Return the distance with its standard error."""
        pair = self.feature_pair(inputs)
        rng = make_generator(inputs.seed, "metrics/kernel_distance")
        values = subset_distances(
            pair.real_NF, pair.fake_NF, num_subsets=self.num_subsets, subset_size=self.subset_size, rng=rng
        )
        error = float(values.std()) / self.num_subsets**0.5 if self.num_subsets > 1 else None
        protocol = {**pair.protocol, "num_subsets": self.num_subsets, "subset_size": self.subset_size}
        source = "subsets" if error is not None else ""
        name = inputs.metric_name(self.features, "kd")
        return [Measurement(name, float(values.mean()), error, False, protocol, source)]

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
        # Pairs of an image with itself do not count: with them the estimate would be biased upwards.
        chunks = (chunk_NF.double() for chunk_NF in torch.split(x_NF, TABLE_SIZE))
        itself_N = torch.cat([(x_nF.square().sum(1) / x_nF.shape[1] + 1).pow(3) for x_nF in chunks])
        within_R += subset_sums(x_NF, x_NF, rows_RS, rows_RS) - itself_N[rows_RS].sum(1)
    between_R = subset_sums(real_NF, fake_MF, real_RS, fake_RS)
    return within_R / (subset_size * (subset_size - 1)) - 2 * between_R / subset_size**2


def subset_sums(x_NF: Tensor, y_MF: Tensor, rows_RS: Tensor, columns_RS: Tensor) -> Tensor:
    """Return, for each of R pairs of subsets, the sum of the kernel over all their pairs, (R,)."""
    if max(len(x_NF), len(y_MF)) > TABLE_SIZE:
        pairs = zip(rows_RS, columns_RS, strict=True)
        # Made float64 subset by subset: a copy of all features would be twice their size.
        return torch.stack(
            [polynomial(x_NF[rows_S].double(), y_MF[columns_S].double()).sum() for rows_S, columns_S in pairs]
        )
    # The subsets overlap: every kernel value once, then sums by products with indicator vectors.
    chosen_RN = torch.zeros(len(rows_RS), len(x_NF), dtype=torch.float64).scatter_(1, rows_RS, 1.0)
    chosen_RM = torch.zeros(len(columns_RS), len(y_MF), dtype=torch.float64).scatter_(1, columns_RS, 1.0)
    return (chosen_RN @ polynomial(x_NF.double(), y_MF.double())).mul_(chosen_RM).sum(1)


def polynomial(x_NF: Tensor, y_MF: Tensor) -> Tensor:
    """Return the kernel (x.y / F + 1)^3 for every pair, (N, M)."""
    return (x_NF @ y_MF.T / x_NF.shape[1] + 1).pow(3)
