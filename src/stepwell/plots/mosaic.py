"""Many small pictures as one: cells in a grid with gaps between them, and numbers as colours."""

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, Normalize, TwoSlopeNorm

from stepwell.plots.heat import ONE_WAY, TWO_WAYS
from stepwell.plots.style import Array

_EDGE = (0.72, 0.74, 0.76, 1.0)


def coloured(values: npt.ArrayLike) -> Array:
    """Numbers `(…)` as red, green, blue and opacity `(…, 4)` on one scale.

    Zero is white and more is a darker blue; with numbers below zero, those are orange, the more the further down. NaN is clear.
    """
    table = np.asarray(values, dtype=np.float64)
    finite = table[np.isfinite(table)]
    norm, colours = scale(float(finite.min()), float(finite.max())) if finite.size else (Normalize(0, 1), ONE_WAY)
    pixels = np.asarray(colours(norm(np.where(np.isfinite(table), table, 0.0))), dtype=np.float64)
    pixels[..., 3] = np.isfinite(table)
    return pixels


def scale(low: float, high: float) -> tuple[Normalize, Colormap]:
    """What turns numbers between two bounds into colours: around zero where that lies between them."""
    if low < 0:
        most = max(-low, high, 1e-300)
        return TwoSlopeNorm(0.0, -most, most), TWO_WAYS
    return Normalize(0.0, high if high > 0 else 1.0), ONE_WAY


def mosaic(cells: Array, columns: int, gap: float = 0.12) -> Array:
    """Pictures `(n, h, w, 4)` side by side in rows of `columns`, as one picture; each has a thin frame, and gaps are clear.

    Small pictures are drawn larger by whole factors, so that the frame stays thin.
    """
    factor = max(1, -(-24 // max(cells.shape[1:3])))
    framed = np.pad(
        cells.repeat(factor, axis=1).repeat(factor, axis=2), ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=np.nan
    )
    framed = np.where(np.isnan(framed), _EDGE, framed)
    apart = max(1, round(gap * max(framed.shape[1:3])))
    count, height, width, _ = framed.shape
    rows = -(-count // columns)
    whole = np.zeros((rows * (height + apart) - apart, columns * (width + apart) - apart, 4))
    for place, cell in enumerate(framed):
        top, left = (place // columns) * (height + apart), (place % columns) * (width + apart)
        whole[top : top + height, left : left + width] = cell
    return whole


def put(ax: Axes, picture: Array, left: float, top: float, width: float) -> float:
    """Draw a picture `(h, w, 4)` with its upper left corner there, `width` wide; returns how high it is."""
    height: float = width * picture.shape[0] / picture.shape[1]
    ax.imshow(picture, extent=(left, left + width, top + height, top), interpolation="none")
    return height
