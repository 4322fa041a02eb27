"""Numbers over anything that grows: seconds, steps, rows."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from stepwell.plots.curves import log_scale
from stepwell.plots.lines import Series, label_ends
from stepwell.plots.style import (
    INK,
    SMALL_SIZE,
    SOFT,
    Array,
    Look,
    canvas,
    figure_of,
    looks,
    name_axes,
    paired,
    plain,
    say,
)

_FEW, _FAR, _MOSTLY = 16, 0.9, 0.7
_NO_MARKS: Mapping[str, float] = {}


def progress(
    series: Mapping[str, tuple[npt.ArrayLike, npt.ArrayLike]],
    *,
    xlabel: str,
    ylabel: str,
    log: bool = False,
    log_x: bool = False,
    marks: Mapping[str, float] = _NO_MARKS,
    ax: Axes | None = None,
) -> Figure:
    """Draw lines that have each their own x, such as the scores of several runs over the seconds that each took.

    `marks` are places on the x axis with a name, such as `{"checkpoint": 200}`: upright lines. `log` and `log_x` make
    the y and the x axis logarithmic, and leave out what is not positive. NaN is left out, and the line goes on.
    """
    ax = canvas(ax)
    name_axes(ax, xlabel, ylabel, pad=20 if marks else 8)
    points = {name: _known(*paired(*each, name), log, log_x) for name, each in series.items()}
    points = {name: each for name, each in points.items() if len(each[0])}
    if not points:
        say(ax, "no finite value to draw")
        return figure_of(ax)
    if log:
        log_scale(ax, np.concatenate([y for _, y in points.values()]))
    if log_x:
        ax.set_xscale("log")
        ax.xaxis.set_minor_locator(NullLocator())
    else:
        ax.xaxis.set_major_locator(MaxNLocator(6))
    _lines(ax, points, looks(points))
    for name, place in marks.items():
        _mark(ax, plain(name, 24), place)
    return figure_of(ax)


def _known(x: Array, y: Array, log: bool, log_x: bool) -> tuple[Array, Array]:
    keep = np.isfinite(x + y) & ((y > 0) | (not log)) & ((x > 0) | (not log_x))
    return x[keep], y[keep]


def _lines(ax: Axes, points: Series, how: Sequence[Look]) -> None:
    """The lines; those that end well before the right border have their names at their ends, the others beside the axes."""
    for look, (x, y) in zip(how, points.values(), strict=False):
        marker = look.marker if len(x) <= _FEW else ""
        ax.plot(x, y, color=look.colour, linestyle=look.dashes, linewidth=1.7, marker=marker, markersize=3.5)
    ax.margins(x=0.02)
    ax.get_xlim()  # settles the limits, which are otherwise computed when the figure is drawn
    share = (ax.transScale + ax.transLimits).transform
    far = {name: share((x[-1], y[-1]))[0] > _FAR for name, (x, y) in points.items()}
    named = dict(zip(points, how, strict=False))
    long = {name: each for name, each in points.items() if far[name]}
    label_ends(ax, long, [named[name] for name in long])
    for name, (x, y) in points.items():
        if not far[name]:
            _label(ax, plain(name, 24), float(x[-1]), float(y[-1]), named[name].colour)


def _label(ax: Axes, name: str, x: float, y: float, colour: str) -> None:
    place: dict[str, Any] = {"textcoords": "offset points", "va": "center", "parse_math": False}
    ax.annotate(name, (x, y), (6, 0), color=colour, fontsize=SMALL_SIZE, **place)


def _mark(ax: Axes, name: str, place: float) -> None:
    """A thin upright line with its name above the axes, on the side where there is more room."""
    ax.axvline(place, color=SOFT, linewidth=0.9, linestyle=(0, (3, 2)), zorder=1)
    far = (ax.transScale + ax.transLimits).transform((place, ax.get_ylim()[0]))[0] > _MOSTLY
    side, push = ("right", 3) if far else ("left", -3)
    ax.annotate(
        name,
        (place, 1.0),
        (push, 2),
        xycoords=ax.get_xaxis_transform(),
        textcoords="offset points",
        ha=side,
        va="bottom",
        color=INK,
        fontsize=SMALL_SIZE,
        parse_math=False,
    )
