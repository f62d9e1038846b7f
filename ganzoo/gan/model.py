"""What is trained: generator and discriminator, with the generator's moving average and the tasks' heads."""

from collections.abc import Iterator, Mapping

from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ganzoo.architectures.base import Discriminator, Generator
from ganzoo.conditioning.base import Conditioning
from ganzoo.pretext.base import PretextTask


class Gan(nn.Module):
    """The networks of one run.

    Args:
        generator: G.
        discriminator: D.
        tasks: pretext tasks by name; their heads are trained by D's optimizer.
        ema_decay: decay per generator step of the moving average of G's weights (its buffers are copied, not averaged);
            None for no average.
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
        self.ema_start = ema_start
        self.ema = None
        if ema_decay is not None:
            self.ema = AveragedModel(generator, multi_avg_fn=get_ema_multi_avg_fn(ema_decay))  # type: ignore[no-untyped-call]
            self.ema.requires_grad_(False)

    @property
    def tasks(self) -> dict[str, PretextTask]:
        """The pretext tasks by name."""
        return {name: task for name, task in self.task_modules.items() if isinstance(task, PretextTask)}

    @property
    def sampler(self) -> Generator:
        """The generator whose images are sampled and measured: the moving average if there is one."""
        module = self.generator if self.ema is None else self.ema.module
        assert isinstance(module, Generator)
        return module

    def d_parameters(self) -> Iterator[nn.Parameter]:
        """Yield what the discriminator's optimizer trains: D and every task's heads."""
        yield from self.discriminator.parameters()
        yield from self.task_modules.parameters()

    def update_ema(self, *, step: int) -> None:
        """Update the moving average after an update of G.

        Args:
            step: generator updates before that one.
        """
        if self.ema is None:
            return
        if step < self.ema_start:
            # At 0, torch copies the weights instead of averaging.
            self.ema.n_averaged.zero_()
        self.ema.update_parameters(self.generator)
