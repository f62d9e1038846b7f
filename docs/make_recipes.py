"""Make docs/recipes.md from the headers of the packaged recipes: `python docs/make_recipes.py`.

A test holds that this changes nothing.
"""

import re
from collections import defaultdict
from pathlib import Path

from ganzoo.config.load import load
from ganzoo.config.recipe_files import recipes_dir

PAGE = Path(__file__).parent / "recipes.md"
ARXIV = re.compile(r"arXiv:(\d{4}\.\d{4,5})")
HEAD = """# Recipes

A recipe is a file of `gin/`, and its name is all that the command line needs: `ganzoo run ssgan_resnet`. Its header
names the paper and what is commonly overridden. `ganzoo check NAME` builds it without its data and shows every binding;
[Configuration](config.md) explains the language, and [Data](data.md) says where the files of a data set go.

This page is made from the headers by `python docs/make_recipes.py`.
"""
GROUPS = {
    "Digits": (("digits",), "Minutes on a CPU; nothing is downloaded."),
    "Fashion-MNIST": (
        ("fashion_mnist",),
        "At 16 px minutes to half an hour on a CPU; at 32 px about three quarters of an hour on two CPU cores (1.1 "
        "updates a second).",
    ),
    "CIFAR-10": (("cifar10",), "The paper's main setting, for a GPU."),
    "CIFAR-10 as JPEG files": (
        ("cifar10_jpeg",),
        "A lossy copy of CIFAR-10 that anyone can clone ([Data](data.md)). Its numbers are none of CIFAR-10. "
        "Recipes of `16_paper` have the paper's form of networks at 16 px and width 32. Those of `wide` have SNGAN's "
        "widths at 32 px, and the others width 64.",
    ),
    "Larger data sets": (
        ("cifar100", "stl10", "celeba_hq", "lsun", "imagenet"),
        "Baselines, for a GPU; `experiment.pretext = [@pretext.rotation]` makes them SSGANs.",
    ),
}
"""The data sets of each section, and what stands above its table."""
PROTOCOLS = """
## Protocols

`ganzoo eval RUN --protocol NAME` measures a run by a file of `gin/protocols/` ([Evaluation](evaluation.md)).
"""
FORGETTING = """
## Recipes of `ganzoo forgetting`

`ganzoo forgetting NAME` takes a file of `gin/forgetting/` ([Forgetting](forgetting.md)).
"""


def header(path: Path) -> str:
    """Return the comment that a recipe begins with, as one text."""
    lines = path.read_text("utf-8").splitlines()
    end = next(number for number, line in enumerate(lines) if not line.startswith("#"))
    return "\n".join(line.removeprefix("#").strip() for line in lines[:end])


def row(path: Path) -> str:
    """Return the row of a recipe: its name, what it is, and its papers."""
    text = header(path)
    what = " ".join(text.partition("\n\n")[0].split())
    papers = dict.fromkeys(ARXIV.findall(text))
    links = ", ".join(f"[{number}](https://arxiv.org/abs/{number})" for number in papers)
    return f"| `{path.stem}` | {what} | {links} |"


def table(paths: list[Path]) -> str:
    """Return a table of recipes."""
    return "\n".join(["| name | what | arXiv |", "|---|---|---|", *(row(path) for path in paths)])


def page() -> str:
    """Return the page.

    Raises:
        ValueError: a recipe's data set is in no group.
    """
    by_data = defaultdict(list)
    for path in sorted(recipes_dir().glob("*.gin"), key=lambda path: path.stem.replace("_", " ")):
        by_data[load(str(path)).experiment.dataset.name.removeprefix("data.")].append(path)
    sections = [HEAD]
    for heading, (datasets, note) in GROUPS.items():
        paths = [path for dataset in datasets for path in by_data.pop(dataset)]
        sections.append(f"\n## {heading}\n\n{note}\n\n{table(paths)}\n")
    if by_data:
        raise ValueError(f"the recipes of data.{', data.'.join(by_data)} are in no group; give them a place in GROUPS")
    for heading, folder in ((FORGETTING, "forgetting"), (PROTOCOLS, "protocols")):
        sections += [f"{heading}\n{table(sorted((recipes_dir() / folder).glob('*.gin')))}\n"]
    return "".join(sections)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
