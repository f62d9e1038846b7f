"""The features of the run's own discriminator. N: images; C, H, W: image; F: features; h, w: a tap's map."""

import hashlib

import torch
from torch import Tensor

from ganzoo.architectures.base import Discriminator
from ganzoo.batch import to_images
from ganzoo.component import DeclaredArguments
from ganzoo.errors import ParameterError, UserError, nearest
from ganzoo.features.base import CPU, FeatureExtractor, Settings
from ganzoo.layers.batch_statistics import evaluation_mode
from ganzoo.registry import register

BATCH_SIZE = 256


@register("features")
class discriminator(DeclaredArguments, FeatureExtractor):
    """Features of the run's own discriminator in evaluation mode.

    Its numbers are called `fd_discriminator`, `fd_discriminator_block2` and so on. They show what the discriminator
    distinguishes, not how good images are: the generator is trained against these very features, so that a low distance
    is no merit. The hash of the discriminator is in the protocol, so that numbers of two discriminators never share a
    column. Images must have the run's own size and channels; nothing is resized.

    Source: the run; compare feature matching, Salimans et al., arXiv:1606.03498, section 3.1.

    >>> discriminator(tap="block2").metric_name("fd")
    'fd_discriminator_block2'

    Args:
        tap: a named activation, e.g. `'block2'`, averaged over its pixels; None for the pooled features that every head
            sees.
        device: where to run.
        discriminator: that of the run; None if there is none, which `check_available` refuses.
    """

    is_of_the_run = True

    tap: str | None = None
    device: torch.device = CPU
    discriminator: Discriminator | None = None

    def __post_init__(self) -> None:
        self.label = "discriminator" if self.tap is None else f"discriminator_{self.tap}"
        if self.discriminator is None:
            return
        taps, tap = self.discriminator.tap_shapes, self.tap
        if tap is not None and tap not in taps:
            raise ParameterError("tap", f"is '{tap}' and this discriminator has {', '.join(taps)}{nearest(tap, taps)}")
        self.feature_dim = self.discriminator.feature_dim if tap is None else taps[tap][0]

    def check_available(self) -> None:
        """Refuse a missing discriminator, and one whose features depend on more than the image."""
        if self.discriminator is None:
            raise UserError(
                "features.discriminator reads the discriminator of a run and there is none here; use another extractor"
            )
        if self.discriminator.features_use_labels:
            raise UserError(
                "features.discriminator reads what a discriminator sees in an image, and this one's features depend on "
                "the label that it is given; use another extractor"
            )

    def __call__(self, images_NCHW: Tensor) -> Tensor:
        """Return float32 features (N, F) on the CPU for uint8 images (N, C, H, W) of the run's size and channels."""
        network = self._network
        with torch.no_grad(), evaluation_mode(network):
            batches = torch.split(images_NCHW, BATCH_SIZE)
            return torch.cat([self._features(network, batch_NCHW).float().cpu() for batch_NCHW in batches])

    def protocol(self) -> Settings:
        """Return extractor, tap, and the hash of the discriminator's state."""
        return {
            "extractor": "features.discriminator",
            "tap": self.tap or "pooled features",
            "weights_sha256": _state_sha256(self._network),
            "resize": "none",
        }

    def _features(self, network: Discriminator, batch_NCHW: Tensor) -> Tensor:
        x_NCHW = to_images(batch_NCHW, device=self.device)
        # Only the logits of a conditional discriminator use labels, and they are not used here: any class will do.
        labels_N = torch.zeros(len(x_NCHW), dtype=torch.int64, device=self.device)
        if self.tap is None:
            return network(x_NCHW, labels_N).features_NF  # type: ignore[no-any-return]
        return network(x_NCHW, labels_N, taps=[self.tap]).taps[self.tap].mean((2, 3))  # type: ignore[no-any-return]

    @property
    def _network(self) -> Discriminator:
        self.check_available()
        assert self.discriminator is not None
        return self.discriminator


def _state_sha256(network: Discriminator) -> str:
    """Return the hash of all parameters and buffers with their names. It is not cached, as training changes them."""
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()
