"""Try every metric on real images that are degraded in a known way, and say whether it reacts as it claims to.

    python benchmarks/metric_reactions.py                # measure, write, print
    python benchmarks/metric_reactions.py --write-docs   # put the table of the committed result into docs/evaluation.md

Fashion-MNIST at 16 px. The reference is 5,000 test images; the fakes are 5,000 images of the training split, as they
are or degraded. Another 5,000 training images stand for the training set of a generator; only `memorization`
asks for them. The undegraded fakes are drawn as 8 disjoint sets: a metric has moved if its value lies more than
MOVED_DEVIATIONS of their standard deviations from their mean. What each metric claims (`CLAIMS`) was written down
before the first run.

N: images; C, H, W: image; F: features; K: classes.
"""

import argparse
import json
import statistics
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor
from torchvision.transforms.functional import gaussian_blur

from ganzoo import registry
from ganzoo.component import Part
from ganzoo.data.base import ImageData
from ganzoo.data.fashion_mnist import fashion_mnist
from ganzoo.evaluation.feature_cache import feature_path, read_features, write_features
from ganzoo.features.base import FeatureExtractor, Settings
from ganzoo.randomness import make_generator
from ganzoo.runs.folder import Json, write_json

ROOT = Path(__file__).parent.parent
RESULT = ROOT / "benchmarks" / "results" / "metric_reactions.json"
PAGE = ROOT / "docs" / "evaluation.md"
BEGIN, END = "<!-- table of benchmarks/metric_reactions.py -->", "<!-- end of the table -->"
SIZE = 16
NUM = 5000
NUM_UNDEGRADED = 8
MOVED_DEVIATIONS = 4

NETWORK, PIXELS = registry.part("features.efficientnet_lite0"), registry.part("features.pixels", size=SIZE)
COMMON = {"reference_split": "test", "num_fake": NUM}
METRICS = (
    registry.part("metrics.frechet_distance", features=NETWORK, **COMMON),
    registry.part("metrics.frechet_distance", features=PIXELS, **COMMON),
    registry.part("metrics.kernel_distance", features=NETWORK, num_subsets=20, **COMMON),
    registry.part("metrics.precision_recall", features=NETWORK, **COMMON),
    registry.part("metrics.density_coverage", features=NETWORK, **COMMON),
    registry.part("metrics.inception_score", features=NETWORK, num_fake=NUM),
    registry.part("metrics.ms_ssim", **COMMON),
    registry.part("metrics.memorization", features=NETWORK, num_fake=NUM),
)
OF_REALS = "ms_ssim_real"  # which no fake changes

NOISE, BLUR = ("noise, s.d. 13 of 255", "noise, s.d. 38 of 255"), ("blur, s.d. 0.5 px", "blur, s.d. 1 px")
DROPPED = ("1 of 10 classes missing", "5 of 10 classes missing")
DUPLICATES, MEMORISED = "50 images, 100 times each", "the training images"
DEGRADATIONS = (*NOISE, *BLUR, *DROPPED, DUPLICATES, MEMORISED)


def claims(rise: tuple[str, ...] = (), fall: tuple[str, ...] = (), stay: tuple[str, ...] = ()) -> dict[str, str]:
    """Return the claims of a metric by degradation, without degradations that it claims nothing about."""
    return {**dict.fromkeys(rise, "rises"), **dict.fromkeys(fall, "falls"), **dict.fromkeys(stay, "stays")}


DISTANCE = claims(rise=(*NOISE, *BLUR, *DROPPED, DUPLICATES), stay=(MEMORISED,))
CLAIMS = {
    "fd_efflite0_64px": DISTANCE,
    "fd_pixels_16px": DISTANCE,
    "kd_efflite0_64px": DISTANCE,
    "precision_efflite0_64px": claims(fall=(*NOISE, *BLUR), stay=(*DROPPED, MEMORISED)),
    "recall_efflite0_64px": claims(fall=(*DROPPED, DUPLICATES), stay=(MEMORISED,)),
    "density_efflite0_64px": claims(fall=(*NOISE, *BLUR), stay=(*DROPPED, MEMORISED)),
    "coverage_efflite0_64px": claims(fall=(*NOISE, *BLUR, *DROPPED, DUPLICATES), stay=(MEMORISED,)),
    "cs_efflite0_64px": claims(fall=(*NOISE, *BLUR, *DROPPED), stay=(MEMORISED,)),
    "ms_ssim": claims(rise=(DROPPED[1], DUPLICATES), stay=(MEMORISED,)),
    "copying_efflite0_64px": claims(rise=(MEMORISED,), fall=NOISE),
}


class DegradedImages:
    """An evaluation whose fakes are given images."""

    seed = 0
    num_classes = 0
    discriminator = None

    def __init__(self, splits: Mapping[str, ImageData], fakes: ImageData) -> None:
        self.splits, self.fakes = splits, fakes

    def real_images(self, split: str, num: int | None) -> ImageData:
        return first(self.splits[split], num)

    def fake_images(self, num: int) -> ImageData:
        return first(self.fakes, num)

    def earlier_fakes(self) -> Mapping[int, ImageData]:
        return {}

    def real_features(self, extractor: Part[FeatureExtractor], split: str, num: int | None) -> Tensor:
        return features(extractor(), self.real_images(split, num))

    def fake_features(self, extractor: Part[FeatureExtractor], num: int) -> Tensor:
        return features(extractor(), self.fake_images(num))

    def fake_class_logits(self, extractor: Part[FeatureExtractor], num: int) -> Tensor:
        return extractor().class_logits(self.fake_features(extractor, num))

    def metric_name(self, extractor: Part[FeatureExtractor], metric: str) -> str:
        return extractor().metric_name(metric)

    def protocol(self, extractor: Part[FeatureExtractor] | None, split: str | None) -> Settings:
        settings = {} if extractor is None else extractor().protocol()
        return settings if split is None else {**settings, "data_sha256": self.splits[split].sha256}


def first(data: ImageData, num: int | None) -> ImageData:
    """Return the first images with their labels; None: all."""
    return ImageData(data.images_NCHW[:num], None if data.labels_N is None else data.labels_N[:num])


def features(extractor: FeatureExtractor, data: ImageData) -> Tensor:
    """Return features (N, F), kept on disk by the images' hash."""
    path = feature_path(data.sha256, extractor.protocol(), None)
    features_NF = read_features(path, say=print)
    if features_NF is None:
        features_NF = extractor(data.images_NCHW)
        write_features(path, features_NF, say=print)
    return features_NF


def subset(data: ImageData, rows_N: Tensor) -> ImageData:
    """Return some of the images with their labels."""
    assert data.labels_N is not None
    return ImageData(data.images_NCHW[rows_N], data.labels_N[rows_N])


def with_noise(data: ImageData, deviation: float) -> ImageData:
    """Return images with normal noise, in grey values, rounded and clipped."""
    noise_NCHW = torch.randn(data.images_NCHW.shape, generator=make_generator(0, "noise")) * deviation
    return ImageData((data.images_NCHW + noise_NCHW).round().clamp(0, 255).to(torch.uint8), data.labels_N)


def with_blur(data: ImageData, deviation: float) -> ImageData:
    """Return images blurred by a Gaussian of a standard deviation in pixels."""
    return ImageData(gaussian_blur(data.images_NCHW, [7, 7], [deviation, deviation]), data.labels_N)


def make_images() -> tuple[dict[str, ImageData], list[ImageData], dict[str, ImageData]]:
    """Return the splits, the undegraded sets of fakes, and the degraded ones, by name."""
    data = fashion_mnist(size=SIZE)
    train, test = data.load("train"), data.load("test")
    shuffled = subset(train, torch.randperm(len(train), generator=make_generator(0, "fakes")))
    reference = subset(test, torch.randperm(len(test), generator=make_generator(0, "reference"))[:NUM])
    memory = subset(shuffled, torch.arange(NUM))
    rest = subset(shuffled, torch.arange(NUM, len(shuffled)))
    undegraded = [subset(rest, torch.arange(i * NUM, (i + 1) * NUM)) for i in range(NUM_UNDEGRADED)]
    fakes = undegraded[0]
    assert rest.labels_N is not None
    degraded = [
        *(with_noise(fakes, deviation) for deviation in (13, 38)),
        *(with_blur(fakes, deviation) for deviation in (0.5, 1)),
        *(subset(rest, torch.nonzero(rest.labels_N >= missing)[:NUM, 0]) for missing in (1, 5)),
        subset(fakes, torch.arange(50).repeat(NUM // 50)),
        memory,
    ]
    return {"test": reference, "train": memory}, undegraded, dict(zip(DEGRADATIONS, degraded, strict=True))


def measure(splits: Mapping[str, ImageData], fakes: ImageData) -> dict[str, float]:
    """Return the value of every measure, by name."""
    inputs = DegradedImages(splits, fakes)
    return {m.name: m.value for part in METRICS for m in part().measure(inputs) if m.name != OF_REALS}


def verdict(claim: str | None, value: float, mean: float, deviation: float) -> dict[str, Json]:
    """Return a value with how it moved and whether that was claimed, or None if nothing was claimed."""
    distance = (value - mean) / deviation
    moved = "stays" if abs(distance) <= MOVED_DEVIATIONS else "rises" if distance > 0 else "falls"
    return {
        "value": value,
        "deviations": round(distance, 1),
        "moved": moved,
        "claim": claim,
        "as_claimed": None if claim is None else moved == claim,
    }


def make_report() -> dict[str, Json]:
    """Measure everything."""
    splits, undegraded, degraded = make_images()
    base = [measure(splits, fakes) for fakes in undegraded]
    statistics_of = {
        name: (statistics.mean(row[name] for row in base), statistics.stdev(row[name] for row in base))
        for name in base[0]
    }
    cells: dict[str, Json] = {}
    for degradation, fakes in degraded.items():
        values = measure(splits, fakes)
        cells[degradation] = {
            name: verdict(CLAIMS[name].get(degradation), value, *statistics_of[name]) for name, value in values.items()
        }
    return {
        "command": "python benchmarks/metric_reactions.py",
        "data": f"Fashion-MNIST, {SIZE} px",
        "reference_sha256": splits["test"].sha256,
        "num_real": NUM,
        "num_fake": NUM,
        "num_undegraded_sets": NUM_UNDEGRADED,
        "moved_deviations": MOVED_DEVIATIONS,
        "versions": {"torch": torch.__version__},
        "undegraded": {n: {"mean": mean, "deviation": deviation} for n, (mean, deviation) in statistics_of.items()},
        "degraded": cells,
    }


SIGNS = {"rises": "↑", "falls": "↓", "stays": "="}


def table(report: dict[str, Json]) -> str:
    """Return the table in Markdown."""
    undegraded, degraded = report["undegraded"], report["degraded"]
    assert isinstance(undegraded, dict)
    assert isinstance(degraded, dict)
    lines = ["| fakes | " + " | ".join(f"`{name}`" for name in undegraded) + " |", "|---" * (len(undegraded) + 1) + "|"]
    none = " | ".join(f"{row['mean']:.3g} ± {row['deviation']:.1g}" for row in undegraded.values())
    lines.append(f"| undegraded | {none} |")
    for degradation, row in degraded.items():
        lines.append(f"| {degradation} | " + " | ".join(cell_text(row[name]) for name in undegraded) + " |")
    return "\n".join(lines) + "\n"


def cell_text(cell: dict[str, Json]) -> str:
    """Return a value, how it moved, and in bold the claim if it differs."""
    text = f"{cell['value']:.3g} {SIGNS[str(cell['moved'])]}"
    if cell["claim"] is None:
        return f"({text})"
    return text if cell["as_claimed"] else f"**{text}, not {SIGNS[str(cell['claim'])]}**"


def main() -> None:
    """Measure, write and print; or write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write-docs", action="store_true", help=f"put the committed table into {PAGE.name}")
    if parser.parse_args().write_docs:
        before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
        after = rest.partition(END)[2]
        text = table(json.loads(RESULT.read_text("utf-8")))
        PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}", "utf-8")
        return
    report = make_report()
    write_json(RESULT, report)
    print(table(report))


if __name__ == "__main__":
    main()
