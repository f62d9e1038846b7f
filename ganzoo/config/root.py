"""The base of what a recipe describes."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class RecipeRoot:
    """Base of the frozen dataclasses that a recipe fills in.

    The packaged recipes of the command `ganzoo NAME` lie in the folder `NAME` and bind the fields as `NAME.field`.
    Those of `ganzoo run` lie at the top and bind `experiment.field`.
    """

    root_name: ClassVar[str]
    """What stands before the dot where a field is bound: `experiment` in `experiment.seed`."""

    recipe_folder: ClassVar[str] = ""
    """The folder of its packaged files, below that of the recipes."""

    file_kind: ClassVar[str] = "recipe"
    """What such a file is called in messages."""
