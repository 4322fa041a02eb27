"""One number for each of a few things, to be compared at a glance."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stepwell.plots.style import (
    BLUE,
    INK,
    LINE,
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

_BAR = 0.62


def bars(
    names: Sequence[str],
    values: npt.ArrayLike,
    *,
    xlabel: str = "",
    highlight: int | None = 0,
    ax: Axes | None = None,
) -> Figure:
    """Draw one bar for each name, the first on top, with its value at its end. Bars start at zero.

    `highlight` is the number of the bar that the others are compared with, drawn full; None draws all of them so, -1 none.
    NaN draws no bar, and says so. Raises `ValueError` unless there is one value for each name.
    """
    widths = floats(values)
    if len(widths) != len(names):
        raise ValueError(f"There are {len(widths)} values for {len(names)} bars; give one for each.")
    ax = canvas(ax, 4.8, 0.75 + 0.34 * max(len(widths), 2))
    name_axes(ax, "", xlabel)
    if not np.isfinite(widths).any():
        say(ax, "no finite value to draw")
        return figure_of(ax)
    fills = [BLUE if highlight in (None, index) else LINE for index in range(len(widths))]
    edges = [BLUE if highlight in (None, index) else SOFT for index in range(len(widths))]
    places = np.arange(len(widths))
    ax.barh(places, np.nan_to_num(widths), height=_BAR, color=fills, edgecolor=edges, linewidth=0.8)
    _frame(ax, names, widths)
    for place, width in zip(places, widths, strict=True):
        _write(ax, int(place), float(width))
    return figure_of(ax)


def _frame(ax: Axes, names: Sequence[str], widths: Array) -> None:
    """Names left of the bars, no lines but the one at zero, and room for the numbers."""
    ax.set_yticks(np.arange(len(names)), [plain(name, 26) for name in names], parse_math=False)
    ax.tick_params(axis="y", length=0, labelcolor=INK)
    ax.tick_params(axis="x", length=0, labelbottom=False)
    ax.grid(visible=False)
    ax.spines[["bottom", "left"]].set_visible(False)
    ax.axvline(0, color=SOFT, linewidth=0.8)
    low, high = min(0.0, float(np.nanmin(widths))), max(0.0, float(np.nanmax(widths)))
    room = 0.2 * (high - low) or 1.0
    ax.set(xlim=(low - (room if low < 0 else 0), high + (room if high > 0 or low == high else 0)))
    ax.set_ylim(len(names) - 0.5, -0.5)


def _write(ax: Axes, place: int, width: float) -> None:
    text = f"{width:.4g}" if np.isfinite(width) else "not known"
    side, push = ("right", -4) if width < 0 else ("left", 4)
    end = width if np.isfinite(width) else 0.0
    ax.annotate(
        text,
        (end, place),
        (push, 0),
        textcoords="offset points",
        ha=side,
        va="center",
        color=INK if np.isfinite(width) else SOFT,
        fontsize=SMALL_SIZE,
    )
