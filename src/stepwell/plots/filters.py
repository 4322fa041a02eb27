"""Filters of a convolution as pictures."""

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stepwell.plots.mosaic import coloured, mosaic, put
from stepwell.plots.style import SMALL_SIZE, SOFT, Array, canvas, figure_of, plain, say

_WIDE = 6.0
_CELL = 0.62
_FEW, _STRIPS = 4, 12  # channels of a filter that are drawn side by side as one strip, and cells of strips in a row


def filters(
    weights: npt.ArrayLike,
    *,
    columns: int = 8,
    most: int = 64,
    colour: bool | None = None,
    title: str = "",
    ax: Axes | None = None,
) -> Figure:
    """Draw the weights `(filters, channels, h, w)` of a convolution, or `(filters, h, w)`; at most `most` filters.

    Filters of one channel stand in rows of `columns`. Of three channels they are pictures in colour where that tells
    something, from 5 × 5 on: grey is zero. Else a filter of up to four channels is a strip of them, and of more ones a row
    is a filter and a column an input channel. Weights above zero are blue,
    below orange, on one scale for all. `colour` decides for or against pictures in colour.
    """
    stack = np.asarray(weights, dtype=np.float64)
    stack = stack[:, None] if stack.ndim == 3 else stack
    if stack.ndim != 4:
        raise ValueError(f"Filters are (filters, channels, h, w) or (filters, h, w); got shape {stack.shape}.")
    stack = np.where(np.isfinite(stack), stack, np.nan)
    in_colour = stack.shape[1] == 3 and (min(stack.shape[2:]) >= 5 if colour is None else colour)
    if not stack.size:
        ax = canvas(ax)
        say(ax, "no filters")
        return figure_of(ax)
    shown = stack[:most, : 3 if in_colour else most]
    cells, across = _cells(shown, in_colour, max(1, columns))
    picture = mosaic(cells, across)
    strip = shown.shape[1] if 1 < shown.shape[1] <= _FEW and not in_colour else 1
    width = float(np.clip(across * strip * _CELL, 1.2, _WIDE))
    return _draw(picture, width, title or _told(stack, shown, in_colour), ax)


def _draw(picture: Array, width: float, title: str, ax: Axes | None) -> Figure:
    height = width * picture.shape[0] / picture.shape[1]
    ax = canvas(ax, max(width, 3.2), height + 0.35)
    ax.set_axis_off()
    put(ax, picture, 0.0, 0.0, 1.0)
    ax.set(xlim=(-0.01, 1.01), ylim=(height / width * 1.01, -0.01), aspect="equal", anchor="NW")
    ax.set_title(plain(title, 90), loc="left", color=SOFT, fontsize=SMALL_SIZE, parse_math=False)
    return figure_of(ax)


def _cells(stack: Array, in_colour: bool, columns: int) -> tuple[Array, int]:
    """Pictures with opacity, and how many stand in a row."""
    count, channels, height, width = stack.shape
    if in_colour:
        known = np.nan_to_num(stack)
        around = 0.5 + known / (2 * (np.abs(known).max() or 1.0))
        pixels = np.concatenate([around.transpose(0, 2, 3, 1), np.ones((count, height, width, 1))], axis=3)
        return pixels, min(columns, count)
    pixels = coloured(stack.reshape(-1, height, width))
    if channels == 1 or channels > _FEW:
        return pixels, channels if channels > 1 else min(columns, count)
    strips = pixels.reshape(count, channels, height, width, 4)
    return np.stack([mosaic(strip, channels, 0.0) for strip in strips]), min(max(1, _STRIPS // channels), count)


def _told(stack: Array, shown: Array, in_colour: bool) -> str:
    """What is drawn, in a few words."""
    count, channels, height, width = stack.shape
    first = f" (the first {len(shown)})" if len(shown) < count else ""
    said = f"{count} filter{'s' * (count != 1)} of {height} × {width}"
    if channels == 1 or in_colour:
        return f"{said}{', red, green and blue' * in_colour}{first}"
    if channels <= _FEW:
        return f"{said}{first}, each a strip of its {channels} input channels"
    some = f" (the first {shown.shape[1]})" if shown.shape[1] < channels else ""
    return f"{said} down{first}, {channels} input channels across{some}"
