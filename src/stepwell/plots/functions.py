"""Functions of one variable: f and its derivative, a gallery of activations, a descent from place to place."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stepwell.plots.curves import log_scale
from stepwell.plots.lines import Series, draw_lines
from stepwell.plots.style import (
    BLUE,
    INK,
    LINE,
    PAPER,
    SMALL_SIZE,
    SOFT,
    VERMILLION,
    canvas,
    figure_of,
    floats,
    name_axes,
    paired,
    plain,
    say,
)

_FLAT, _TANGENT, _LEVEL = 0.6, 0.11, 0.15
"""Height over width of most axes; half of a tangent's length, as a share of their width; the slope of what looks level."""
_NO_MARKS: Mapping[str, tuple[float, float]] = {}
_HALO = {"boxstyle": "square,pad=0.1", "facecolor": PAPER, "edgecolor": "none", "alpha": 0.8}


def function(
    x: npt.ArrayLike,
    series: Mapping[str, npt.ArrayLike],
    *,
    xlabel: str = "x",
    ylabel: str = "",
    log: bool = False,
    marks: Mapping[str, tuple[float, float]] = _NO_MARKS,
    ax: Axes | None = None,
) -> Figure:
    """Draw functions of `x` by name, such as `{"f": …, "f'": …}`, over a line at zero. NaN is a gap.

    Where f' crosses zero, f turns (book row S-08). `marks` are points to ring, such as `{"odds of 0.75": (0.75, 3.0)}`.
    `log` makes the y axis logarithmic: what is not positive is left out, and so is the line at zero. The names stand
    right of the axes: give axes of a figure with `layout="constrained"`.
    """
    ax = canvas(ax)
    points = {name: paired(x, values, name) for name, values in series.items()}
    if log:
        points = {name: (at, np.where(values > 0, values, np.nan)) for name, (at, values) in points.items()}
    if log and any(np.isfinite(values).any() for _, values in points.values()):
        log_scale(ax, np.concatenate([values for _, values in points.values()]))
    elif not log:
        ax.axhline(0.0, color=INK, linewidth=0.9, zorder=1.5)
    name_axes(ax, xlabel, ylabel)
    draw_lines(ax, points)
    for name, place in marks.items():
        _ring(ax, plain(name, 28), *place, rising=_rises(points))
    return figure_of(ax)


def _rises(points: Series) -> bool:
    """Whether the first function ends higher than it begins."""
    known = next((y[np.isfinite(y)] for _, y in points.values()), floats([]))
    return bool(len(known) and known[-1] >= known[0])


def _ring(ax: Axes, name: str, x: float, y: float, *, rising: bool) -> None:
    """A ringed point with its name beside it, towards the middle of the axes, and away from the line."""
    ax.plot([x], [y], "o", color=INK, markerfacecolor=PAPER, markersize=6, zorder=5, clip_on=False)
    left = (ax.transScale + ax.transLimits).transform((x, y))[0] > 0.5
    side, push = ("right", -8) if left else ("left", 8)
    lift = 8 if left == rising else -8
    ax.annotate(
        name,
        (x, y),
        (push, lift),
        textcoords="offset points",
        ha=side,
        va="center",
        color=INK,
        fontsize=SMALL_SIZE,
        parse_math=False,
        bbox=_HALO,
    )


def descent(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    places: npt.ArrayLike,
    values: npt.ArrayLike,
    *,
    xlabel: str = "x",
    ylabel: str = "f(x)",
    ax: Axes | None = None,
) -> Figure:
    """Draw a walk over the function `(x, y)`: the `places` that it came to, one after the other, and the `values` there.

    The axes show the function's range; steps that leave it are cut at the border. The start is a square, the last place a
    ring. The number of steps is written in the corner (book rows S-10 to S-12).
    """
    ax = canvas(ax)
    name_axes(ax, xlabel, ylabel)
    line = paired(x, y, "y")
    walked = paired(places, values, "values")
    if not np.isfinite(line[0] + line[1]).any():
        say(ax, "no finite value to draw")
        return figure_of(ax)
    ax.plot(*line, color=SOFT, linewidth=1.4, zorder=2)
    ax.set(xlim=ax.get_xlim(), ylim=ax.get_ylim())
    ax.plot(*walked, "-o", color=VERMILLION, linewidth=1.0, markersize=3.5, zorder=3)
    if len(walked[0]):
        ax.plot(*([each[0]] for each in walked), "s", color=VERMILLION, markersize=7, zorder=4)
        ax.plot(*([each[-1]] for each in walked), "o", color=INK, markerfacecolor=PAPER, markersize=7, zorder=5)
        steps = len(walked[0]) - 1
        text = f"{steps} step" + ("" if steps == 1 else "s")
        ax.text(0.5, 0.96, text, transform=ax.transAxes, ha="center", va="top", color=INK, fontsize=SMALL_SIZE)
    return figure_of(ax)


def tangents(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    places: npt.ArrayLike,
    slopes: npt.ArrayLike,
    *,
    xlabel: str = "x",
    ylabel: str = "f(x)",
    ax: Axes | None = None,
) -> Figure:
    """Draw the function `(x, y)`, and at each of the `places` a short straight line of the slope that it has there.

    Each slope is written beside its place. The heights are read off the function, so places lie within `x`.
    """
    ax = canvas(ax)
    name_axes(ax, xlabel, ylabel)
    column, line = paired(x, y, "y")
    at, steep = paired(places, slopes, "slopes")
    if not np.isfinite(column + line).any():
        say(ax, "no finite value to draw")
        return figure_of(ax)
    ax.plot(column, line, color=BLUE, linewidth=1.7, zorder=2)
    ax.axhline(0.0, color=LINE, linewidth=0.9, zorder=1.5)
    ax.set(xlim=ax.get_xlim(), ylim=ax.get_ylim())
    order = np.argsort(column, kind="stable")
    for place, height, slope in zip(at, np.interp(at, column[order], line[order]), steep, strict=True):
        _tangent(ax, float(place), float(height), float(slope))
    return figure_of(ax)


def _tangent(ax: Axes, place: float, height: float, slope: float) -> None:
    """A piece of a straight line, equally long on the page whatever its slope, and the slope in words."""
    (low, high), (foot, top) = ax.get_xlim(), ax.get_ylim()
    steep = slope * (high - low) / (top - foot) * _FLAT
    across = _TANGENT * (high - low) / float(np.hypot(1.0, steep))
    ends = floats([place - across, place + across])
    ax.plot(ends, height + slope * (ends - place), color=VERMILLION, linewidth=2.2, zorder=3, solid_capstyle="round")
    ax.plot([place], [height], "o", color=VERMILLION, markersize=5, zorder=4)
    push, side = ((0, 9), "center") if abs(steep) < _LEVEL else ((9, 2), "left") if slope < 0 else ((-9, 2), "right")
    text = f"slope {slope:.3g}".replace("-", "\N{MINUS SIGN}")
    ax.annotate(
        text, (place, height), push, textcoords="offset points", ha=side, va="bottom", color=INK, fontsize=SMALL_SIZE
    )
