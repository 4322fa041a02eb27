"""A learning-rate range test."""

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from stepwell.plots.style import (
    BLUE,
    INK,
    PAPER,
    SMALL_SIZE,
    SOFT,
    VERMILLION,
    Array,
    canvas,
    figure_of,
    floats,
    name_axes,
    paired,
    say,
)

_ROOM = 0.35  # above the highest loss before it breaks, as a share of the fall: what is higher is cut
_NEAR = 0.27  # two names beside each other take more of the axes


def range_test(
    rates: npt.ArrayLike,
    losses: npt.ArrayLike,
    smoothed: npt.ArrayLike | None = None,
    *,
    suggestion: float | None = None,
    diverged: bool = False,
    ax: Axes | None = None,
) -> Figure:
    """Draw the `losses` of growing learning `rates`, on a logarithmic axis: each step as a point, the `smoothed` as a line.

    `suggestion` is a rate to mark; `diverged` marks the last one as that at which the loss broke. Losses far above those at
    the beginning are cut off, so that the fall can be seen; what is not finite is left out. Book rows: Godoy S34, S40.
    """
    ax = canvas(ax)
    name_axes(ax, "learning rate", "loss", pad=8 if suggestion is None and not diverged else 20)
    x, y = paired(rates, losses, "losses")
    _, line = paired(rates, losses if smoothed is None else smoothed, "smoothed")
    seen = np.isfinite(x + y) & (x > 0)
    if not seen.any():
        say(ax, "no finite value to draw")
        return figure_of(ax)
    _rate_axis(ax, x[np.isfinite(x) & (x > 0)])
    ax.plot(x[seen], y[seen], "o", color=SOFT, alpha=0.45, markersize=2.6, markeredgewidth=0, zorder=2)
    drawn = seen & np.isfinite(line)
    ax.plot(x[drawn], line[drawn], color=BLUE, linewidth=1.8, zorder=3)
    if len(y[seen]) > 1:
        _show_the_fall(ax, y[seen], line[drawn])
    marked = suggestion is not None and suggestion > 0
    if suggestion is not None and marked:
        _mark(ax, suggestion, f"suggested {suggestion:.2g}", INK)
        _ring(ax, suggestion, x[drawn], line[drawn])
    if diverged and np.isfinite(x[-1]):
        near = suggestion is not None and marked and _share(ax, float(x[-1])) - _share(ax, suggestion) < _NEAR
        _mark(ax, float(x[-1]), f"breaks at {x[-1]:.2g}", VERMILLION, lift=-12 if near else 2)
    return figure_of(ax)


def _rate_axis(ax: Axes, rates: Array) -> None:
    ax.set_xscale("log")
    subs = (1.0, 2.0, 5.0) if np.ptp(np.log10(rates)) < 2 else (1.0,)
    ax.xaxis.set_major_locator(LogLocator(subs=subs, numticks=9))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.xaxis.set_minor_locator(NullLocator())


def _show_the_fall(ax: Axes, losses: Array, line: Array) -> None:
    """Set the limits of y by the losses up to the lowest point of the line."""
    known = line if len(line) else losses
    lowest = int(known.argmin())
    high, low = (
        float(np.quantile(losses[: max(lowest + 1, 2)], 0.95)),
        float(min(known.min(), np.quantile(losses, 0.02))),
    )
    room = (high - low) or abs(high) or 1.0
    ax.set_ylim(low - 0.1 * room, high + _ROOM * room)


def _mark(ax: Axes, rate: float, text: str, colour: str, lift: float = 2) -> None:
    """A thin upright line, with its name at its top, on the side where there is more room."""
    ax.axvline(rate, color=colour, linewidth=0.9, linestyle=(0, (3, 2)), zorder=1)
    side, push = ("right", 3) if _share(ax, rate) > 0.45 else ("left", -3)
    ax.annotate(
        text,
        (rate, 1.0),
        (push if lift > 0 else -push, lift),
        xycoords=ax.get_xaxis_transform(),
        textcoords="offset points",
        ha=side,
        va="bottom",
        color=colour,
        fontsize=SMALL_SIZE,
    )


def _share(ax: Axes, rate: float) -> float:
    """How far right a rate is, as a share of the axes."""
    low, high = np.log(ax.get_xlim())
    return float((np.log(rate) - low) / (high - low))


def _ring(ax: Axes, rate: float, x: Array, line: Array) -> None:
    """The suggestion as a ring on the line."""
    if len(x) and x.min() <= rate <= x.max():
        order = np.argsort(x, kind="stable")
        height = floats(np.interp(np.log([rate]), np.log(x[order]), line[order]))
        ax.plot([rate], height, "o", color=INK, markerfacecolor=PAPER, markersize=7, zorder=5)
