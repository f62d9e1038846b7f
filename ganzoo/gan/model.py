"""What is trained: generator and discriminator, with the generator's moving average and the tasks' heads."""

from collections.abc import Iterator, Mapping

from torch import nn

from ganzoo.architectures.base import Discriminator, Generator
from ganzoo.conditioning.base import Conditioning
from ganzoo.gan.moving_average import MovingAverage
from ganzoo.pretext.base import PretextTask


class Gan(nn.Module):
    """The networks of one run.

    Args:
        generator: G.
        discriminator: D.
        tasks: pretext tasks by name; their heads are trained by D's optimizer.
        ema_decay: decay per generator step of the moving average of G; None for no average.
        num_classes: classes of the labels that both networks take; 0 for an unconditional GAN.
        conditioning: built the networks and knows which labels are hidden; None for an unconditional GAN.
        ema_start: generator updates before which the average is a copy of G.
    """

    def __init__(
        self,
        generator: Generator,
        discriminator: Discriminator,
        tasks: Mapping[str, PretextTask],
        *,
        ema_decay: float | None,
        num_classes: int,
        conditioning: Conditioning | None = None,
        ema_start: int = 0,
    ) -> None:
        super().__init__()
        self.generator = generator
        self.discriminator = discriminator
        self.task_modules = nn.ModuleDict(tasks)
        self.num_classes, self.conditioning = num_classes, conditioning
        self.ema: MovingAverage | None = None
        if ema_decay is not None:
            self.ema = MovingAverage(generator, decay=ema_decay, start=ema_start)

    @property
    def tasks(self) -> dict[str, PretextTask]:
        """The pretext tasks by name."""
        return {name: task for name, task in self.task_modules.items() if isinstance(task, PretextTask)}

    @property
    def sampler(self) -> Generator:
        """The generator whose images are sampled and measured: the moving average if there is one."""
        return self.generator if self.ema is None else self.ema.module

    def d_parameters(self) -> Iterator[nn.Parameter]:
        """Yield what the discriminator's optimizer trains: D and every task's heads."""
        yield from self.discriminator.parameters()
        yield from self.task_modules.parameters()

    def update_ema(self, *, step: int) -> None:
        """Update the moving average after an update of G.

        Args:
            step: generator updates before that one.
        """
        if self.ema is not None:
            self.ema.update(self.generator, step=step)
