"""Arguments that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Recipe = Annotated[
    str,
    typer.Argument(metavar="RECIPE", help="Path of a gin file, or the name of a packaged recipe such as ssgan_resnet."),
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="BINDING", help="A gin binding that overrides the recipe's; may be repeated."),
]
Plugins = Annotated[
    list[Path] | None,
    typer.Option("--plugin", metavar="FILE", help="A Python file that registers components; may be repeated."),
]
Run = Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run.", show_default=False)]
Step = Annotated[
    int | None, typer.Option("--step", metavar="N", help="Take the checkpoint of this step; default: the newest.")
]
Device = Annotated[str, typer.Option("--device", metavar="D", help="cpu, cuda, cuda:1, mps, ...")]
DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        metavar="DIR",
        help="Where data sets are sought first.",
        show_default=False,
        exists=True,
        file_okay=False,
    ),
]
