"""Measure how long a folder of images takes to load the first time and later, and how much memory it needs.

    python benchmarks/data_cache.py --out benchmarks/results/data_cache.json

It writes JPEG files of smooth noise into temporary folders, then loads them as `data.image_folder` in fresh processes:
first without a cache (`cold`: every image is decoded, resized and written), then with it (`warm`). Each process gathers
one shuffled epoch in batches afterwards, as training does. Memory is read from /proc, so this runs on Linux: `peak_rss`
also counts pages of the mapped file that were read, which the system takes back when it needs them; `anonymous` is the
memory of the process itself. `imports` is a process that loads nothing. If other programs run at the same time (see the
load in the result), seconds of the CPU say more than those of the clock.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

ROOT = Path(__file__).parent.parent
PAGE, RESULT = ROOT / "docs" / "data.md", ROOT / "benchmarks" / "results" / "data_cache.json"
BEGIN, END = "<!-- table of benchmarks/data_cache.py -->", "<!-- end of the table -->"
MIB = 2**20
Json = Any
STATES = ("imports", "cold", "warm")


def write_images(folder: Path, num: int, *, width: int, height: int) -> None:
    rng = np.random.default_rng(0)
    for number in range(num):
        coarse = Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8))
        path = folder / f"{number // 1000:03d}" / f"{number:06d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        coarse.resize((width, height), Image.Resampling.BICUBIC).save(path, quality=90)


def memory(field: str) -> int:
    """Return a value of this process in /proc, in MiB."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(f"{field}:"))
    return round(int(line.split()[1]) * 1024 / MIB)


def load(folder: Path, size: int, batch_size: int) -> dict[str, float]:
    """Load the folder, gather an epoch, and print what that cost."""
    import torch

    from ganzoo.batch import to_images
    from ganzoo.data.image_folder import image_folder
    from ganzoo.training.sampler import InfiniteSampler

    torch.set_num_threads(1)
    start, cpu_start = time.perf_counter(), time.process_time()
    data = image_folder(path=str(folder), size=size, say=print).load("train")
    digest = data.sha256
    loaded, cpu_loaded = time.perf_counter(), time.process_time()
    order, device = InfiniteSampler(len(data), seed=0), torch.device("cpu")
    anonymous = memory("RssAnon")
    for _ in range(len(data) // batch_size):
        to_images(data.images_NCHW[order.take(batch_size)], device=device)
        anonymous = max(anonymous, memory("RssAnon"))
    gathered = time.perf_counter()
    print(f"data {digest[:12]}")
    return {
        "seconds_to_start": round(loaded - start, 2),
        "cpu_seconds_to_start": round(cpu_loaded - cpu_start, 2),
        "seconds_of_an_epoch": round(gathered - loaded, 2),
        "peak_rss_mib": memory("VmHWM"),
        "anonymous_mib_while_gathering": anonymous,
    }


def table(report: dict[str, Json]) -> str:
    """Return the result as the table of the docs."""
    lines = [
        "| | images | seconds to start (of the CPU) | peak memory, MiB | without pages of the file, MiB |",
        "|---|---|---|---|---|",
        f"| imports alone | | | {report['imports']['peak_rss_mib']} | |",
    ]
    for num, states in report["num_images"].items():
        for state, name in (("cold", "first start, without a cache"), ("warm", "later starts")):
            found = states[state]
            lines.append(
                f"| {name} | {int(num):,} | {found['seconds_to_start']:.1f} ({found['cpu_seconds_to_start']:.1f}) | "
                f"{found['peak_rss_mib']} | {found['anonymous_mib_while_gathering']} |"
            )
    return "\n".join(lines)


def measure(arguments: argparse.Namespace, state: str, folder: Path, cache: Path) -> Json:
    """Return what a fresh process reports of one state, and print it."""
    environment = {**os.environ, "GANZOO_CACHE": str(cache), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *sys.argv, "--only", state, "--folder", str(folder)]
    run = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    *said, last = run.stdout.splitlines()
    print(state, last, *said, sep="\n  ")
    return json.loads(last)


def main() -> None:
    """Parse the arguments, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--num", type=int, default=200_000, help="images of the larger folder; the smaller has a tenth")
    parser.add_argument("--size", type=int, default=64, help="height and width in px that they are resized to")
    parser.add_argument("--width", type=int, default=160, help="of the files, px")
    parser.add_argument("--height", type=int, default=120, help="of the files, px")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--write-docs", action="store_true", help=f"put the committed table into {PAGE.name}")
    parser.add_argument("--only", choices=STATES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.write_docs:
        before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
        text = table(json.loads(RESULT.read_text("utf-8")))
        PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{rest.partition(END)[2]}", "utf-8")
        return
    if arguments.only == "imports":
        import torch

        import ganzoo.data.image_folder

        assert torch.__version__
        assert ganzoo.data.image_folder.image_folder
        print(json.dumps({"peak_rss_mib": memory("VmHWM")}))
        return
    if arguments.only:
        print(json.dumps(load(arguments.folder, arguments.size, arguments.batch_size)))
        return

    load_before = os.getloadavg()[0]
    settings = {key: getattr(arguments, key) for key in ("num", "size", "width", "height", "batch_size")}
    with tempfile.TemporaryDirectory() as place:
        imports = measure(arguments, "imports", Path(place), Path(place))
        by_num = {}
        for num in (arguments.num // 10, arguments.num):
            folder, cache = Path(place) / f"photos-{num}", Path(place) / f"cache-{num}"
            write_images(folder, num, width=arguments.width, height=arguments.height)
            by_num[str(num)] = {state: measure(arguments, state, folder, cache) for state in ("cold", "warm")}
    report = {
        "command": "python benchmarks/data_cache.py --out benchmarks/results/data_cache.json",
        "machine": {
            "processor": platform.processor() or platform.machine(),
            "num_cpus": os.cpu_count(),
            "load_before": round(load_before, 1),
        },
        "settings": settings,
        "image_bytes": arguments.num * 3 * arguments.size**2,
        "imports": imports,
        "num_images": by_num,
    }
    if arguments.out:
        arguments.out.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
