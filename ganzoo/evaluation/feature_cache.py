"""Features of real images, kept on disk under a hash of the data and the extractor. N: images; F: features."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import safetensors.torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ganzoo.features.base import Settings
from ganzoo.paths import cache_folder
from ganzoo.runs.folder import write_atomically

NAME = "features_NF"


def feature_path(data_sha256: str, protocol: Settings, num: int | None) -> Path:
    """Return the file for the features of `num` (None: all) images of some data under an extractor's protocol."""
    key = json.dumps({"data_sha256": data_sha256, "protocol": protocol, "num": num}, sort_keys=True)
    return cache_folder() / "features" / f"{hashlib.sha256(key.encode()).hexdigest()}.safetensors"


def read_features(path: Path, *, say: Callable[[str], None]) -> Tensor | None:
    """Return cached features (N, F), or None if there are none or the file is damaged, which is said."""
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            features_NF: Tensor = file.get_tensor(NAME)
            recorded = (file.metadata() or {}).get("sha256")
    except (OSError, SafetensorError) as error:
        say(f"the cached features '{path}' are damaged ({error}) and are computed anew")
        return None
    if recorded != _sha256(features_NF):
        say(f"the cached features '{path}' do not match their checksum and are computed anew")
        return None
    return features_NF


def write_features(path: Path, features_NF: Tensor, *, say: Callable[[str], None]) -> None:
    """Keep features. If several runs write at once, the last file stays; all are equal.

    If the cache cannot be written, that is said and costs only time.
    """
    features_NF = features_NF.contiguous()
    content = safetensors.torch.save({NAME: features_NF}, metadata={"sha256": _sha256(features_NF)})
    try:
        write_atomically(path, content)
    except OSError as error:
        say(f"features cannot be cached in '{path.parent}' ({error}) and will be computed again next time")


def _sha256(features_NF: Tensor) -> str:
    return hashlib.sha256(features_NF.numpy().data).hexdigest()
