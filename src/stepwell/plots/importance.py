"""Which columns a model needs."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

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
    plain,
    say,
)

_BAR = 0.6


def importance(
    columns: Sequence[str],
    increase: npt.ArrayLike,
    std: npt.ArrayLike | None = None,
    *,
    metric: str = "loss",
    most: int = 20,
    ax: Axes | None = None,
) -> Figure:
    """Draw by how much a metric gets worse when each column's values are exchanged between rows, the first column on top.

    `std` is the spread of the repeats: a thin line around the bar's end. A bar that its line takes across zero is drawn
    empty, for exchanging that column may as well have done nothing. Only the first `most` columns are drawn, and the number
    of the others is written below. Raises `ValueError` unless there is one value for each column.
    """
    widths, spread = floats(increase), np.zeros(len(columns)) if std is None else floats(std)
    if not len(widths) == len(spread) == len(columns):
        raise ValueError(f"There are {len(widths)} values for {len(columns)} columns; give one for each.")
    names, left = list(columns)[:most], max(len(columns) - most, 0)
    widths, spread = widths[:most], np.nan_to_num(spread[:most])
    ax = canvas(ax, 5.2, 0.9 + 0.3 * max(len(names), 2))
    below = f"… and {left} more column{'s' if left > 1 else ''}" if left else ""
    name_axes(ax, below, f"{metric} gets worse by")
    if not np.isfinite(widths).any():
        say(ax, "no finite value to draw")
        return figure_of(ax)
    _bars(ax, widths, spread)
    _frame(ax, names, widths, spread)
    for place, (width, around) in enumerate(zip(widths, spread, strict=True)):
        _write(ax, place, float(width), float(around))
    return figure_of(ax)


def _bars(ax: Axes, widths: Array, spread: Array) -> None:
    places, sure = np.arange(len(widths)), np.abs(widths) > spread
    fills = [to_rgba(BLUE, 0.8 if each else 0.0) for each in sure]
    lengths = np.nan_to_num(widths)
    ax.barh(places, lengths, height=_BAR, color=fills, edgecolor=BLUE, linewidth=0.9)
    shown = np.isfinite(widths) & (spread > 0)
    ax.hlines(places[shown], (widths - spread)[shown], (widths + spread)[shown], color=INK, linewidth=1.1, zorder=4)


def _frame(ax: Axes, names: Sequence[str], widths: Array, spread: Array) -> None:
    """Names left of the bars, a line at zero, and room for the numbers on the right."""
    ax.set_yticks(np.arange(len(names)), [plain(name, 26) for name in names], parse_math=False)
    ax.tick_params(axis="y", length=0, labelcolor=INK)
    ax.tick_params(axis="x", length=0, labelbottom=False)
    ax.grid(visible=False)
    ax.spines[["bottom", "left"]].set_visible(False)
    ax.axvline(0, color=SOFT, linewidth=0.8)
    low, high = min(0.0, float(np.nanmin(widths - spread))), max(0.0, float(np.nanmax(widths + spread)))
    room = 0.2 * (high - low) or 1.0
    ax.set(xlim=(low - 0.02 * room, high + room), ylim=(len(names) - 0.5, -0.5))


def _write(ax: Axes, place: int, width: float, around: float) -> None:
    known = np.isfinite(width)
    text = f"{width:.3g}".replace("-", "\N{MINUS SIGN}") if known else "not known"
    ax.annotate(
        text,
        (max(width + around, 0.0) if known else 0.0, place),
        (4, 0),
        textcoords="offset points",
        va="center",
        color=INK if known else SOFT,
        fontsize=SMALL_SIZE,
    )
