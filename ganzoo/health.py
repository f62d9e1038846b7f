"""Signs of a run gone wrong, as sentences for the result and the table."""

from collections.abc import Mapping, Sequence

from torch import Tensor

NUM_ROWS = 10
SATURATED_LOSS = 0.01
COLLAPSED_SHARE = 0.1


def diversity(images_NCHW: Tensor) -> float:
    """Return the mean over pixels of the standard deviation over images, of uint8 images."""
    return float(images_NCHW.float().std(dim=0).mean())


def collapse_flag(fake_diversity: float, real_diversity: float, *, step: int) -> str | None:
    """Return a sentence if generated images hardly differ from one another, compared with real ones."""
    share = fake_diversity / max(real_diversity, 1e-8)
    if share >= COLLAPSED_SHARE:
        return None
    return f"collapsed at step {step}: the generated images vary by {share:.1%} of the real ones' variation"


def saturation_flag(rows: Sequence[Mapping[str, object]]) -> str | None:
    """Return a sentence if the discriminator's adversarial loss stayed near zero over the last rows."""
    losses = [(row["step"], row["d/adversarial"]) for row in rows if "d/adversarial" in row][-NUM_ROWS:]
    if len(losses) < NUM_ROWS or any(not isinstance(x, float) or abs(x) >= SATURATED_LOSS for _, x in losses):
        return None
    return f"discriminator saturated: its adversarial loss stayed below {SATURATED_LOSS} from step {losses[0][0]} on"
