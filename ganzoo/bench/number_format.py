"""Numbers as a table writes them."""

import math

from ganzoo.bench.statistics import MIN_SEEDS, Summary


def p_text(p_value: float) -> str:
    """Return a p value as journals write it, without the zero before the point."""
    return "< .001" if p_value < 0.001 else f"{p_value:.3f}".removeprefix("0")


def fixed(value: float, spread: float, *, sign: bool = False) -> str:
    """Return a number with so many decimals that its spread has two significant digits."""
    decimals = 3 if spread == 0 else max(0, 1 - math.floor(math.log10(abs(spread))))
    return f"{value:{'+' if sign else ''}.{decimals}f}"


def significant(value: float | None, digits: int = 4) -> str:
    """Return a number with the given number of significant digits, without an exponent; None gives an empty string."""
    if value is None:
        return ""
    decimals = digits - 1 if value == 0 else max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{value:.{decimals}f}"


def summary_text(summary: Summary, lost: str) -> str:
    """Return the text of a cell: a mean with its interval, or a median, a range, or a single value.

    Args:
        summary: of the runs.
        lost: how many of them have no sound value, as in "1 of 5 failed"; empty if none.
    """
    if summary.mean is not None and summary.half_width is not None:
        return f"{fixed(summary.mean, summary.half_width)} ± {fixed(summary.half_width, summary.half_width)}"
    if summary.num_runs >= MIN_SEEDS:
        return f"median {significant(summary.median)} ({lost})" if summary.median is not None else lost
    if summary.lowest is None or summary.highest is None:
        return lost
    # The ends as single runs are written: how close two runs come by accident says nothing of their digits.
    text = " to ".join(dict.fromkeys((significant(summary.lowest), significant(summary.highest))))
    return f"{text} ({lost})" if lost else text
