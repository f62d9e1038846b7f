"""How well discriminators represent classes over training: SSGAN's figure 2 in small, on Fashion-MNIST at 16 px.

Trains three recipes with three seeds each, with `metrics.linear_probe` of the last block every 250 generator updates,
and draws the curves. A run that was cut off goes on, and a finished run is not repeated:

    python benchmarks/probe_curves.py --jobs 2

It writes benchmarks/results/probe_curves.json and docs/images/probe_curves.png. `--only-draw` draws from the JSON.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks/results/probe_curves.json"
PICTURE = ROOT / "docs/images/probe_curves.png"
ROWS = {
    "fashion_uncond_resnet": "unconditional",
    "fashion_ssgan_resnet": "SSGAN",
    "fashion_rotation_only_resnet": "rotation only",
}
SEEDS = (0, 1, 2)
METRIC = "metric/probe_block3"
BINDINGS = (
    "experiment.num_steps = 1_500",
    "experiment.eval_every = 250",
    "experiment.metrics = [@metrics.linear_probe]",
    "metrics.linear_probe.taps = ('block3',)",
    "metrics.linear_probe.num_train = 5_000",
    "metrics.linear_probe.num_probe_seeds = 1",
)


def command(recipe: str, seed: int, out: Path) -> list[str]:
    """Return the command line of one run."""
    bindings = [part for binding in BINDINGS for part in ("--set", binding)]
    return ["ganzoo", "run", recipe, "--seed", str(seed), "--threads", "1", *bindings, "--out", str(out)]


def train(recipe: str, seed: int, out: Path) -> None:
    """Train one run, or go on with it."""
    arguments = [sys.executable, "-m", *command(recipe, seed, out)]
    out.mkdir(parents=True, exist_ok=True)
    with (out / "log.txt").open("a") as log:
        subprocess.run(arguments, check=True, stdout=log, stderr=log, env={**os.environ, "OMP_NUM_THREADS": "1"})


def untrained(out: Path) -> float:
    """Return the accuracy of a run's discriminator before training, by the run's own metric."""
    from ganzoo.config.load import load
    from ganzoo.gan.build import build_gan
    from ganzoo.metrics.linear_probe import linear_probe

    experiment = load(out / "operative.gin").experiment
    dataset = experiment.dataset()
    (metric,) = (part() for part in experiment.metrics)
    assert isinstance(metric, linear_probe)
    gan = build_gan(experiment, dataset.spec())
    probed = metric.probe(gan.discriminator, dataset.load("train"), dataset.load("test"))
    return probed["block3"].accuracies[0]


def curve(out: Path) -> Iterator[tuple[int, float]]:
    """Yield step and accuracy of a run, from its first weights on."""
    yield 0, untrained(out)
    for line in (out / "metrics.jsonl").read_text().splitlines():
        row = json.loads(line)
        if METRIC in row:
            yield row["step"], row[METRIC]


def collect(folder: Path) -> None:
    """Write the results of all runs."""
    runs = []
    for recipe in ROWS:
        for seed in SEEDS:
            out = folder / f"{recipe}-seed{seed}"
            environment = json.loads((out / "env.json").read_text())
            kept = ("ganzoo", "python", "packages", "cpu_capability", "num_threads", "training_code_sha256")
            runs.append(
                {
                    "recipe": recipe,
                    "seed": seed,
                    "command": " ".join(command(recipe, seed, Path("runs/probe_curves") / out.name)),
                    "curve": list(curve(out)),
                    "seconds": json.loads((out / "result.json").read_text())["seconds"],
                    "environment": {key: environment[key] for key in kept},
                }
            )
    RESULTS.write_text(json.dumps({"metric": METRIC, "bindings": BINDINGS, "runs": runs}, indent=1) + "\n")


def draw() -> None:
    """Draw the mean over seeds of every row, with the range of the seeds as a band."""
    import matplotlib.pyplot as plt
    import numpy as np

    runs = json.loads(RESULTS.read_text())["runs"]
    figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
    for (recipe, label), color, style in zip(
        ROWS.items(), ("#0072b2", "#d55e00", "#555555"), ("-", "-", "--"), strict=True
    ):
        curves = [run["curve"] for run in runs if run["recipe"] == recipe]
        steps = [step for step, _ in curves[0]]
        values = np.array([[value for _, value in found] for found in curves])
        axes.plot(steps, values.mean(0), style, color=color, label=label, marker="o", markersize=4)
        axes.fill_between(steps, values.min(0), values.max(0), color=color, alpha=0.15, linewidth=0)
    axes.set_xlabel("generator updates")
    axes.set_ylabel("accuracy of the probe on test images")
    axes.set_title("Logistic regression on D's last block, Fashion-MNIST at 16 px", loc="left", fontsize=11)
    axes.grid(visible=True, color="0.9")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, title=f"mean and range of {len(SEEDS)} seeds")
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(PICTURE, dpi=130)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=1, help="runs at once, of one thread each")
    parser.add_argument("--out", type=Path, default=Path("runs/probe_curves"), help="where the run folders are")
    parser.add_argument("--only-draw", action="store_true", help="draw from the results there are")
    arguments = parser.parse_args()
    if not arguments.only_draw:
        with ThreadPoolExecutor(arguments.jobs) as pool:
            # Seeds are the outer loop, so that an unfinished set has the same seeds of every row.
            jobs = [
                pool.submit(train, recipe, seed, arguments.out / f"{recipe}-seed{seed}")
                for seed in SEEDS
                for recipe in ROWS
            ]
            for job in jobs:
                job.result()
        collect(arguments.out)
    draw()


if __name__ == "__main__":
    main()
