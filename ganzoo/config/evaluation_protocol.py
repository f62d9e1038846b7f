"""How generated images are judged: the metrics, and how the images that they measure are made."""

from dataclasses import dataclass
from typing import ClassVar

from ganzoo.component import Part, complete_arguments
from ganzoo.config.recipe_files import PROTOCOLS
from ganzoo.config.root import RecipeRoot
from ganzoo.errors import UserError, check_at_least
from ganzoo.layers.batch_statistics import BatchNormStatistics
from ganzoo.metrics.base import Metric


@dataclass(frozen=True, kw_only=True)
class EvaluationProtocol(RecipeRoot):
    """What determines a metric's value, besides the generator and the data.

    An experiment has these fields too; a protocol file binds them alone.

    Args:
        metrics: measure the final images, and images every `eval_every` steps.
        num_eval_seeds: how many sets of generated images are measured; of two or more, a value is the mean, with its
            standard error.
        eval_seed: the seed of the first set's latents and labels; further sets take the next seeds. None for the run's
            own seed.
        eval_batch_size: images generated at once.
        eval_batch_norm: the statistics that batch normalization in the generator uses: `running` (averages from
            training), `standing` (averages over 100 fresh batches) or `batch` (each batch's own).
        eval_ema: whether the moving average of the generator is measured, or its raw weights; None for the average if
            there is one.
    """

    root_name: ClassVar[str] = "experiment"
    recipe_folder: ClassVar[str] = PROTOCOLS
    file_kind: ClassVar[str] = "protocol"

    metrics: tuple[Part[Metric], ...] = ()
    num_eval_seeds: int = 1
    eval_seed: int | None = None
    eval_batch_size: int = 64
    eval_batch_norm: BatchNormStatistics = "running"
    eval_ema: bool | None = None

    def __post_init__(self) -> None:
        check_at_least(1, num_eval_seeds=self.num_eval_seeds, eval_batch_size=self.eval_batch_size)
        check_at_least(0, eval_seed=self.eval_seed)
        for i, part in enumerate(self.metrics):
            if any(_is_alike(part, other) for other in self.metrics[:i]):
                names = " and ".join(_distinguishing(part))
                raise UserError(
                    f"{part.name} is in the list twice{f' with equal {names}' if names else ''}, and its numbers would "
                    "have one name; leave one out, and measure it under a protocol of its own "
                    "(`ganzoo eval --protocol FILE`)",
                    where=part.where,
                )


def _distinguishing(part: Part[Metric]) -> dict[str, object]:
    """Return the arguments that tell a metric's numbers from those of the same metric with other arguments."""
    values = complete_arguments(part)
    return {name: values[name] for name in part.component.told_apart_by if name in values}


def _is_alike(part: Part[Metric], other: Part[Metric]) -> bool:
    return part.component is other.component and _distinguishing(part) == _distinguishing(other)
