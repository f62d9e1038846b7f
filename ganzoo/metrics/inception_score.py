"""The inception score. N: images; n: of a chunk; K: classes; all in float64."""

import torch
from torch import Tensor

from ganzoo.component import DeclaredArguments, Part
from ganzoo.errors import ParameterError, UserError, check_at_least
from ganzoo.features.base import FeatureExtractor
from ganzoo.metrics.base import Measurement, Metric, MetricInputs, mean_and_error
from ganzoo.registry import register

CHUNK_SIZE = 4096  # images whose probabilities are in memory at once


@register("metrics")
class inception_score(DeclaredArguments, Metric):
    """The exponential of the information that an image carries about its predicted class; higher is better.

    It is exp(E KL(p(y|x) || p(y))), in 1..K, where p(y) is the mean of p(y|x); the value is the mean over splits of the
    generated images. It uses no real image, so that neither missing variety within a class nor copies lower it. It
    rises with the number of images of a split. With the features of `features.inception` it is the IS, called `is`;
    with any other classifier it is a classifier score, called `cs_<label>`. The standard error is the (unbiased)
    deviation over splits divided by the root of their number; papers print the deviation itself.

    Source: Salimans et al., arXiv:1606.03498, section 4 (there 50,000 images in 10 splits).

    >>> sure_of_five_NK, unsure_NK = 1000 * torch.eye(5), torch.zeros(7, 5)
    >>> round(score(sure_of_five_NK), 6), round(score(unsure_NK), 6)
    (5.0, 1.0)

    Args:
        features: an extractor with a classifier, e.g. `@features.inception`.
        num_fake: how many generated images.
        num_splits: into how many parts they are divided; the sizes of the parts differ by at most one image.
    """

    features: Part[FeatureExtractor]
    num_fake: int = 10_000
    num_splits: int = 10

    def __post_init__(self) -> None:
        if not self.features.component.num_classes:
            raise ParameterError(
                "features", f"must have a classifier and {self.features.name} has none; use @features.inception"
            )
        check_at_least(1, num_splits=self.num_splits)
        least = 2 * self.num_splits
        if self.num_fake < least:
            raise ParameterError("num_fake", f"must be at least 2 * {{num_splits}} = {least}, not {self.num_fake}")

    def extractors(self) -> list[Part[FeatureExtractor]]:
        """Return its one extractor."""
        return [self.features]

    def measure(self, inputs: MetricInputs) -> list[Measurement]:
        """Return the score with its standard error."""
        logits_NK = inputs.fake_class_logits(self.features, self.num_fake)
        num_broken = int((~torch.isfinite(logits_NK).all(1)).sum())
        if num_broken:
            raise UserError(
                f"{self.features.name} gives NaN or infinite logits for {num_broken} of {len(logits_NK)} generated "
                "images; its weights or the device's arithmetic are broken, try --device cpu"
            )
        scores = [score(split_NK) for split_NK in torch.tensor_split(logits_NK, self.num_splits)]
        value, error = mean_and_error(scores)
        protocol = inputs.protocol(self.features, None)
        protocol = {**protocol, "num_fake": len(logits_NK), "num_splits": self.num_splits}
        source = "splits" if error is not None else ""
        name = inputs.metric_name(self.features, "cs")
        return [Measurement(name, value, error, True, protocol, source)]


def score(logits_NK: Tensor) -> float:
    """Return exp(H(y) - H(y|x)), in 1..K, which equals the exponential of the mean divergence; N is at least 1."""
    marginal_K = torch.zeros(logits_NK.shape[1], dtype=torch.float64)
    negative_entropy = torch.zeros((), dtype=torch.float64)
    for chunk_nK in torch.split(logits_NK, CHUNK_SIZE):
        log_p_nK = chunk_nK.double().log_softmax(1)
        p_nK = log_p_nK.exp()
        marginal_K += p_nK.sum(0) / len(logits_NK)
        negative_entropy += (p_nK * log_p_nK).sum() / len(logits_NK)
    # With xlogy, a class without images contributes 0.
    return float((negative_entropy - torch.xlogy(marginal_K, marginal_K).sum()).exp())
