"""The inception score. N: images; n: of a chunk; K: classes; all in float64."""

import torch
from torch import Tensor

from ganzoo.component import Part
from ganzoo.errors import ParameterError, UserError, check_at_least
from ganzoo.features.base import FeatureExtractor
from ganzoo.metrics.base import Measurement, Metric, MetricInputs
from ganzoo.registry import register

CHUNK_SIZE = 4096  # images whose probabilities are in memory at once


@register("metrics")
class inception_score(Metric):
    """The exponential of the information that an image carries about its predicted class; higher is better.

    It is exp(E KL(p(y|x) || p(y))), p(y) being the mean of p(y|x), in 1..K; the mean over splits of the generated
    images. No real image enters: it sees neither missing variety within a class nor copies. It rises with the images of
    a split. With the features of `features.inception` it is the IS, called `is`; of any other classifier it is
    `cs_<label>`, a classifier score. The standard error is the (unbiased) deviation over splits divided by the root of
    their number; papers print the deviation itself.

    Source: Salimans et al., arXiv:1606.03498, section 4 (there 50,000 images in 10 splits).

    Args:
        features: an extractor with a classifier, e.g. `@features.inception`.
        num_fake: how many generated images.
        num_splits: into how many parts of equal size, but for one image, they are divided.
    """

    def __init__(self, *, features: Part[FeatureExtractor], num_fake: int = 10_000, num_splits: int = 10) -> None:
        if not features.component.num_classes:
            raise ParameterError(
                "features", f"must have a classifier and {features.name} has none; use @features.inception"
            )
        check_at_least(1, num_splits=num_splits)
        if num_fake < 2 * num_splits:
            raise ParameterError("num_fake", f"must be at least 2 * {{num_splits}} = {2 * num_splits}, not {num_fake}")
        self.features = features
        self.num_fake = num_fake
        self.num_splits = num_splits

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
        values = torch.tensor(scores, dtype=torch.float64)
        error = float(values.std()) / self.num_splits**0.5 if self.num_splits > 1 else None
        protocol = inputs.protocol(self.features, None)
        protocol = {**protocol, "num_fake": len(logits_NK), "num_splits": self.num_splits}
        source = "splits" if error is not None else ""
        name = inputs.metric_name(self.features, "cs")
        return [Measurement(name, float(values.mean()), error, True, protocol, source)]


def score(logits_NK: Tensor) -> float:
    """Return exp(H(y) - H(y|x)), which the mean divergence is, in 1..K; N must be at least 1."""
    marginal_K = torch.zeros(logits_NK.shape[1], dtype=torch.float64)
    negative_entropy = torch.zeros((), dtype=torch.float64)
    for chunk_nK in torch.split(logits_NK, CHUNK_SIZE):
        log_p_nK = chunk_nK.double().log_softmax(1)
        p_nK = log_p_nK.exp()
        marginal_K += p_nK.sum(0) / len(logits_NK)
        negative_entropy += (p_nK * log_p_nK).sum() / len(logits_NK)
    # xlogy: a class that no image has contributes 0.
    return float((negative_entropy - torch.xlogy(marginal_K, marginal_K).sum()).exp())
