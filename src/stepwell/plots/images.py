"""Pictures in a grid."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stepwell.plots.style import INK, SMALL_SIZE, Array, canvas, figure_of, plain, say

_CELL = 1.0
_LARGEST = 160


def images(arrays: npt.ArrayLike, titles: Sequence[str] = (), *, columns: int = 6, ax: Axes | None = None) -> Figure:
    """Draw pictures `(n, h, w)`, `(n, 1, h, w)` or `(n, 3, h, w)` in a grid, each under its title if there are any.

    All share one scale, from the least to the greatest finite value, so that brightness can be compared. Pixels that
    are NaN are left empty. Pictures larger than 160 pixels are made smaller by whole factors.
    """
    pictures = rgb(arrays)
    columns = max(1, min(columns, len(pictures)))
    rows = -(-len(pictures) // columns)
    tall = _tall(pictures) + (0.32 if titles else 0.08)
    ax = canvas(ax, columns * _CELL + 0.1, max(rows, 1) * tall * _CELL + 0.1)
    ax.set_axis_off()
    if not len(pictures):
        say(ax, "no pictures")
        return figure_of(ax)
    for index, picture in enumerate(pictures):
        title = plain(titles[index], 16) if index < len(titles) else ""
        _place(ax, picture, index % columns, (index // columns) * tall, title, tall)
    ax.set(xlim=(0, columns), ylim=(rows * tall, 0), aspect="equal")
    return figure_of(ax)


def rgb(arrays: npt.ArrayLike) -> Array:
    """Pictures as `(n, h, w, 4)` in [0, 1]: red, green, blue and opacity, on one scale for all."""
    stack = np.asarray(arrays, dtype=np.float64)
    stack = stack[:, None] if stack.ndim == 3 else stack
    if stack.ndim != 4 or stack.shape[1] not in (1, 3):
        raise ValueError(f"Pictures are (n, h, w), (n, 1, h, w) or (n, 3, h, w); got shape {stack.shape}.")
    finite = np.isfinite(stack)
    low, high = (stack[finite].min(), stack[finite].max()) if finite.any() else (0.0, 1.0)
    scaled = np.where(finite, (np.where(finite, stack, low) - low) / ((high - low) or 1.0), 0.0)
    colour = np.broadcast_to(scaled, (len(stack), 3, *stack.shape[2:]))
    opacity = finite.all(axis=1, keepdims=True).astype(np.float64)
    return _smaller(np.concatenate([colour, opacity], axis=1).transpose(0, 2, 3, 1))


def _smaller(pictures: Array) -> Array:
    """Means over whole blocks of pixels where a side is longer than is worth drawing."""
    count, height, width, channels = pictures.shape
    factor = -(-max(height, width, 1) // _LARGEST)
    rows, columns = height // factor, width // factor
    if factor == 1 or not (rows and columns):
        return pictures
    blocks = pictures[:, : rows * factor, : columns * factor].reshape(count, rows, factor, columns, factor, channels)
    means: Array = blocks.mean(axis=(2, 4))
    return means


def _tall(pictures: Array) -> float:
    _, height, width, _ = pictures.shape
    return float(np.clip(height / max(width, 1), 0.1, 10.0))


def _place(ax: Axes, picture: Array, column: int, top: float, title: str, tall: float) -> None:
    """One picture, a little smaller than its cell, at the cell's foot; its title above it."""
    foot, height = top + tall - 0.04, _tall(picture[None])
    ax.imshow(picture, extent=(column + 0.04, column + 0.96, foot, foot - height * 0.92), interpolation="none")
    where: dict[str, Any] = {"ha": "center", "va": "bottom", "color": INK, "parse_math": False}
    ax.text(column + 0.5, foot - height * 0.92 - 0.03, title, fontsize=SMALL_SIZE - 1.5, **where)
