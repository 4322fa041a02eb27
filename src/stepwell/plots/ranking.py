"""How scores put positives before negatives: the ROC curve and the precision-recall curve."""

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stepwell.plots.style import BLUE, INK, PAPER, SMALL_SIZE, SOFT, Array, canvas, figure_of, name_axes, paired, say

_SIDE = 3.5


def roc(
    fpr: npt.ArrayLike,
    tpr: npt.ArrayLike,
    *,
    area: float | None = None,
    mark: tuple[float, float] | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Draw the ROC curve: the share of positives that are found over the share of negatives that are called positive.

    Guessing lies on the dashed diagonal. `area` is written beside the curve; `mark` is a point `(fpr, tpr)` to ring, such
    as that of a threshold.
    """
    ax = _square(ax, "false positive rate", "true positive rate (recall)")
    _curve(ax, *paired(fpr, tpr, "tpr"))
    ax.plot([0, 1], [0, 1], color=SOFT, linewidth=1.0, linestyle=(0, (4, 3)), zorder=1.5)
    _finish(ax, "area", area, mark)
    return figure_of(ax)


def precision_recall(
    precision: npt.ArrayLike,
    recall: npt.ArrayLike,
    *,
    area: float | None = None,
    share: float | None = None,
    mark: tuple[float, float] | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Draw the precision-recall curve: how many of those called positive are, over how many positives are found.

    `share` is that of positives among all rows, the precision of guessing: a dashed line. `area` is written beside the
    curve; `mark` is a point `(recall, precision)` to ring.
    """
    ax = _square(ax, "recall", "precision")
    _curve(ax, *paired(recall, precision, "precision"))
    if share is not None:
        ax.axhline(share, color=SOFT, linewidth=1.0, linestyle=(0, (4, 3)), zorder=1.5)
    _finish(ax, "average precision", area, mark)
    return figure_of(ax)


def _square(ax: Axes | None, x: str, y: str) -> Axes:
    ax = canvas(ax, _SIDE + 0.3, _SIDE)
    name_axes(ax, x, y)
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    ticks = np.linspace(0, 1, 6)
    ax.set_xticks(ticks)
    ax.set_yticks(ticks)
    return ax


def _curve(ax: Axes, x: Array, y: Array) -> None:
    known = np.isfinite(x + y)
    if not known.any():
        say(ax, "no finite value to draw")
        return
    ax.plot(x[known], y[known], color=BLUE, linewidth=1.7, solid_joinstyle="round", zorder=3)


def _finish(ax: Axes, what: str, area: float | None, mark: tuple[float, float] | None) -> None:
    if area is not None and np.isfinite(area):
        x, y, side = (0.97, 0.04, "right") if area >= 0.5 else (0.03, 0.93, "left")  # away from the curve
        ax.text(x, y, f"{what} {area:.3f}", horizontalalignment=side, color=INK, fontsize=SMALL_SIZE, zorder=4)
    if mark is not None:
        ax.plot(
            *([each] for each in mark), "o", color=INK, markerfacecolor=PAPER, markersize=7, zorder=5, clip_on=False
        )
