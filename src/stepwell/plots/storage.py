"""Where a tensor's numbers lie: one storage, and the views of it."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stepwell.plots.cells import HEIGHT, INDEX, Cells, block_size, cell_width, draw_blocks
from stepwell.plots.diagram import Sheet, sheet, text_width
from stepwell.plots.routes import cornered
from stepwell.plots.style import SMALL_SIZE, SOFT, TEXT_SIZE, canvas, figure_of, plain, say

_HEAD, _FACTS, _APART, _GAP, _ARC, _CORNER = 0.26, 0.42, 0.6, 0.18, 0.24, 0.1


class View(NamedTuple):
    """How a tensor reads a storage: its size and its stride along each dimension, and where it begins."""

    size: Sequence[int]
    stride: Sequence[int]
    offset: int = 0


Views = Mapping[str, tuple[Sequence[int], Sequence[int]] | tuple[Sequence[int], Sequence[int], int]]


def storage(values: npt.ArrayLike, views: Views, *, ax: Axes | None = None) -> Figure:
    """Draw a storage of numbers, and above it tensors that read it: `{"points": ((3, 2), (2, 1)), …}`.

    A view is (size, stride) or (size, stride, offset), as `Tensor.size()`, `.stride()` and `.storage_offset()` have them,
    of rank 1 to 3. The small number in a cell is its place in the storage. Places that no view reads are left unshaded. Of
    a single view, arcs below the storage show what each stride leads to. Raises `ValueError` for a view that reads
    beyond the storage.
    """
    kept = np.asarray(values).reshape(-1)
    if not kept.size or not views:
        ax = canvas(ax)
        say(ax, "nothing stored" if not kept.size else "no views")
        return figure_of(ax)
    read = {name: View(*view) for name, view in views.items()}
    places = {name: _places(name, view, len(kept)) for name, view in read.items()}
    wide = cell_width(kept)
    sizes = {name: _size(name, read[name], places[name], wide + _CORNER) for name in read}
    tall = max(height for _, height in sizes.values())
    width = sum(across for across, _ in sizes.values()) + _APART * (len(sizes) - 1)
    arcs = _arcs(next(iter(read.values()))) if len(read) == 1 else []
    foot = -tall - _GAP - _HEAD - INDEX - HEIGHT
    page = sheet(ax, (0, max(width, len(kept) * wide, _reach(arcs, wide))), (foot - _ARC * len(arcs), 0))
    left = 0.0
    for name, view in read.items():
        _view(page, left, name, view, kept, places[name], wide + _CORNER)
        left += sizes[name][0] + _APART
    shaded = np.isin(np.arange(len(kept)), np.concatenate([each.reshape(-1) for each in places.values()]))
    page.say(0, -tall - _GAP, "storage", ha="left", va="top", fontsize=TEXT_SIZE)
    draw_blocks(page, 0, -tall - _GAP - _HEAD, kept, wide, picked=shaded)
    for depth, arc in enumerate(arcs):
        _arc(page, arc, foot, depth, wide, _beyond(arcs, wide))
    return figure_of(page.ax)


class _Arc(NamedTuple):
    start: int
    end: int
    text: str


def _places(name: str, view: View, length: int) -> Cells:
    """The places in the storage of a view's cells, in the view's shape."""
    places = np.full(tuple(view.size), view.offset)
    for axis, stride in enumerate(view.stride):
        places = places + np.indices(tuple(view.size))[axis] * stride
    if len(view.size) != len(view.stride) or not 1 <= len(view.size) <= 3 or not places.size:
        raise ValueError(
            f"The view {name!r} has size {view.size} and stride {view.stride}; give 1 to 3 numbers for each."
        )
    if places.min() < 0 or places.max() >= length:
        raise ValueError(f"The view {name!r} reads place {places.max()} of a storage of {length} numbers.")
    return places


def _facts(view: View) -> str:
    size, stride = tuple(view.size), tuple(view.stride)
    return f"size {size}, stride {stride},\noffset {view.offset}"


def _size(name: str, view: View, places: Cells, wide: float) -> tuple[float, float]:
    width, height = block_size(places, wide)
    words = max(text_width(plain(name), TEXT_SIZE), text_width(_facts(view), SMALL_SIZE - 1))
    return max(width, words), height + _HEAD + _FACTS


def _view(page: Sheet, left: float, name: str, view: View, kept: Cells, places: Cells, wide: float) -> None:
    page.say(left, -0.02, plain(name), ha="left", va="top", fontsize=TEXT_SIZE)
    draw_blocks(page, left, -_HEAD, kept[places], wide, corners=places)
    foot = -_HEAD - block_size(places, wide)[1]
    page.say(left, foot - 0.07, _facts(view), ha="left", va="top", color=SOFT, fontsize=SMALL_SIZE - 1)


def _arcs(view: View) -> list[_Arc]:
    """A step along each dimension that has one, from the first number on; the last dimension first."""
    steps = [
        _Arc(view.offset, view.offset + stride, f"stride {stride}: the next along dimension {axis}")
        for axis, (size, stride) in enumerate(zip(view.size, view.stride, strict=True))
        if size > 1 and stride > 0
    ]
    return steps[::-1]


def _reach(arcs: Sequence[_Arc], wide: float) -> float:
    """How far right the words of arcs go."""
    return max((_beyond(arcs, wide) + text_width(arc.text, SMALL_SIZE - 1) for arc in arcs), default=0.0)


def _beyond(arcs: Sequence[_Arc], wide: float) -> float:
    """The place right of all arcs."""
    return (max(arc.end for arc in arcs) + 1.0) * wide


def _arc(page: Sheet, arc: _Arc, foot: float, depth: int, wide: float, beyond: float) -> None:
    """A bow below the storage from one place to another, with its words at its right."""
    start, end = ((place + 0.5 + 0.1 * depth) * wide for place in (arc.start, arc.end))
    low = foot - _ARC * (depth + 1) + 0.1
    top = foot - 0.02
    page.arrow(cornered([(start, top), (start, low), (end, low), (end, top)]))
    page.say(beyond, low + 0.03, arc.text, ha="left", color=SOFT, fontsize=SMALL_SIZE - 1)
