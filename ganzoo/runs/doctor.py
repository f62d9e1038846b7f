"""What this machine has for ganzoo: versions, devices, data sets, extractors, plugins."""

import importlib.metadata
import platform
from collections.abc import Iterator
from pathlib import Path

import torch

from ganzoo import registry
from ganzoo.component import Part, options_of
from ganzoo.config.recipe_files import recipes_dir
from ganzoo.data.base import Dataset
from ganzoo.errors import UserError
from ganzoo.features.base import FeatureExtractor
from ganzoo.hardware import bfloat16_flags, cpu_name, num_cpus
from ganzoo.registry import Listing
from ganzoo.runs.environment import VERSIONED
from ganzoo.version import __version__

Finding = tuple[str, str]


def versions() -> Iterator[Finding]:
    """Yield the versions of ganzoo, Python and the packages whose versions a run records."""
    yield "ganzoo", __version__
    yield "python", platform.python_version()
    for name in VERSIONED:
        try:
            yield name, importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            yield name, f"missing: `pip install {name}` brings it"
    yield "recipes", str(recipes_dir())


def devices() -> Iterator[Finding]:
    """Yield what can be given as `--device`, threads, and whether bfloat16 pays."""
    yield "cpu", f"{cpu_name()}, {num_cpus()} logical CPUs, torch uses {torch.get_num_threads()} threads"
    flags = bfloat16_flags()
    yield (
        "bfloat16 on cpu",
        f"fast ({', '.join(flags)})"
        if flags
        else "slow: the CPU has no instructions for it; use experiment.precision = 'float32'",
    )
    for number in range(torch.cuda.device_count()):
        yield f"cuda:{number}", torch.cuda.get_device_name(number)
    if torch.backends.mps.is_available():
        yield "mps", "Apple GPU"


def data_sets(data_dir: Path | None) -> Iterator[Finding]:
    """Yield each data set and where its files are."""
    for name in _names("data"):
        component = registry.get(name)
        assert issubclass(component, Dataset)
        needs = [n for n, p in options_of(component).items() if p.default is p.empty]
        if needs:
            yield name, f"needs {', '.join(f'{name}.{n}' for n in needs)}"
            continue
        place = Part(name, component)(data_dir=data_dir).find()
        yield name, place or "not found; `ganzoo run` says what to download and where to put it"


def extractors() -> Iterator[Finding]:
    """Yield each feature extractor and whether its weights are here."""
    for name in _names("features"):
        component = registry.get(name)
        assert issubclass(component, FeatureExtractor)
        if component.is_of_the_run:
            yield name, "comes with a run"
            continue
        try:
            Part(name, component)(device=torch.device("cpu")).check_available()
        except UserError as error:
            yield name, f"missing: {error}"
        else:
            yield name, "available"


def plugins() -> Iterator[Finding]:
    """Yield each component that another package adds, and whether it loads."""
    for name, listing in registry.index().items():
        if listing.origin != "ganzoo":
            yield name, f"{listing.origin}: {_loads(listing)}"


def _loads(listing: Listing) -> str:
    try:
        registry.get(listing.name)
    except UserError as error:
        return str(error)
    return "loads"


def _names(kind: str) -> list[str]:
    known = registry.index().items()
    return [name for name, listing in known if name.startswith(f"{kind}.") and _loads(listing) == "loads"]
