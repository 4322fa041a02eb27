"""Whether what is predicted with 80 % comes true in 80 % of the rows."""

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stepwell.plots.style import BLUE, INK, SMALL_SIZE, SOFT, Array, canvas, figure_of, floats, name_axes, paired, say

_ROOM = 0.14  # the foot of the axes, in which the rows of each bin stand


def calibration(
    predicted: npt.ArrayLike,
    observed: npt.ArrayLike,
    rows: npt.ArrayLike | None = None,
    *,
    ece: float | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Draw a reliability diagram: the share of positives that was observed over the mean probability, a point a bin.

    On the dashed diagonal probabilities keep their word; below it they promise too much. `rows` are how many rows each bin
    holds: the area of its point, and a bar at the foot. `ece`, the expected calibration error, is written in the corner.
    """
    ax = canvas(ax, 3.9, 3.6)
    name_axes(ax, "mean predicted probability", "share of positives observed")
    x, y = paired(predicted, observed, "observed")
    counts = np.ones(len(x)) if rows is None else paired(x, rows, "rows")[1]
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.02 - (_ROOM if rows is not None else 0), 1.02), aspect="equal")
    ax.set_yticks(np.linspace(0, 1, 6))
    ax.set_xticks(np.linspace(0, 1, 6))
    ax.plot([0, 1], [0, 1], color=SOFT, linewidth=1.0, linestyle=(0, (4, 3)), zorder=1.5)
    if not np.isfinite(x + y).any():
        say(ax, "no finite value to draw")
        return figure_of(ax)
    if rows is not None:
        _foot(ax, x, counts)
    _points(ax, x, y, 12 + 60 * _share(counts) if rows is not None else np.full(len(x), 24.0))
    if ece is not None and np.isfinite(floats([ece])[0]):
        ax.text(0.02, 0.95, f"calibration error {ece:.3f}", color=INK, fontsize=SMALL_SIZE, zorder=4)
    return figure_of(ax)


def _points(ax: Axes, x: Array, y: Array, sizes: Array) -> None:
    known = np.isfinite(x + y)
    ax.plot(x[known], y[known], color=BLUE, linewidth=1.4, zorder=3)
    ax.scatter(x[known], y[known], s=sizes[known], color=BLUE, zorder=4, linewidths=0)


def _share(counts: Array) -> Array:
    """Each bin's rows as a share of the fullest bin's."""
    known = np.nan_to_num(counts)
    return known / (known.max() or 1.0)


def _foot(ax: Axes, x: Array, counts: Array) -> None:
    """Bars of the rows in each bin, below zero, the longest as high as there is room."""
    ax.axhline(0.0, color=SOFT, linewidth=0.6)
    tops = (_ROOM - 0.02) * _share(counts) - _ROOM
    ax.vlines(x, -_ROOM, tops, color=SOFT, linewidth=5, alpha=0.6, zorder=2)
    ax.text(1.04, -_ROOM / 2, "rows", va="center", color=SOFT, fontsize=SMALL_SIZE)
