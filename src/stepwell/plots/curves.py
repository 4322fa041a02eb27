"""Numbers over epochs."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from stepwell.plots.lines import draw_lines
from stepwell.plots.style import INK, PAPER, SMALL_SIZE, SOFT, Array, canvas, figure_of, name_axes, paired

_DECADES = 2.5


def curves(
    epochs: npt.ArrayLike,
    series: Mapping[str, npt.ArrayLike],
    *,
    ylabel: str,
    log: bool = False,
    best: float | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Draw one number per epoch for each name, such as `{"train": …, "validation": …}`, each as long as `epochs`.

    NaN means that nothing was measured in that epoch; the line goes on to the next point. `log` asks for a logarithmic
    scale, which leaves out what is not positive. `best` is an epoch to mark, on the last series that has it. The names
    stand right of the axes: give axes of a figure with `layout="constrained"`.
    """
    ax = canvas(ax)
    points = {name: _measured(*paired(epochs, values, name), log) for name, values in series.items()}
    if log and any(len(x) for x, _ in points.values()):
        log_scale(ax, np.concatenate([y for _, y in points.values()]))
    ax.xaxis.set_major_locator(MaxNLocator(nbins=7, integer=True, min_n_ticks=1))
    name_axes(ax, "epoch", ylabel, pad=8 if best is None else 18)
    if all(len(x) <= 1 for x, _ in points.values()):
        ax.margins(y=0.3)
    draw_lines(ax, points)
    if best is not None:
        _mark(ax, float(best), list(points.values()))
    return figure_of(ax)


def _measured(x: Array, y: Array, log: bool) -> tuple[Array, Array]:
    keep = np.isfinite(x + y) & ((y > 0) | (not log))
    return x[keep], y[keep]


def log_scale(ax: Axes, values: Array) -> None:
    """A logarithmic y axis with plain numbers at 1, 2 and 5 of each decade, or at 1 where positive values span many."""
    ax.set_yscale("log")
    logs = np.log10(values[values > 0])
    subs = (1.0, 2.0, 5.0) if np.ptp(logs) < _DECADES else (1.0,)
    ax.yaxis.set_major_locator(LogLocator(subs=subs, numticks=8))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}".replace("e+", "e")))
    ax.yaxis.set_minor_locator(NullLocator())


def _mark(ax: Axes, best: float, points: list[tuple[Array, Array]]) -> None:
    """A thin upright line at the best epoch, a ring on its point, and its number above the axes."""
    values = [float(y[x == best][0]) for x, y in points if (x == best).any()]
    if not values:
        return
    ax.axvline(best, color=SOFT, linewidth=0.8, linestyle=(0, (2, 2)), zorder=1)
    ax.plot([best], [values[-1]], "o", color=INK, markerfacecolor=PAPER, markersize=6, zorder=5, clip_on=False)
    low, high = ax.get_xlim()
    share = (best - low) / (high - low)
    side, push = ("right", 4) if share > 0.5 else ("left", -4)
    ax.annotate(
        f"best: {values[-1]:.4g} in epoch {best:g}",
        (best, 1.0),
        (push, 2),
        xycoords=ax.get_xaxis_transform(),
        textcoords="offset points",
        ha=side,
        va="bottom",
        color=INK,
        fontsize=SMALL_SIZE,
    )
