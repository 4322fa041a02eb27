"""Tensors as cells with their numbers: ranks, slices, shapes, and how one is stretched to another."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stepwell.plots.cells import INDEX, Cells, block_size, cell_width, cut, draw_blocks
from stepwell.plots.diagram import Sheet, sheet, text_width
from stepwell.plots.routes import straight
from stepwell.plots.style import INK, SMALL_SIZE, SOFT, TEXT_SIZE, canvas, figure_of, plain, say

_HEAD, _FOOT, _APART, _ROW = 0.26, 0.24, 0.42, 0.2
_NONE: Mapping[str, npt.ArrayLike] = {}
_DOES: dict[str, Callable[[Any, Any], Any]] = {"+": np.add, "\N{MINUS SIGN}": np.subtract, "×": np.multiply}


def tensors(
    arrays: Mapping[str, npt.ArrayLike],
    *,
    picked: Mapping[str, npt.ArrayLike] = _NONE,
    arrows: bool = False,
    columns: int = 4,
    ax: Axes | None = None,
) -> Figure:
    """Draw arrays of rank 0 to 3 by name, `columns` in a row, each with its shape below; of rank 3 as blocks side by side.

    `picked` shades cells: for some of the names, an array of true and false in the array's shape. `arrows` lead from each
    to the next, as from a tensor to its reshaped self. What is beyond ten along a dimension is not drawn.
    """
    drawn = {name: np.asarray(values) for name, values in arrays.items()}
    if not drawn:
        ax = canvas(ax)
        say(ax, "no tensors")
        return figure_of(ax)
    wide = max(cell_width(cut(values)) for values in drawn.values())
    sizes = {name: _size(name, values, wide) for name, values in drawn.items()}
    names = list(drawn)
    rows = [names[start : start + columns] for start in range(0, len(names), max(columns, 1))]
    tall = [max(sizes[name][1] for name in row) for row in rows]
    width = max(sum(sizes[name][0] for name in row) + _APART * (len(row) - 1) for row in rows)
    page = sheet(ax, (0, width), (-sum(tall) - _ROW * (len(rows) - 1), 0))
    top = 0.0
    for row, height in zip(rows, tall, strict=True):
        left = 0.0
        for name in row:
            mask = picked.get(name)
            _one(page, left, top, name, drawn[name], wide, None if mask is None else np.asarray(mask, dtype=bool))
            left += sizes[name][0] + _APART
            if arrows and name != row[-1]:
                middle = top - _HEAD - INDEX - (sizes[name][1] - _HEAD - _FOOT - INDEX) / 2
                page.arrow(straight((left - _APART + 0.08, middle), (left - 0.05, middle)))
        top -= height + _ROW
    return figure_of(page.ax)


def _size(name: str, values: Cells, wide: float) -> tuple[float, float]:
    width, height = block_size(cut(values), wide)
    return max(width, text_width(plain(name), TEXT_SIZE), text_width(_shape(values))), height + _HEAD + _FOOT


def _shape(values: Cells) -> str:
    return f"shape {tuple(values.shape)}"


def _one(page: Sheet, left: float, top: float, name: str, values: Cells, wide: float, picked: Cells | None) -> None:
    """An array under its name, and over its shape."""
    page.say(left, top - 0.02, plain(name), ha="left", va="top", fontsize=TEXT_SIZE)
    shown = cut(values)
    draw_blocks(page, left, top - _HEAD, shown, wide, picked=None if picked is None else cut(picked))
    foot = top - _HEAD - block_size(shown, wide)[1]
    page.say(left, foot - 0.06, _shape(values), ha="left", va="top", color=SOFT, fontsize=SMALL_SIZE - 1)


def broadcast(a: npt.ArrayLike, b: npt.ArrayLike, does: str = "+", *, ax: Axes | None = None) -> Figure:
    """Draw how two arrays of different shape are stretched to one and added: repeated cells are dashed and soft.

    `does` is `+`, `−` or `×`. Raises `ValueError` for shapes that do not fit, naming them. The rule: from the last
    dimension on, sizes are equal, or one of them is 1 (or missing) and is repeated.
    """
    first, second = np.asarray(a), np.asarray(b)
    if does not in _DOES:
        raise ValueError(f"Arrays are joined by {', '.join(_DOES)}, not by {does!r}.")
    try:
        shape = np.broadcast_shapes(first.shape, second.shape)
    except ValueError:
        raise ValueError(
            f"Shapes {first.shape} and {second.shape} do not fit: from the last dimension on, sizes have to be equal, or 1."
        ) from None
    parts = [_stretched(first, shape), _stretched(second, shape)]
    result = _DOES[does](first, second)
    wide = max(cell_width(each) for each in (first, second, result))
    width, height = block_size(result, wide)
    step = width + _APART
    page = sheet(ax, (0, 3 * width + 2 * _APART), (-height - _FOOT, 0))
    for number, (values, repeated, said) in enumerate([*parts, (result, None, f"shape {shape}")]):
        draw_blocks(page, number * step, 0, values, wide, repeated=repeated)
        page.say(number * step, -height - 0.06, said, ha="left", va="top", color=SOFT, fontsize=SMALL_SIZE - 1)
    for number, sign in enumerate((does, "=")):
        page.say((number + 1) * step - _APART / 2 + INDEX / 3, -(height + INDEX) / 2, sign, color=INK, fontsize=13)
    return figure_of(page.ax)


def _stretched(values: Cells, shape: tuple[int, ...]) -> tuple[Cells, Cells, str]:
    """An array in the wider shape, which of its cells are repetitions, and its own shape in words."""
    own = values.reshape((1,) * (len(shape) - values.ndim) + values.shape)
    again = np.zeros(shape, dtype=bool)
    for axis, size in enumerate(own.shape):
        if size < shape[axis]:
            again |= np.indices(shape)[axis] > 0
    return np.broadcast_to(values, shape), again, f"shape {tuple(values.shape)}"
