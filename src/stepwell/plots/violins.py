"""How the numbers of several layers are spread, side by side."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.mlab import GaussianKDE

from stepwell.plots.style import (
    BLUE,
    INK,
    PAPER,
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

_MOST = 4000  # numbers of a violin: more change nothing that is to be seen
_WIDTH, _POINTS = 0.82, 120


def violins(
    samples: Mapping[str, npt.ArrayLike],
    *,
    ylabel: str,
    boxes: bool = False,
    zeros: bool = False,
    ax: Axes | None = None,
) -> Figure:
    """Draw for each name, such as a layer, how its numbers (of any shape) are spread: as a violin, or as a box.

    The line within is the median; a violin ends at the least and the largest number, a box holds the middle half and its
    whiskers all but the outermost hundredth of each side. `zeros` writes the share of zeros over each. Numbers that are not
    finite are left out, and said. Book rows: Godoy SE.1 to SE.3.
    """
    ax = canvas(ax, max(3.2, 1.2 + 0.62 * len(samples)), 3.0)
    name_axes(ax, "", ylabel, pad=32 if zeros else 8)
    known = {name: floats(values) for name, values in samples.items()}
    finite = [values[np.isfinite(values)] for values in known.values()]
    if not any(map(len, finite)):
        say(ax, "no finite value to draw")
        return figure_of(ax)
    ax.axhline(0.0, color=INK, linewidth=0.8, zorder=1.5)
    for place, values in enumerate(finite):
        if len(values):
            _box(ax, values, place) if boxes else _violin(ax, values, place)
    names = [
        plain(name, 14) + ("" if len(left) == len(whole) else "\n(not finite)")
        for (name, whole), left in zip(known.items(), finite, strict=True)
    ]
    ax.set_xticks(np.arange(len(names)), names, parse_math=False)
    ax.tick_params(axis="x", length=0, labelcolor=INK)
    ax.set_xlim(-0.6, len(names) - 0.4)
    if zeros:
        _write_zeros(ax, finite)
    return figure_of(ax)


def _violin(ax: Axes, values: Array, place: int) -> None:
    thinned = np.quantile(values, np.linspace(0, 1, _MOST)) if len(values) > _MOST else values
    if np.ptp(thinned) <= 1e-12 * max(np.abs(thinned).max(), 1e-300):  # which has no density
        ax.plot([place - 0.3, place + 0.3], [thinned[0]] * 2, color=BLUE, linewidth=2.2)
        return
    scale = np.abs(thinned).max()
    heights = np.linspace(thinned.min() / scale, thinned.max() / scale, _POINTS)
    density = GaussianKDE(thinned / scale)(heights)
    half = _WIDTH / 2 * density / density.max()
    ax.fill_betweenx(heights * scale, place - half, place + half, facecolor=BLUE, alpha=0.32, linewidth=0)
    middle, least, largest = float(np.median(thinned)), float(thinned.min()), float(thinned.max())
    ax.vlines(place, least, largest, color=BLUE, linewidth=0.7)
    ax.plot([place - 0.16, place + 0.16], [middle, middle], color=INK, linewidth=1.6)


def _box(ax: Axes, values: Array, place: int) -> None:
    low, first, middle, third, high = np.quantile(values, [0.01, 0.25, 0.5, 0.75, 0.99])
    ax.vlines(place, low, high, color=BLUE, linewidth=1.0)
    ax.bar([place], [third - first], 0.5, bottom=first, facecolor=PAPER, edgecolor=BLUE, linewidth=1.2, zorder=2)
    ax.plot([place - 0.25, place + 0.25], [middle, middle], color=INK, linewidth=1.6, zorder=3)


def _write_zeros(ax: Axes, finite: Sequence[Array]) -> None:
    for place, values in enumerate(finite):
        if len(values):
            ax.annotate(
                f"{np.mean(values == 0):.0%}\nzero",
                (place, 1.0),
                (0, 2),
                xycoords=ax.get_xaxis_transform(),
                textcoords="offset points",
                ha="center",
                va="bottom",
                color=SOFT,
                fontsize=SMALL_SIZE - 1.5,
            )
