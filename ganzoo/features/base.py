"""The contract of a feature extractor. N: images; C, H, W: image; F: feature width."""

from torch import Tensor

from ganzoo.registry import Component

Settings = dict[str, str | int | float | bool]
"""The settings behind a number, flat and comparable; numbers of different protocols never share a column."""


class FeatureExtractor(Component):
    """A frozen network from uint8 images to features, for metrics.

    Args:
        device: where to run, a runtime fact.
    """

    kind = "features"
    runtime_facts = frozenset({"device"})

    label: str
    """What its numbers are named after: `fd_<label>`, `kd_<label>`."""

    feature_dim: int
    """F."""

    def check_available(self) -> None:
        """Refuse before any work if the weights are missing.

        Raises:
            UserError: what is missing, where it was sought, how to get it.
        """
        raise NotImplementedError

    def __call__(self, images_NCHW: Tensor) -> Tensor:
        """Return float32 features (N, F) on the CPU for uint8 images (N, C, H, W), C being 1 or 3."""
        raise NotImplementedError

    def protocol(self) -> Settings:
        """Return what determines the features: extractor, weights hash, resize."""
        raise NotImplementedError

    def metric_name(self, metric: str) -> str:
        """Return the name under which a metric ("fd", "kd") of these features is reported."""
        return f"{metric}_{self.label}"
