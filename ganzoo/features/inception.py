"""The Inception network of FID and KID. N: images; F: 2048; K: 1008 outputs."""

import hashlib
import os
import tempfile
from functools import cached_property
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from ganzoo.component import DeclaredArguments
from ganzoo.errors import ParameterError, UserError, nearest
from ganzoo.features.base import CPU, FeatureExtractor, Settings
from ganzoo.features.batches import RESIZE, classify, extract
from ganzoo.paths import cache_folder
from ganzoo.registry import register

FILE_NAME = "inception-2015-12-05.pt"
WEIGHTS_URL = f"https://nvlabs-fi-cdn.nvidia.com/stylegan2-ada-pytorch/pretrained/metrics/{FILE_NAME}"
WEIGHTS_SHA256 = "f58cb9b6ec323ed63459aa4fb441fe750cfe39fafad6da5cb504a16f19e958f4"
SIZE = 299
BATCH_SIZE = 32
Resize = Literal["clean", "legacy_tensorflow"]
RESIZES: dict[Resize, str] = {"clean": RESIZE, "legacy_tensorflow": "bilinear, not antialiased, by the network itself"}


@register("features")
class inception(DeclaredArguments, FeatureExtractor):
    """Pooled features of the original Inception network as clean-fid runs it: only its numbers are FID, KID and IS.

    The network is read from `weights`, or from the cache folder (`$GANZOO_CACHE`, else `$XDG_CACHE_HOME/ganzoo`, else
    `~/.cache/ganzoo`). It is downloaded to there, by clean-fid, only with `download = True`. A file of another hash is
    refused, so that the numbers of no other network are called FID.

    Departure from clean-fid: in the mode "clean" images are resized by torch's antialiased bicubic filter, all at once,
    and not one by one with Pillow's; the resized pixels, of 0..255, agree to 1e-3.

    Source: Heusel et al., arXiv:1706.08500; Parmar et al., "On Aliased Resizing", arXiv:2104.11222 (clean-fid's modes
    of these names, with the network of 2015-12-05 converted to TorchScript).

    >>> inception().feature_dim, inception().metric_name("fd"), inception().metric_name("kd")
    (2048, 'fid', 'kid')

    Args:
        resize: how images reach 299 px: `clean` as clean-fid recommends, or `legacy_tensorflow` to leave it to the
            network as TensorFlow's FID did, for comparison with papers of that time. Both are called FID, and their
            protocols differ.
        weights: path of `inception-2015-12-05.pt`; None for the one in the cache folder.
        download: whether a run whose cache folder lacks the file downloads it (91 MB) before it begins.
        device: where to run.
    """

    label = "inception"
    feature_dim = 2048
    num_classes = 1008

    resize: Resize = "clean"
    weights: str | None = None
    download: bool = False
    device: torch.device = CPU

    def __post_init__(self) -> None:
        if self.resize not in RESIZES:
            known = ", ".join(RESIZES)
            raise ParameterError(
                "resize", f"must be one of {known}, not '{self.resize}'{nearest(self.resize, RESIZES)}"
            )
        if self.weights is not None and self.download:
            raise ParameterError("weights", "and {download} exclude each other: a download goes to the cache folder")
        if self.weights is not None and Path(self.weights).name != FILE_NAME:
            raise ParameterError("weights", f"must be the path of a file called {FILE_NAME}, not {self.weights!r}")

    def check_available(self) -> None:
        """Refuse if the network is missing and is not to be or cannot be downloaded, or if it is another one."""
        if self.download and not self._path.is_file():
            _download(self._path)
        _ = self._sha256

    def __call__(self, images_NCHW: Tensor) -> Tensor:
        """Return float32 features (N, 2048) on the CPU for uint8 images (N, 1 or 3, H, W)."""
        # In the other mode the network itself resizes; a resize to the images' own size changes nothing.
        size = SIZE if self.resize == "clean" else images_NCHW.shape[-1]
        return extract(self._network, images_NCHW, size=size, batch_size=BATCH_SIZE, device=self.device)

    def class_logits(self, features_NF: Tensor) -> Tensor:
        """Return float32 logits (N, 1008) on the CPU for features (N, 2048).

        The network's bias is left out and its 8 unused outputs are kept, as in the program of Salimans et al. that
        published scores come from.
        """
        output: nn.Module = self._network.base.output  # type: ignore[union-attr, assignment]
        weight_KF: Tensor = output.weight  # type: ignore[assignment]
        return classify(features_NF, weight_KF, None)

    def protocol(self) -> Settings:
        """Return extractor, weights and resize."""
        return {
            "extractor": "features.inception",
            "weights_sha256": WEIGHTS_SHA256,
            "resize": f"{RESIZES[self.resize]}, to {SIZE} px",
        }

    def metric_name(self, metric: str) -> str:
        """Return "fid" for "fd", "kid" for "kd" and so on; a metric without such a name is named after the network."""
        names = {"fd": "fid", "kd": "kid", "cs": "is", "intra_fd": "intra_fid"}
        return names.get(metric, super().metric_name(metric))

    @property
    def _path(self) -> Path:
        return cache_folder() / FILE_NAME if self.weights is None else Path(self.weights).expanduser()

    @cached_property
    def _sha256(self) -> str:
        """The hash of the file, which must be the known one."""
        if not self._path.is_file():
            place = "" if self.weights else ", or set features.inception.download = True"
            raise UserError(
                f"features.inception needs its network and '{self._path}' is not there; download {WEIGHTS_URL} to that "
                f"path{place} (features.efficientnet_lite0 works without a download, under its own name)"
            )
        with self._path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != WEIGHTS_SHA256:
            raise UserError(
                f"'{self._path}' is not the network that FID is defined by (sha256 {found}, not {WEIGHTS_SHA256}); "
                f"remove it and download {WEIGHTS_URL}"
            )
        return found

    @cached_property
    def _network(self) -> nn.Module:
        """The network, loaded on first use."""
        self.check_available()
        from cleanfid.inception_torchscript import InceptionV3W

        resize_inside = self.resize == "legacy_tensorflow"
        network: nn.Module = InceptionV3W(str(self._path.parent), download=False, resize_inside=resize_inside)
        return network.eval().requires_grad_(False).to(self.device)


def _download(path: Path) -> None:
    """Let clean-fid download the network; the file appears only when it is complete and the right one.

    Raises:
        UserError: the download fails.
    """
    from cleanfid.downloads_helper import check_download_inception

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            part = Path(check_download_inception(fpath=folder))
            if hashlib.sha256(part.read_bytes()).hexdigest() != WEIGHTS_SHA256:
                raise UserError(f"{WEIGHTS_URL} gave a file other than the network that FID is defined by; try again")
            os.replace(part, path)
    except OSError as error:
        raise UserError(
            f"cannot download {WEIGHTS_URL} to '{path}' ({error}); put the file there by hand, or use "
            "features.efficientnet_lite0, which needs no download"
        ) from error
