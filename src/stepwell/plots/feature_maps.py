"""What layers make of pictures, layer by layer."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stepwell.plots.mosaic import coloured, mosaic, put
from stepwell.plots.style import INK, SMALL_SIZE, SOFT, Array, canvas, figure_of, plain, say

_WIDE, _ROW, _NAMES = 6.1, 0.66, 1.8
_BETWEEN, _LEAST = 0.22, 0.34
_CELLS, _LINES = 64, 6  # numbers of a vector in a line, and the most lines


def feature_maps(layers: Mapping[str, npt.ArrayLike], *, most: int = 10, ax: Axes | None = None) -> Figure:
    """Draw a row for each layer, under its name: its maps `(maps, h, w)`, of which `most` at most, or a vector `(features,)`,
    of which the first 384 are shown.

    The maps may be a layer's channels for one picture, or one channel for several pictures. A row has one scale: white is
    zero, blue above, orange below.
    """
    arrays = {name: _checked(name, values) for name, values in layers.items()}
    heights = [_height(values, max(1, most)) for values in arrays.values()]
    whole = sum(max(height, _LEAST) + _BETWEEN for height in heights) - _BETWEEN
    ax = canvas(ax, _NAMES + _WIDE, max(whole, 0.5) + 0.1)
    ax.set_axis_off()
    if not layers:
        say(ax, "no layers")
        return figure_of(ax)
    top = 0.0
    for (name, values), height in zip(arrays.items(), heights, strict=True):
        _row(ax, name, values, top, height, max(1, most))
        top += max(height, _LEAST) + _BETWEEN
    ax.set(xlim=(-_NAMES, _WIDE), ylim=(whole + 0.02, -0.02), aspect="equal", anchor="NW")
    return figure_of(ax)


def _checked(name: str, values: npt.ArrayLike) -> Array:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim not in (1, 3):
        raise ValueError(f"The layer {name!r} has values (maps, h, w) or (features,); got shape {array.shape}.")
    return np.where(np.isfinite(array), array, np.nan)


def _height(values: Array, most: int) -> float:
    """How high a layer is drawn, in inches."""
    if not values.size:
        return 0.0
    if values.ndim == 3:
        return min(_ROW, 0.9 * _WIDE / most * float(values.shape[1]) / float(values.shape[2]))
    return _cell(values) * min(_LINES, -(-len(values) // _CELLS))


def _cell(values: Array) -> float:
    """The side of a square of a vector."""
    return min(_WIDE / min(_CELLS, len(values)), 0.16)


def _row(ax: Axes, name: str, values: Array, top: float, height: float, most: int) -> None:
    """Draw a layer and its name."""
    middle = top + max(height, _LEAST) / 2
    if values.size:
        cells = coloured(values)
        picture = mosaic(cells[:most], min(most, len(cells)), gap=0.1) if values.ndim == 3 else _squares(cells)
        wide = height * picture.shape[1] / picture.shape[0]
        put(ax, picture, 0.0, middle - height / 2, min(wide, _WIDE))
    words: dict[str, Any] = {"ha": "right", "color": INK, "fontsize": SMALL_SIZE, "parse_math": False}
    ax.text(-0.12, middle - 0.02, plain(name, 25), va="bottom", **words)
    shape = " × ".join(map(str, values.shape))
    ax.text(-0.12, middle + 0.02, shape, va="top", **{**words, "color": SOFT, "fontsize": SMALL_SIZE - 1.5})


def _squares(cells: Array) -> Array:
    """The first numbers as squares, in lines."""
    columns = min(_CELLS, len(cells))
    shown = cells[: columns * _LINES]
    return np.concatenate([shown, np.zeros((-len(shown) % columns, 4))]).reshape(-1, columns, 4)
