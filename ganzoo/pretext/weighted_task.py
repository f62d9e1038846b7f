"""Tasks with one weight for each network, which may change over a run."""

from ganzoo.component import DeclaredArguments
from ganzoo.errors import check_not_negative
from ganzoo.pretext.base import PretextTask
from ganzoo.schedule import Schedule, remaining


class WeightedTask(DeclaredArguments, PretextTask):
    """A task whose loss counts beta times for D and alpha times for G, each constant or falling to 0 over the run.

    Annealing alpha to 0 restores the GAN's own optimum (arXiv:1811.11212, section 3). A subclass declares the defaults
    of both weights, the options that it adds, and the runtime arguments that it needs.

    Args:
        alpha: weight of the generator's loss.
        beta: weight of the discriminator's loss.
        alpha_schedule: `constant`, or `linear` / `cosine` from alpha at the first step to 0 at the last.
        beta_schedule: the same for beta.
        num_steps: generator updates of the run.

    Raises:
        ParameterError: a negative weight.
    """

    alpha: float
    beta: float
    alpha_schedule: Schedule = "constant"
    beta_schedule: Schedule = "constant"
    num_steps: int

    def __post_init__(self) -> None:
        super().__init__()
        check_not_negative(alpha=self.alpha, beta=self.beta)

    def d_weight(self, step: int) -> float:
        """Return the weight of D's loss after so many generator updates."""
        return self.beta * remaining(self.beta_schedule, self._progress(step))

    def g_weight(self, step: int) -> float:
        """Return the weight of G's loss after so many generator updates."""
        return self.alpha * remaining(self.alpha_schedule, self._progress(step))

    def _progress(self, step: int) -> float:
        return step / max(self.num_steps - 1, 1)
