"""Classes that are taken for each other, as pictures."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stepwell.plots.images import rgb
from stepwell.plots.mosaic import put
from stepwell.plots.style import INK, SMALL_SIZE, SOFT, canvas, figure_of, plain, say

_NAMES, _CELL, _GAP, _BETWEEN = 2.6, 1.0, 0.45, 0.12


class Row(NamedTuple):
    """A pair of classes: what to say of it in one or two lines, some mistakes, and pictures to compare them with."""

    title: str
    pictures: npt.ArrayLike
    nearest: npt.ArrayLike = ()


def confused(
    rows: Sequence[Row], *, headings: tuple[str, str] = ("mistakes", "nearest"), ax: Axes | None = None
) -> Figure:
    """Draw a row for each pair: its title, its pictures `(n, h, w)` or `(n, c, h, w)`, and apart from them its `nearest`.

    `headings` stand above both groups. A row may have fewer pictures than the others, or none.
    """
    counts = [(len(np.asarray(row.pictures)), len(np.asarray(row.nearest))) for row in rows]
    first, second = (max((count[side] for count in counts), default=0) for side in (0, 1))
    wide = _NAMES + first * _CELL + (_GAP + second * _CELL if second else 0.0)
    ax = canvas(ax, 0.72 * max(wide, 4.0), 0.72 * max(1, len(rows)) * (_CELL + _BETWEEN) + 0.35)
    ax.set_axis_off()
    if not rows:
        say(ax, "no class was taken for another")
        return figure_of(ax)
    starts = (_NAMES, _NAMES + first * _CELL + _GAP)
    top = max(_row(ax, row, starts, place) for place, row in enumerate(rows))
    words: dict[str, Any] = {"color": SOFT, "fontsize": SMALL_SIZE, "va": "bottom", "parse_math": False}
    for start, count, heading in zip(starts, (first, second), headings, strict=True):
        ax.text(start + 0.02, -0.06, plain(heading) if count else "", **words)
    ax.set(xlim=(0, wide), ylim=(top, -0.35), aspect="equal")
    return figure_of(ax)


def _row(ax: Axes, row: Row, starts: tuple[float, float], place: int) -> float:
    """Draw a pair; returns where its row ends."""
    top = place * (_CELL + _BETWEEN)
    lines = [plain(line, 26) for line in row.title.splitlines()]
    words: dict[str, Any] = {"color": INK, "fontsize": SMALL_SIZE, "ha": "left", "va": "center", "parse_math": False}
    ax.text(0.0, top + _CELL / 2, "\n".join(lines), **words)
    for start, pictures in zip(starts, (row.pictures, row.nearest), strict=True):
        if len(np.asarray(pictures)):
            for number, pixels in enumerate(rgb(pictures)):
                width = 0.94 * _CELL * min(1.0, pixels.shape[1] / pixels.shape[0])
                put(ax, pixels, start + number * _CELL, top + 0.03, width)
    return top + _CELL
