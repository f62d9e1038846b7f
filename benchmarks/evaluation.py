"""Measure the cost of an evaluation: the Frechet distance, feature extraction, peak memory of the feature metrics.

    OMP_NUM_THREADS=1 python benchmarks/evaluation.py

Compared, in alternating rounds of one process: the Frechet distance against the matrix root as pytorch-fid and
clean-fid take it (SciPy's sqrtm of the product, NumPy's moments), and `features.efficientnet_lite0` against a bare loop
of the same network over batches of floats that are resized already. Peak memory and time of every metric are those of a
fresh process that has normal noise in place of features. The pass over neighbours grows with the square of the images;
`--num-neighbours` lowers their number in precision, recall, density and coverage, all features staying in memory.

N: images; C, H, W: image; F: features.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import scipy.linalg
import torch
from torch import Tensor

from ganzoo import registry
from ganzoo.component import Part
from ganzoo.features.base import FeatureExtractor, Settings
from ganzoo.features.efficientnet_lite0 import BATCH_SIZE, SIZE, efficientnet_lite0
from ganzoo.hardware import cpu_name, num_cpus, peak_memory_bytes
from ganzoo.metrics.frechet_distance import gaussian_distance, moments
from ganzoo.resize import resize
from ganzoo.runs.folder import Json, write_json

RESULT = Path(__file__).parent / "results" / "evaluation.json"
NUM_FEATURES = 2048
METRICS = ("frechet_distance", "kernel_distance", "precision_recall", "density_coverage")
OF_NEIGHBOURS = METRICS[2:]
PACKAGES = ("torch", "numpy", "scipy", "efficientnet-lite-pytorch")


class GivenFeatures:
    """An evaluation whose features are given."""

    seed = 0

    def __init__(self, real_NF: Tensor, fake_NF: Tensor) -> None:
        self.real_NF, self.fake_NF = real_NF, fake_NF

    def real_features(self, extractor: Part[FeatureExtractor], split: str, num: int | None) -> Tensor:
        return self.real_NF[:num]

    def fake_features(self, extractor: Part[FeatureExtractor], num: int) -> Tensor:
        return self.fake_NF[:num]

    def metric_name(self, extractor: Part[FeatureExtractor], metric: str) -> str:
        return metric

    def protocol(self, extractor: Part[FeatureExtractor] | None, split: str | None) -> Settings:
        return {}


def measure_memory(name: str, num: int, num_neighbours: int) -> None:
    """Print the seconds and the peak memory in MiB of this process for one metric, or for the features alone."""
    rng = torch.Generator().manual_seed(0)
    real_NF, fake_NF = (torch.randn(num, NUM_FEATURES, generator=rng) for _ in range(2))
    start = time.perf_counter()
    if name != "features":
        used = num_neighbours if name in OF_NEIGHBOURS else num
        metric = registry.part(f"metrics.{name}", features=registry.part("features.inception"), num_fake=used)()
        metric.measure(GivenFeatures(real_NF[:used], fake_NF[:used]))
    elapsed = time.perf_counter() - start
    peak = peak_memory_bytes() / 2**20
    print(json.dumps({"seconds": round(elapsed, 1), "peak_memory_mib": round(peak)}))


def memory(num: int, num_neighbours: int) -> dict[str, Json]:
    """Return the peak memory of every metric in a process of its own, with and without the features."""
    report: dict[str, Json] = {
        "num_images_of_either_kind": num,
        "num_images_of_either_kind_for_neighbours": num_neighbours,
        "features_mib": round(2 * num * NUM_FEATURES * 4 / 2**20),
    }
    for name in ("features", *METRICS):
        command = [sys.executable, __file__, "--only", name, "--num", str(num), "--num-neighbours", str(num_neighbours)]
        report[name] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return report


def by_matrix_root(x_NF: np.ndarray, y_NF: np.ndarray) -> tuple[float, float]:
    """Return the Frechet distance as pytorch-fid computes it, and the seconds of it without the moments."""
    m1, m2, s1, s2 = x_NF.mean(0), y_NF.mean(0), np.cov(x_NF, rowvar=False), np.cov(y_NF, rowvar=False)
    start = time.perf_counter()
    root = scipy.linalg.sqrtm(s1 @ s2).real
    distance = float(((m1 - m2) ** 2).sum() + np.trace(s1) + np.trace(s2) - 2 * np.trace(root))
    return distance, time.perf_counter() - start


def by_cholesky_factor(x_NF: Tensor, y_NF: Tensor) -> tuple[float, float]:
    """Return the Frechet distance as ganzoo computes it, and the seconds of it without the moments."""
    first, second = moments(x_NF), moments(y_NF)
    start = time.perf_counter()
    distance = gaussian_distance(*first, *second)
    return distance, time.perf_counter() - start


def frechet(num: int, num_rounds: int) -> dict[str, Json]:
    """Return the seconds of both routes from features to a distance, round by round."""
    rng = torch.Generator().manual_seed(0)
    mixing_FF = torch.randn(NUM_FEATURES, NUM_FEATURES, generator=rng) / NUM_FEATURES**0.5
    x_NF = torch.randn(num, NUM_FEATURES, generator=rng) @ mixing_FF
    y_NF = torch.randn(num, NUM_FEATURES, generator=rng) @ mixing_FF * 0.9 + 0.1
    # pytorch-fid collects its features in float64.
    x, y = x_NF.double().numpy(), y_NF.double().numpy()
    routes: dict[str, Callable[[], tuple[float, float]]] = {
        "ganzoo": lambda: by_cholesky_factor(x_NF, y_NF),
        "matrix_root": lambda: by_matrix_root(x, y),
    }
    values: dict[str, float] = {}
    whole: dict[str, list[float]] = {name: [] for name in routes}
    distance: dict[str, list[float]] = {name: [] for name in routes}
    for round_number in range(num_rounds + 1):
        for name, route in routes.items():
            start = time.perf_counter()
            values[name], without_moments = route()
            if round_number:
                whole[name].append(round(time.perf_counter() - start, 3))
                distance[name].append(round(without_moments, 3))
    return {
        "num_images": num,
        "num_features": NUM_FEATURES,
        "values": dict(values),
        "relative_difference": abs(values["ganzoo"] / values["matrix_root"] - 1),
        "seconds_of_distance": dict(distance),
        "seconds_with_moments": dict(whole),
        "times_as_fast": ratios(distance["matrix_root"], distance["ganzoo"]),
        "times_as_fast_with_moments": ratios(whole["matrix_root"], whole["ganzoo"]),
    }


def extraction(num: int, num_rounds: int) -> dict[str, Json]:
    """Return images a second of the extractor and of a bare loop, round by round."""
    extractor = efficientnet_lite0()
    images_NCHW = torch.randint(0, 256, (num, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    batches = [
        resize(batch_NCHW.float(), SIZE, filter_="bicubic").contiguous(memory_format=torch.channels_last)
        for batch_NCHW in torch.split(images_NCHW, BATCH_SIZE)
    ]

    def bare() -> Tensor:
        with torch.no_grad():
            return torch.cat([extractor._pooled(batch_NCHW) for batch_NCHW in batches])

    loops: dict[str, Callable[[], Tensor]] = {"ganzoo": lambda: extractor(images_NCHW), "bare_loop": bare}
    rates: dict[str, list[float]] = {name: [] for name in loops}
    for round_number in range(num_rounds + 1):
        for name, loop in loops.items():
            start = time.perf_counter()
            loop()
            if round_number:
                rates[name].append(round(num / (time.perf_counter() - start), 1))
    return {
        "extractor": "features.efficientnet_lite0",
        "num_images": num,
        "image_size_px": 32,
        "images_per_second": dict(rates),
        "share_of_the_bare_rate": ratios(rates["ganzoo"], rates["bare_loop"]),
    }


def ratios(numerators: list[float], denominators: list[float]) -> dict[str, Json]:
    """Return the median, least and greatest of the rounds' ratios."""
    values = [a / b for a, b in zip(numerators, denominators, strict=True)]
    return {"median": round(statistics.median(values), 3), "min_max": [round(min(values), 3), round(max(values), 3)]}


def main() -> None:
    """Parse the arguments, measure, write and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="counted rounds, after one that is not")
    parser.add_argument("--num", type=int, default=50_000, help="images of either kind, for memory")
    parser.add_argument("--num-neighbours", type=int, help="the same for metrics of neighbours; as many if not given")
    parser.add_argument("--only", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    num_neighbours = arguments.num_neighbours or arguments.num
    if arguments.only:
        measure_memory(arguments.only, arguments.num, num_neighbours)
        return
    report: dict[str, Json] = {
        "command": " ".join(["python", "benchmarks/evaluation.py", *sys.argv[1:]]),
        "hardware": {
            "cpu": cpu_name(),
            "num_cpus": num_cpus(),
            "num_threads": torch.get_num_threads(),
            "load_average_before": [round(load, 2) for load in os.getloadavg()],
        },
        "versions": {"python": platform.python_version(), **{p: importlib.metadata.version(p) for p in PACKAGES}},
        "memory": memory(arguments.num, num_neighbours),
        "frechet_distance": frechet(10_000, arguments.rounds),
        "extraction": extraction(20 * BATCH_SIZE, arguments.rounds),
    }
    write_json(RESULT, report)
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
