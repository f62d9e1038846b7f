"""Weights that change over a run."""

from ganzoo.schedule import Schedule, remaining

__all__ = ["Schedule", "scheduled_weight"]


def scheduled_weight(weight: float, schedule: Schedule, *, step: int, num_steps: int) -> float:
    """Return a weight at a generator step: constant, or falling to 0 at the run's last step, linearly or as a cosine.

    Annealing the generator's weight to 0 restores the GAN's own optimum (arXiv:1811.11212, section 3).
    """
    return weight * remaining(schedule, step / max(num_steps - 1, 1))
