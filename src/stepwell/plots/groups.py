"""Points in a plane: in groups, with lines through them, with their errors, with their names."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from stepwell.plots.lines import label_ends
from stepwell.plots.style import (
    BLUE,
    INK,
    LOOKS,
    SMALL_SIZE,
    SOFT,
    VERMILLION,
    Array,
    canvas,
    figure_of,
    looks,
    name_axes,
    paired,
    plain,
    say,
)

Points = tuple[npt.ArrayLike, npt.ArrayLike]
"""The x and the y of some points."""

_VECTOR_POINTS = 1500
_NO_LINES: Mapping[str, Points] = {}


def groups(
    points: Mapping[str, Points],
    *,
    lines: Mapping[str, Points] = _NO_LINES,
    xlabel: str = "x",
    ylabel: str = "y",
    equal: bool = False,
    ax: Axes | None = None,
) -> Figure:
    """Draw groups of points by name, such as `{"train": (x, y), "validation": (x, y)}`, each in its colour and marker.

    `lines` are drawn over them, with their names where they end. `equal` gives both axes one scale. Points that are NaN
    are left out; very many are drawn as one picture, which keeps files small.
    """
    ax = canvas(ax, *((4.4, 4.0) if equal else (4.8, 3.2)))
    named = len(points) > 1
    name_axes(ax, xlabel, ylabel)
    drawn = {name: paired(*each, name) for name, each in points.items()}
    how = looks([*points, *(f"{name} as a line" for name in lines)])
    for look, (x, y) in zip(how, drawn.values(), strict=False):
        _dots(ax, x, y, look.colour, look.marker)
    through = {name: paired(*each, name) for name, each in lines.items()}
    for look, (x, y) in zip(how[len(points) :], through.values(), strict=True):
        ax.plot(x, y, color=look.colour, linestyle=look.dashes, linewidth=1.8, zorder=3, label="_")
    if not any(np.isfinite(x + y).any() for x, y in [*drawn.values(), *through.values()]):
        say(ax, "no finite value to draw")
        return figure_of(ax)
    if equal:
        ax.set_aspect("equal", adjustable="datalim")
    living = {name: each for name, each in through.items() if np.isfinite(each[0] + each[1]).any()}
    if living:
        label_ends(ax, living, [look for look, name in zip(how[len(points) :], through, strict=True) if name in living])
    if named:
        key(ax, [(name, look.colour, look.marker) for name, look in zip(points, how, strict=False)])
    return figure_of(ax)


def _dots(ax: Axes, x: Array, y: Array, colour: str, marker: str) -> None:
    seen = np.isfinite(x + y)
    if not seen.any():
        return
    strength = float(np.clip(12 / np.sqrt(seen.sum()), 0.25, 0.85))
    (dots,) = ax.plot(x[seen], y[seen], marker, color=colour, alpha=strength, markersize=4.8, markeredgewidth=0)
    dots.set_rasterized(bool(seen.sum() > _VECTOR_POINTS))


def key(ax: Axes, entries: Sequence[tuple[str, str, str]]) -> None:
    """Names with their markers above the axes, at the right; `entries` are (name, colour, marker)."""
    handles = [
        Line2D([], [], color=colour, marker=marker, linestyle="", markersize=5, label=plain(name, 24))
        for name, colour, marker in entries
    ]
    legend = ax.legend(
        handles=handles,
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
        ncols=len(handles),
        frameon=False,
        fontsize=SMALL_SIZE,
        labelcolor=INK,
        handletextpad=0.1,
        columnspacing=0.9,
        borderaxespad=0.2,
        borderpad=0.1,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)


def errors(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    predicted: npt.ArrayLike,
    *,
    rows: Sequence[int] | None = None,
    xlabel: str = "x",
    ylabel: str = "y",
    ax: Axes | None = None,
) -> Figure:
    """Draw points, a model's line through them, and the error of `rows` (default: all) as an upright segment.

    The error of a single row is written beside it: prediction less truth.
    """
    ax = canvas(ax)
    name_axes(ax, xlabel, ylabel)
    column, truth = paired(x, y, "y")
    _, line = paired(x, predicted, "predicted")
    if not np.isfinite(column + truth).any():
        say(ax, "no finite value to draw")
        return figure_of(ax)
    order = np.argsort(column, kind="stable")
    chosen = np.arange(len(column)) if rows is None else np.asarray(rows, dtype=int)
    ax.plot(column[order], line[order], color=VERMILLION, linewidth=1.8, zorder=2)
    ax.vlines(column[chosen], truth[chosen], line[chosen], color=INK, linewidth=1.2, zorder=3)
    _dots(ax, column, truth, BLUE if rows is None else SOFT, "o")
    ax.plot(column[chosen], truth[chosen], "o", color=BLUE, markersize=5.5, zorder=4)
    if np.isfinite(column + line).any():
        label_ends(ax, {"prediction": (column[order], line[order])}, [LOOKS[1]])
    if len(chosen) == 1:
        _tell(ax, column[chosen[0]], truth[chosen[0]], line[chosen[0]])
    return figure_of(ax)


def _tell(ax: Axes, x: float, truth: float, line: float) -> None:
    amount = f"error {line - truth:.3g}".replace("-", "\N{MINUS SIGN}")
    low, high = ax.get_xlim()
    right = x < low + 0.7 * (high - low)
    place, side = ((6, 0), "left") if right else ((-6, 0), "right")
    ax.annotate(
        amount, (x, (truth + line) / 2), place, textcoords="offset points", ha=side, va="center", fontsize=SMALL_SIZE
    ).set_color(INK)
