"""What a regression leaves unexplained: residuals over predictions, and how they are spread."""

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stepwell.plots.scatter import points
from stepwell.plots.style import (
    BLUE,
    INK,
    SMALL_SIZE,
    SOFT,
    Array,
    canvas,
    figure_of,
    floats,
    name_axes,
    paired,
    say,
)

_MOST_BINS = 60


def residuals(
    predicted: npt.ArrayLike,
    errors: npt.ArrayLike,
    *,
    name: str = "",
    low: float | None = None,
    high: float | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Draw each row's residual (prediction minus truth) over its prediction; a good model leaves a shapeless band at 0.

    `low` and `high` mark an interval of residuals by dotted lines.
    """
    ax = canvas(ax, 4.4, 3.4)
    name_axes(ax, f"predicted {name}".strip(), "residual: predicted − true")
    x, y = paired(predicted, errors, "residuals")
    points(ax, x, y)
    if np.isfinite(x + y).any():
        ax.axhline(0.0, color=SOFT, linewidth=1.0, linestyle=(0, (4, 3)), zorder=1.5)
        for bound in _bounds(low, high):
            ax.axhline(bound, color=INK, linewidth=0.9, linestyle=(0, (1.2, 2)), zorder=3)
    return figure_of(ax)


def histogram(
    values: npt.ArrayLike,
    *,
    xlabel: str = "",
    low: float | None = None,
    high: float | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Draw how often values fall into bins of equal width (Freedman and Diaconis, *On the histogram as a density
    estimator*, 1981), at most 60 of them. `low` and `high` mark an interval by dotted lines, with their numbers.
    """
    ax = canvas(ax, 4.4, 3.4)
    bounds = _bounds(low, high)
    name_axes(ax, xlabel, "rows", pad=18 if bounds else 8)
    known = floats(values)
    known = known[np.isfinite(known)]
    if not known.size:
        say(ax, "no finite value to draw")
        return figure_of(ax)
    counts, edges = np.histogram(known, _edges(known))
    ax.stairs(counts, edges, fill=True, color=BLUE, alpha=0.55, linewidth=0)
    ax.stairs(counts, edges, color=BLUE, linewidth=1.0)
    ax.set_ylim(bottom=0)
    for bound, side in zip(bounds, ("right", "left"), strict=False):
        _mark(ax, bound, side)
    return figure_of(ax)


def _bounds(low: float | None, high: float | None) -> list[float]:
    return [bound for bound in (low, high) if bound is not None and np.isfinite(bound)]


def _edges(known: Array) -> Array:
    """The edges of the bins, from the least value to the greatest; of equal values, around them."""
    first, third = np.quantile(known, [0.25, 0.75])
    width = 2 * (third - first) / len(known) ** (1 / 3)
    span = float(known.max() - known.min())
    number = int(np.clip(span / width if width > 0 else 10, 5, _MOST_BINS))
    half = span / 2 or max(abs(float(known[0])), 1.0) / 2
    middle = float(known.min()) / 2 + float(known.max()) / 2
    return np.linspace(middle - half, middle + half, number + 1)


def _mark(ax: Axes, bound: float, side: str) -> None:
    ax.axvline(bound, color=INK, linewidth=0.9, linestyle=(0, (1.2, 2)), zorder=3)
    ax.annotate(
        f"{bound:.3g}".replace("-", "\N{MINUS SIGN}"),
        (bound, 1.0),
        (3 if side == "right" else -3, 2),
        xycoords=ax.get_xaxis_transform(),
        textcoords="offset points",
        ha=side,
        va="bottom",
        color=INK,
        fontsize=SMALL_SIZE,
    )
