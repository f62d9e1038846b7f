"""Weights that change over a run."""

import math
from typing import Literal

Schedule = Literal["constant", "linear", "cosine"]


def scheduled_weight(weight: float, schedule: Schedule, *, step: int, num_steps: int) -> float:
    """Return a weight at a generator step: constant, or falling to 0 at the run's last step, linearly or as a cosine.

    Annealing the generator's weight to 0 restores the GAN's own optimum (arXiv:1811.11212, section 4).
    """
    progress = min(step / max(num_steps - 1, 1), 1.0)
    if schedule == "linear":
        return weight * (1.0 - progress)
    if schedule == "cosine":
        return weight * 0.5 * (1.0 + math.cos(math.pi * progress))
    return weight
