"""Where in a picture something is: heat over the picture, beside the picture itself."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from stepwell.plots.images import rgb
from stepwell.plots.mosaic import put
from stepwell.plots.style import BLUE, INK, SMALL_SIZE, VERMILLION, Array, canvas, figure_of, plain

_FULLEST = 0.92
_GLOW = ("#ffd23f", VERMILLION)


def overlays(picture: npt.ArrayLike, maps: Mapping[str, npt.ArrayLike], *, ax: Axes | None = None) -> Figure:
    """Draw a picture `(h, w)`, `(1, h, w)` or `(3, h, w)`, and beside it, under their names, maps `(h, w)` laid over it in grey.

    The greatest number of a map glows most, zero leaves the picture as it is. In maps with numbers below zero, those are
    blue. Each map has its own scale: compare places, not maps.
    """
    plain_picture = rgb(np.asarray(picture, dtype=np.float64)[None])[0]
    shown = {"picture": plain_picture} | {name: overlay(picture, values) for name, values in maps.items()}
    tall = plain_picture.shape[0] / plain_picture.shape[1]
    ax = canvas(ax, 1.75 * len(shown), 1.75 * tall + 0.3)
    ax.set_axis_off()
    words: dict[str, Any] = {"color": INK, "fontsize": SMALL_SIZE, "ha": "center", "va": "bottom"}
    for place, (name, pixels) in enumerate(shown.items()):
        put(ax, pixels, place + 0.02, 0.0, 0.96)
        ax.text(place + 0.5, -0.03, plain(name, 22), parse_math=False, **words)
    ax.set(xlim=(0, len(shown)), ylim=(0.96 * tall, -0.2), aspect="equal", anchor="NW")
    return figure_of(ax)


def overlay(picture: npt.ArrayLike, values: npt.ArrayLike) -> Array:
    """A map `(h, w)` over a picture of that size: red, green, blue and opacity `(h, w, 4)`, 0 to 1.

    The picture is grey and faded, so that the map's colours stand out. Raises `ValueError` for a map of another size.
    """
    array, table = np.asarray(picture, dtype=np.float64), np.nan_to_num(np.asarray(values, dtype=np.float64))
    if table.shape != array.shape[-2:]:
        raise ValueError(f"The map is {table.shape}, the picture {array.shape[-2:]}; they have to be of one size.")
    base, heat = rgb(array[None])[0], _strength(table)
    grey = (0.3 + 0.65 * (base[..., :3] @ np.array([0.3, 0.59, 0.11])))[..., None]
    strength = _shrunk(heat, base.shape[:2])
    size = np.abs(strength)[..., None]
    colour = np.where(strength[..., None] < 0, to_rgb(BLUE), _glowing(size))
    opacity = _FULLEST * size**0.8
    return np.concatenate([grey * (1 - opacity) + colour * opacity, np.ones((*size.shape[:2], 1))], axis=2)


def _strength(values: Array) -> Array:
    """Numbers from -1 to 1: the largest size becomes 1, zero stays."""
    most = float(np.abs(values).max()) if values.size else 0.0
    return values / most if most > 0 else values


def _glowing(size: Array) -> Array:
    weak, strong = (np.array(to_rgb(colour)) for colour in _GLOW)
    return weak * (1 - size) + strong * size


def _shrunk(values: Array, shape: tuple[int, ...]) -> Array:
    """Means over the same blocks by which a large picture was made smaller."""
    if values.shape == shape:
        return values
    factor = values.shape[0] // shape[0]
    cut = values[: shape[0] * factor, : shape[1] * factor]
    means: Array = cut.reshape(shape[0], factor, shape[1], factor).mean(axis=(1, 3))
    return means
