"""Arrays drawn as cells with a number in each: the parts of which pictures of tensors are made."""

from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.patches import Rectangle

from stepwell.plots.diagram import Sheet, text_width
from stepwell.plots.style import BLUE, INK, LINE, PAPER, SMALL_SIZE, SOFT, storable

Cells = npt.NDArray[Any]

HEIGHT = 0.27
"""Inches of a cell."""
INDEX = 0.17
"""Inches left of and above a block, for the numbers of its rows and columns."""
_MOST, _BETWEEN = 10, 0.2
_PICKED = "#cfe3f1"


def written(value: Any) -> str:
    """What stands in a cell: whole numbers as they are, others with three digits, texts as they are."""
    if isinstance(value, str):
        return storable(value)
    number = float(value)
    if not np.isfinite(number):
        return "–"
    return f"{number:.0f}" if number.is_integer() and abs(number) < 1e6 else f"{number:.3g}"


def cut(values: Cells) -> Cells:
    """The same array, with what is beyond ten along a dimension left out."""
    return values[tuple(slice(_MOST) for _ in range(values.ndim))]


def cell_width(values: Cells) -> float:
    """Inches that a cell needs for the widest number of an array."""
    return max([HEIGHT + 0.06, *(text_width(written(each)) + 0.14 for each in values.reshape(-1).tolist())])


def block_size(values: Cells, wide: float) -> tuple[float, float]:
    """Inches that `draw_blocks` takes: rank 0 is a cell, 1 a row, 2 a block, 3 blocks side by side."""
    blocks = as_blocks(values)
    count, rows, columns = blocks.shape
    room = INDEX if values.ndim > 1 else 0.0
    return count * (columns * wide + room) + (count - 1) * _BETWEEN, max(rows, 1) * HEIGHT + (
        INDEX if values.ndim else 0.0
    )


def as_blocks(values: Cells) -> Cells:
    """An array of rank 0 to 3 as `(blocks, rows, columns)`. Raises `ValueError` for another rank."""
    if values.ndim > 3:
        raise ValueError(f"Tensors of rank 0 to 3 can be drawn as cells; got shape {values.shape}.")
    return values.reshape((1,) * (3 - values.ndim) + values.shape)


def draw_blocks(
    page: Sheet,
    x: float,
    y: float,
    values: Cells,
    wide: float,
    *,
    picked: Cells | None = None,
    repeated: Cells | None = None,
    corners: Cells | None = None,
) -> None:
    """Draw an array from its upper left corner `(x, y)` on, with its indices beside it.

    `picked` cells are shaded; `repeated` ones have dashed borders and soft numbers; `corners` are small numbers in the cells.
    """
    shape = as_blocks(values).shape
    no = np.zeros(values.shape, dtype=bool)
    masks = [as_blocks(no if mask is None else np.asarray(mask, dtype=bool)) for mask in (picked, repeated)]
    small = None if corners is None else as_blocks(corners)
    room = INDEX if values.ndim > 1 else 0.0
    top = y - (INDEX if values.ndim else 0.0)
    for (block, row, column), value in np.ndenumerate(as_blocks(values)):
        left = x + block * (shape[2] * wide + room + _BETWEEN) + room + column * wide
        foot = top - (row + 1) * HEIGHT
        shaded, again = (bool(mask[block, row, column]) for mask in masks)
        _cell(page, left, foot, wide, written(value), shaded, again)
        if small is not None:
            page.say(
                left + 0.03,
                foot + 0.03,
                str(small[block, row, column]),
                ha="left",
                va="bottom",
                color=SOFT,
                fontsize=6,
            )
        if values.ndim and row == 0:
            _index(page, left + wide / 2, top + 0.03, column, "center", "bottom")
        if values.ndim > 1 and column == 0:
            _index(page, left - 0.05, foot + HEIGHT / 2, row, "right", "center")


def _cell(page: Sheet, left: float, foot: float, wide: float, text: str, shaded: bool, again: bool) -> None:
    page.ax.add_patch(
        Rectangle(
            (left, foot),
            wide,
            HEIGHT,
            facecolor=_PICKED if shaded else PAPER,
            edgecolor=BLUE if shaded else LINE if again else SOFT,
            linewidth=(1.2 if shaded else 0.8) * page.scale,
            linestyle=(0, (3, 2)) if again else "-",
            zorder=4 if shaded else 3 if not again else 2.5,
        )
    )
    page.say(left + wide / 2, foot + HEIGHT / 2 - 0.047, text, va="baseline", color=SOFT if again else INK)


def _index(page: Sheet, x: float, y: float, number: int, across: str, up: str) -> None:
    page.say(x, y, str(number), ha=across, va=up, color=SOFT, fontsize=SMALL_SIZE - 2.5)
