"""Numbers that fall over a run: of learning rates and of the weights of losses."""

import math
from typing import Literal

Schedule = Literal["constant", "linear", "cosine"]


def remaining(schedule: Schedule, progress: float) -> float:
    """Return the share of a number that is left: 1 throughout, or falling from 1 to 0.

    Args:
        schedule: `constant`; `linear`; or `cosine`, half a wave (Loshchilov & Hutter, arXiv:1608.03983, equation 5,
            without restarts).
        progress: of the run, from 0 to 1; beyond 1 it counts as 1.
    """
    progress = min(progress, 1.0)
    if schedule == "linear":
        return 1.0 - progress
    if schedule == "cosine":
        return 0.5 * (1.0 + math.cos(math.pi * progress))
    return 1.0
