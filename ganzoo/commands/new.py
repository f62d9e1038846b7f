"""`ganzoo new`: the first files of a new component."""

from pathlib import Path
from typing import Annotated

import typer

from ganzoo.commands.terminal import print_table, say


def new(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="A kind of component; `ganzoo list` shows them.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name, in snake_case.")],
    folder: Annotated[
        Path, typer.Option("--dir", metavar="DIR", help="Where to write; by default the working directory.")
    ] = Path(),
    package: Annotated[
        bool, typer.Option("--package", help="Write an installable package instead of a loose file.")
    ] = False,
) -> None:
    """Write a working component, its test and a recipe for it.

    The file is small and complete, and the recipe trains with it; a comment marks where your idea goes. No file is
    ever overwritten. An architecture consists of NAME_generator and NAME_discriminator in one file.

    Examples:
      ganzoo new pretext mirror
      ganzoo new losses my_loss --dir experiments
      ganzoo new penalties my_penalty --package
    """
    from ganzoo.scaffold.files import plan, write

    scaffold = plan(kind, name, folder=folder, is_package=package)
    paths = write(scaffold)
    rows = [(str(path), meaning) for path, meaning in zip(paths, scaffold.meanings.values(), strict=True)]
    print_table(("", ""), rows, title="written:")
    say("")
    say("next:")
    for command in scaffold.next_commands:
        say(f"  {command}")
