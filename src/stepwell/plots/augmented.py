"""Pictures beside what augmentation makes of them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from stepwell.plots.style import INK, LINE, SMALL_SIZE, SOFT, Array, canvas, figure_of, plain, say

_CELL, _GAP, _HEAD = 0.9, 0.22, 0.3
_LARGEST = 160


def augmented(
    originals: npt.ArrayLike, draws: npt.ArrayLike, titles: Sequence[str] = (), *, ax: Axes | None = None
) -> Figure:
    """Draw each picture in a line of its own: first as it is, then each of its draws, as training sees them.

    `originals` are `(n, h, w)`, `(n, 1, h, w)` or `(n, 3, h, w)`; `draws` have one more dimension before these, `(k, n, …)`,
    and may be of another size. Values are bytes, or floats from 0 to 1; what lies beyond is cut off. `titles` name the
    lines. Raises `ValueError` for other shapes.
    """
    first, others = _colours(originals), [_colours(draw) for draw in np.asarray(draws)]
    if any(len(other) != len(first) for other in others):
        raise ValueError(
            f"There are {len(first)} pictures, but draws of {len(others[0])}; give one of each in every draw."
        )
    lines, columns = len(first), 1 + len(others)
    ax = canvas(ax, columns * _CELL + _GAP + (1.2 if titles else 0.0), max(lines, 1) * _CELL + _HEAD)
    ax.set_axis_off()
    if not lines:
        say(ax, "no pictures")
        return figure_of(ax)
    for line in range(lines):
        for column, pictures in enumerate([first, *others]):
            _place(ax, pictures[line], _left(column), line)
        _name(ax, plain(titles[line], 18) if line < len(titles) else "", line)
    _head(ax, lines, columns)
    ax.set(xlim=(0, columns + _GAP), ylim=(lines, -_HEAD), aspect="equal")
    return figure_of(ax)


def _colours(arrays: npt.ArrayLike) -> Array:
    """Pictures as `(n, h, w, 3)` in [0, 1]."""
    stack = np.asarray(arrays)
    pictures = stack.astype(np.float64) / (255 if stack.dtype == np.uint8 else 1)
    pictures = pictures[:, None] if pictures.ndim == 3 else pictures
    if pictures.ndim != 4 or pictures.shape[1] not in (1, 3):
        raise ValueError(f"Pictures are (n, h, w), (n, 1, h, w) or (n, 3, h, w); got shape {stack.shape}.")
    colour = np.broadcast_to(pictures, (len(pictures), 3, *pictures.shape[2:])).transpose(0, 2, 3, 1)
    step = -(-max(*colour.shape[1:3], 1) // _LARGEST)
    return np.clip(np.nan_to_num(colour[:, ::step, ::step]), 0.0, 1.0)


def _left(column: int) -> float:
    """Where a column begins: the draws stand a little apart from the originals."""
    return column + (_GAP if column else 0.0)


def _place(ax: Axes, picture: Array, left: float, line: int) -> None:
    """One picture in the middle of its cell, its longer side as long as the cell's."""
    height, width = picture.shape[:2]
    half_x, half_y = (0.47 * side / max(height, width) for side in (width, height))
    x, y = left + 0.5, line + 0.5
    extent = (x - half_x, x + half_x, y + half_y, y - half_y)
    ax.imshow(picture, extent=extent, interpolation="none")
    corner = (x - half_x, y - half_y)
    ax.add_patch(Rectangle(corner, 2 * half_x, 2 * half_y, fill=False, edgecolor=LINE, linewidth=0.6))


def _name(ax: Axes, name: str, line: int) -> None:
    look: dict[str, Any] = {"ha": "right", "va": "center", "color": INK, "fontsize": SMALL_SIZE, "parse_math": False}
    ax.text(-0.08, line + 0.5, name, **look)


def _head(ax: Axes, lines: int, columns: int) -> None:
    look: dict[str, Any] = {"va": "bottom", "color": SOFT, "fontsize": SMALL_SIZE, "parse_math": False}
    ax.text(0.5, -0.05, "original", ha="center", **look)
    if columns > 1:
        ax.text(_left(1) + (columns - 1) / 2, -0.05, "what training sees", ha="center", **look)
        ax.plot([1 + _GAP / 2] * 2, [0, lines], color=LINE, linewidth=0.8)
