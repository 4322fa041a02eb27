"""The confusion matrix."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from stepwell.plots.style import BLUE, INK, LINE, SMALL_SIZE, SOFT, VERMILLION, Array, canvas, figure_of, plain, say

_WEAKEST, _STRONGEST = 0.1, 0.6
"""Opacities of a cell of one row among very many, and of a full one. The ink, dark on a light page and light on a dark
one, has to stay readable on the fuller."""
_COUNTED = 25


def confusion(matrix: npt.ArrayLike, classes: Sequence[str], *, ax: Axes | None = None) -> Figure:
    """Draw how many rows of each true class (down) were given each class (across).

    The shade is the share of the row, on a square-root scale so that a single mistake is seen: blue on the diagonal for
    what is right, orange for mistakes. Counts stand in the cells up to 25 classes; a cell of none holds a dot.
    """
    counts = np.asarray(matrix, dtype=np.float64)
    size = len(classes)
    if counts.shape != (size, size):
        raise ValueError(f"A confusion matrix of {size} classes is {size} × {size}; got shape {counts.shape}.")
    side = float(np.clip(1.5 + 0.34 * size, 2.4, 7.6))
    ax = canvas(ax, side + 0.4, side)
    _frame(ax, classes, room=side * 10 / max(size, 1))
    if not size:
        say(ax, "no classes")
        return figure_of(ax)
    ax.pcolormesh(_shades(counts), edgecolors=LINE, linewidth=0.6)
    ax.set(xlim=(0, size), ylim=(size, 0), aspect="equal")
    if size <= _COUNTED:
        _write(ax, counts)
    return figure_of(ax)


def _frame(ax: Axes, classes: Sequence[str], room: float) -> None:
    """Class names along both sides, without axes; they are turned where one has more letters than there is room for."""
    names = [plain(name, 18) for name in classes]
    middles = np.arange(len(names)) + 0.5
    turned = max(map(len, names), default=0) > room
    slant: dict[str, Any] = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"} if turned else {}
    ax.set_xticks(middles, names, parse_math=False, **slant)
    ax.set_yticks(middles, names, parse_math=False)
    ax.tick_params(length=0, labelcolor=INK)
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)
    ax.set_xlabel("predicted", color=SOFT, fontsize=SMALL_SIZE)
    ax.set_ylabel("true", color=SOFT, fontsize=SMALL_SIZE)


def _shades(counts: Array) -> Array:
    """Red, green, blue and opacity of each cell."""
    whole = np.nansum(counts, axis=1, keepdims=True)
    share = np.divide(np.nan_to_num(counts), whole, out=np.zeros_like(counts), where=whole > 0)
    right = np.eye(len(counts), dtype=bool)[..., None]
    colour = np.where(right, to_rgb(BLUE), to_rgb(VERMILLION))
    opacity = _WEAKEST + (_STRONGEST - _WEAKEST) * np.sqrt(np.clip(share, 0, 1))
    return np.concatenate([colour, np.where(share > 0, opacity, 0.0)[..., None]], axis=2)


def _write(ax: Axes, counts: Array) -> None:
    fontsize = float(np.clip(160 / len(counts), 6.5, SMALL_SIZE + 0.5))
    for (row, column), count in np.ndenumerate(counts):
        text, colour = (short(float(count)), INK) if count else ("0" if len(counts) <= 5 else "·", SOFT)
        ax.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=fontsize, color=colour)


def short(count: float) -> str:
    """A count in few characters: 12345 is 12k, a share keeps two digits, NaN is a dash."""
    if not np.isfinite(count):
        return "–"
    for least, scale, unit in ((1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if abs(count) >= least:
            return f"{count / scale:.0f}{unit}"
    return f"{count:.0f}" if float(count).is_integer() else f"{count:.2g}"
