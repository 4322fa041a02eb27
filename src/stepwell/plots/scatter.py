"""Regression in points: a fit over one feature, and what was predicted against what is true."""

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stepwell.plots.lines import label_ends
from stepwell.plots.style import BLUE, LOOKS, SOFT, VERMILLION, Array, canvas, figure_of, name_axes, paired, say

_VECTOR_POINTS = 1500


def fit(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    predicted: npt.ArrayLike,
    *,
    xlabel: str = "x",
    ylabel: str = "y",
    ax: Axes | None = None,
) -> Figure:
    """Draw the rows `(x, y)` of a regression with one feature as points, and the prediction at each `x` as a line."""
    ax = canvas(ax)
    name_axes(ax, xlabel, ylabel)
    column, line = paired(x, predicted, "predicted")
    points(ax, *paired(x, y, "y"))
    order = np.argsort(column, kind="stable")
    marker = "" if len(column) > 1 else "_"
    ax.plot(column[order], line[order], color=VERMILLION, linewidth=2.0, marker=marker, markersize=14, zorder=3)
    if np.isfinite(column + line).any():
        label_ends(ax, {"prediction": (column[order], line[order])}, [LOOKS[1]])
    return figure_of(ax)


def predictions(targets: npt.ArrayLike, predicted: npt.ArrayLike, *, name: str = "", ax: Axes | None = None) -> Figure:
    """Draw each row's prediction over its true value; what is predicted exactly lies on the dashed diagonal."""
    ax = canvas(ax, 4.4, 4.0)
    name_axes(ax, f"true {name}".strip(), f"predicted {name}".strip())
    x, y = paired(targets, predicted, "predicted")
    points(ax, x, y)
    known = np.concatenate([x, y])[np.isfinite(np.concatenate([x, y]))]
    if known.size:
        ends = _ends(known)
        ax.plot(ends, ends, color=SOFT, linewidth=1.0, linestyle=(0, (4, 3)), zorder=1.5)
        ax.set(xlim=ends, ylim=ends, aspect="equal")
    return figure_of(ax)


def _ends(values: Array) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    margin = 0.04 * (high - low) or 0.5 * max(abs(high), 1.0)
    return low - margin, high + margin


def points(ax: Axes, x: Array, y: Array) -> None:
    """Points that add up where they lie on each other; very many are drawn as one picture, which keeps files small."""
    seen = np.isfinite(x + y)
    if not seen.any():
        say(ax, "no finite value to draw")
        return
    strength = float(np.clip(12 / np.sqrt(seen.sum()), 0.25, 0.8))
    (dots,) = ax.plot(x[seen], y[seen], "o", color=BLUE, alpha=strength, markersize=4.5, markeredgewidth=0)
    dots.set_rasterized(bool(seen.sum() > _VECTOR_POINTS))
