"""The Frechet distance between Gaussians fitted to features. N: images; F: features; r: rank; all in float64."""

import torch
from scipy.linalg import lapack
from torch import Tensor

from ganzoo.component import Part, name_of
from ganzoo.data.base import DataSpec
from ganzoo.errors import ParameterError, UserError
from ganzoo.features.base import FeatureExtractor
from ganzoo.metrics.base import Measurement, MetricInputs
from ganzoo.metrics.feature_distance import FeatureDistance
from ganzoo.registry import register

CHUNK_SIZE = 1024  # images converted to float64 at once, to bound the memory


@register("metrics")
class frechet_distance(FeatureDistance):
    """The squared Frechet distance between Gaussians fitted to two sets of features; lower is better.

    It is |m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)), where m and S are the mean and the unbiased covariance of a set.
    At equal quality it falls with the number of images, real and generated. With the features of `features.inception`
    it is the FID.

    Source: Heusel et al., arXiv:1706.08500, equation 6. The trace of the root is computed as the sum of the square
    roots of the eigenvalues of L' S2 L, where L is a Cholesky factor of S1. This is equal in exact arithmetic, always
    real, and accurate also when there are fewer images than features.

    >>> x_NF = torch.randn(50, 4, generator=torch.Generator().manual_seed(0))
    >>> [round(gaussian_distance(*moments(x_NF), *moments(x_NF + shift)), 4) for shift in (0, 3)]  # 4 * 3^2 = 36
    [0.0, 36.0]

    Args:
        allow_singular: whether to measure with no more images than features, of either kind. Then the covariance is
            singular and the distance far too large, so it is refused by default; the protocol says if it is set.
    """

    allow_singular: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self.num_features = known_width(self.features)
        for name, num in (("num_real", self.num_real), ("num_fake", self.num_fake)):
            if num is not None and not self.allow_singular and num <= self.num_features:
                raise ParameterError(name, singular(f"= {num} images", self.num_features))

    def check_data(self, spec: DataSpec) -> None:
        """Refuse a missing split, or one of too few images."""
        super().check_data(spec)
        there = spec.num_images[self.reference_split]
        if there is not None:
            self._check_rank(there, f"real images of the split '{self.reference_split}'", self.num_features)

    def measure(self, inputs: MetricInputs) -> list[Measurement]:
        """Return the distance, at least 0."""
        pair = self.feature_pair(inputs)
        for images, features_NF in (("real images", pair.real_NF), ("generated images", pair.fake_NF)):
            self._check_rank(len(features_NF), images, features_NF.shape[1])
        value = gaussian_distance(*moments(pair.real_NF), *moments(pair.fake_NF))
        protocol = {**pair.protocol, "allow_singular": True} if self.allow_singular else pair.protocol
        return [Measurement(inputs.metric_name(self.features, "fd"), value, None, False, protocol)]

    def _check_rank(self, num: int, images: str, num_features: int) -> None:
        if not self.allow_singular and num <= num_features:
            raise UserError(f"{name_of(type(self))}: {singular(f'{num} {images}', num_features)}")


def known_width(features: Part[FeatureExtractor]) -> int:
    """Return how many features an extractor has, or 0 if that depends on its arguments or the run."""
    width = getattr(features.component, "feature_dim", 0)
    return width if isinstance(width, int) else 0


def singular(images: str, num_features: int) -> str:
    """Return the message that refuses so few images."""
    return (
        f"{images} give a singular covariance of {num_features} features and a distance that is far too large; take "
        f"more than {num_features}, or an extractor of fewer features, or set allow_singular = True"
    )


def moments(features_NF: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean (F,) and the unbiased covariance (F, F), float64; N must be at least 2."""
    num, num_features = features_NF.shape
    chunks = torch.split(features_NF, CHUNK_SIZE)
    mean_F = torch.stack([chunk_NF.sum(0, dtype=torch.float64) for chunk_NF in chunks]).sum(0) / num
    scatter_FF = torch.zeros(num_features, num_features, dtype=torch.float64)
    for chunk_NF in chunks:
        # The mean is subtracted first: E[x x'] - m m' would lose half of the digits.
        centred_NF = (chunk_NF - mean_F).numpy()
        # NumPy, unlike torch, computes only half of a product with its own transpose.
        scatter_FF += torch.from_numpy(centred_NF.T @ centred_NF)
    return mean_F, scatter_FF / (num - 1)


def gaussian_distance(mean1_F: Tensor, covariance1_FF: Tensor, mean2_F: Tensor, covariance2_FF: Tensor) -> float:
    """Return the squared Frechet distance of two Gaussians, at least 0; float64 moments."""
    factor_Fr = cholesky_factor(covariance1_FF)
    # Rounding may leave eigenvalues slightly below 0.
    trace_of_root = torch.linalg.eigvalsh(factor_Fr.T @ covariance2_FF @ factor_Fr).clamp(min=0).sqrt().sum()
    shift = (mean1_F - mean2_F).square().sum()
    distance = shift + covariance1_FF.trace() + covariance2_FF.trace() - 2 * trace_of_root
    return max(float(distance), 0.0)


def cholesky_factor(covariance_FF: Tensor) -> Tensor:
    """Return L (F, r) with L L' = S up to rounding; S may be singular, r is its numerical rank."""
    # The factorization with pivots needs no full rank, unlike the plain one. LAPACK counts pivots from 1.
    packed, pivots, rank, _ = lapack.dpstrf(covariance_FF.numpy(), lower=1)
    factor_Fr = torch.zeros(len(covariance_FF), rank, dtype=torch.float64)
    factor_Fr[torch.from_numpy(pivots).long() - 1] = torch.from_numpy(packed).tril()[:, :rank]
    return factor_Fr
