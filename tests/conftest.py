"""Fixtures that every test may use."""

import os
import shutil
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image

import ganzoo.training.trainer  # noqa: F401  what `_curves_are_not_drawn` looks for is imported
from ganzoo.data import fashion_mnist

TINY_RECIPE = """
experiment:
    dataset = @data.synthetic
    generator = @architectures.resnet_generator
    discriminator = @architectures.resnet_discriminator
    loss = @losses.hinge
    conditioning = None
    pretext = [@pretext.rotation]
    augment = @augment.flip
    g_optimizer = @optim.adam
    d_optimizer = @optim.adam
    num_steps = 12
    num_d_steps = 2
    batch_size = 8
    latent_dim = 8
    ema_decay = 0.9
    checkpoint_every = 4
    sample_every = 0
    log_every = 3
    num_threads = 1
data.synthetic.size = 16
data.synthetic.channels = 1
data.synthetic.num_images = 20
architectures.resnet_generator.width = 4
architectures.resnet_generator.normalization = @normalizations.batch
architectures.resnet_discriminator.width = 4
architectures.resnet_discriminator.normalization = @normalizations.none
pretext.rotation.alpha_schedule = 'linear'
optim.adam.schedule = 'linear'
"""

FASHION_MNIST = fashion_mnist.DEBIAN_FOLDER


def missing(marker: str) -> str:
    """Return what a marked test needs and this machine lacks, with the way to get it, or an empty string."""
    if marker == "browser" and not (shutil.which("chromium") and shutil.which("chromedriver")):
        return "chromium and chromedriver are not installed (Debian: apt-get install chromium chromium-driver)"
    if marker == "fashion_mnist" and not FASHION_MNIST.is_dir():
        return f"{FASHION_MNIST} is missing (Debian: apt-get install dataset-fashion-mnist)"
    return ""


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what this machine cannot run; where GANZOO_REQUIRE_ALL is set, as in CI, that is a failure."""
    for reason in filter(None, (missing(marker.name) for marker in item.iter_markers())):
        if os.environ.get("GANZOO_REQUIRE_ALL"):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)


@pytest.fixture(autouse=True)
def _one_thread_and_own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Results depend on the number of threads, and no test may find another's cached features."""
    torch.set_num_threads(1)
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path_factory.getbasetemp() / "ganzoo-cache"))


def save_small_picture(rows: object, path: Path, **options: object) -> None:
    Image.new("L", (1, 1)).save(path)


@pytest.fixture(autouse=True)
def _curves_are_not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing its curves takes longer than a tiny run, so runs of this process leave a small picture instead.

    `tests/diagnostics/test_plots.py` draws curves, and so do the runs in processes of their own.
    """
    for name in [name for name in sys.modules if name.startswith("ganzoo.training.")]:
        if hasattr(sys.modules[name], "save_curves"):
            monkeypatch.setattr(sys.modules[name], "save_curves", save_small_picture)


@pytest.fixture(scope="session")
def tiny_recipe_text() -> str:
    """The text of `tiny_recipe`, for fixtures that train one run for several tests."""
    return TINY_RECIPE


@pytest.fixture
def tiny_recipe(tmp_path: Path) -> Path:
    """A recipe that trains in a second: every kind of state there is, 12 steps."""
    path = tmp_path / "tiny.gin"
    path.write_text(TINY_RECIPE)
    return path
