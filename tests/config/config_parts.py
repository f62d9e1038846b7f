"""A plugin file with one toy of each kind that a configuration needs; they are resolved, and never trained."""

from collections.abc import Sequence
from typing import Literal

from ganzoo.architectures.base import Discriminator, Generator
from ganzoo.component import Part
from ganzoo.data.base import Dataset, DataSpec
from ganzoo.errors import ParameterError
from ganzoo.losses.base import AdversarialLoss
from ganzoo.metrics.base import Metric
from ganzoo.normalizations.base import Normalization
from ganzoo.optim.base import OptimizerRecipe
from ganzoo.pretext.base import PretextTask
from ganzoo.registry import register


@register("data")
class toy_data(Dataset):
    """A data set."""

    def __init__(self, *, size: int = 16, root: str | None = None) -> None:
        self.size = size

    def spec(self) -> DataSpec:
        return DataSpec((1, self.size, self.size), 0, {"train": 4})


@register("normalizations")
class toy_norm(Normalization):
    """A normalization."""

    def __init__(self, *, epsilon: float = 1e-5, affine: bool = True, num_features: int) -> None:
        super().__init__()


@register("architectures")
class toy_generator(Generator):
    """A generator."""

    def __init__(self, *, width: int, normalization: Part[Normalization], latent_dim: int) -> None:
        super().__init__()


@register("architectures")
class toy_discriminator(Discriminator):
    """A discriminator."""

    def __init__(self, *, width: int = 4, normalization: Part[Normalization] | None = None) -> None:
        super().__init__()


@register("losses")
class toy_loss(AdversarialLoss):
    """A loss."""


@register("optim")
class toy_adam(OptimizerRecipe):
    """An optimizer."""

    def __init__(
        self,
        *,
        learning_rate: float = 2e-4,
        betas: tuple[float, float] = (0.0, 0.9),
        schedule: Literal["constant", "linear"] = "constant",
    ) -> None:
        if learning_rate < 0:
            raise ParameterError("learning_rate", f"must not be negative, not {learning_rate}")
        if betas[0] > 1:
            raise ParameterError(
                "schedule", f"= '{schedule}' asks for betas below 1 over {{num_steps}} steps; set {{betas}}"
            )
        if betas[1] < 0:
            raise ValueError("it is too sharp")


@register("pretext")
class toy_task(PretextTask):
    """A task."""

    def __init__(
        self,
        *,
        alpha: float = 1,
        angles: Sequence[int] = (0, 90),
        names: list[str] | None = None,
        weights: dict[str, float] | None = None,
        batch_size: int,
    ) -> None:
        super().__init__()


@register("pretext")
class toy_nested(PretextTask):
    """A task with a task inside."""

    def __init__(self, *, inner: Part[PretextTask] | None = None) -> None:
        super().__init__()


@register("metrics")
class toy_metric(Metric):
    """A metric."""

    def __init__(self, *, num: int | float = 5) -> None:
        self.num = num
