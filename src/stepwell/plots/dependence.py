"""How a prediction changes with one column."""

from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stepwell.plots.style import BLUE, INK, SOFT, Array, canvas, figure_of, floats, name_axes, plain, say

_MOST_CURVES = 60


def dependence(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    low: npt.ArrayLike | None = None,
    high: npt.ArrayLike | None = None,
    *,
    curves: npt.ArrayLike | None = None,
    xlabel: str = "x",
    ylabel: str = "prediction",
    ax: Axes | None = None,
) -> Figure:
    """Draw the mean prediction `y` over a column's values `x`: a line over numbers, points over names.

    `low` and `high` bound a band around it, such as that of the middle 80 % of rows. `curves` `(values, rows)` are single
    rows' predictions, of which up to 60 are drawn as thin lines. Raises `ValueError` where lengths differ.
    """
    ax = canvas(ax)
    name_axes(ax, xlabel, ylabel)
    names = _names(x)
    places = np.arange(len(names), dtype=np.float64) if names is not None else floats(x)
    mean = _of_length(y, len(places), "y")
    band = [_of_length(bound, len(places), "the band") for bound in (low, high) if bound is not None]
    if not np.isfinite(places + mean).any():
        say(ax, "no finite value to draw")
        return figure_of(ax)
    if curves is not None:
        _thin(ax, places, np.asarray(curves, dtype=np.float64))
    if names is None:
        _over_numbers(ax, places, mean, band)
    else:
        _over_names(ax, names, mean, band)
    return figure_of(ax)


def _names(x: object) -> list[str] | None:
    """The values as texts, where they are texts."""
    array = np.asarray(x)
    return None if array.dtype.kind in "biuf" or not array.size else [plain(value, 14) for value in array.reshape(-1)]


def _of_length(values: npt.ArrayLike, length: int, name: str) -> Array:
    array = floats(values)
    if len(array) != length:
        raise ValueError(f"There are {len(array)} values of {name} for {length} values of x; give one for each.")
    return array


def _thin(ax: Axes, places: Array, curves: Array) -> None:
    if curves.ndim != 2 or len(curves) != len(places):
        raise ValueError(f"Curves are (values of x, rows), here ({len(places)}, …); got shape {curves.shape}.")
    every = max(1, -(-curves.shape[1] // _MOST_CURVES))
    ax.plot(places, curves[:, ::every], color=SOFT, linewidth=0.6, alpha=0.35, zorder=1.6)


def _over_numbers(ax: Axes, places: Array, mean: Array, band: list[Array]) -> None:
    if len(band) == 2:
        ax.fill_between(places, band[0], band[1], color=BLUE, alpha=0.16, linewidth=0, zorder=1.5)
    marker = "o" if len(places) <= 16 else ""
    ax.plot(places, mean, color=BLUE, linewidth=1.8, marker=marker, markersize=3.5, zorder=3)
    ax.margins(x=0.02)


def _over_names(ax: Axes, names: list[str], mean: Array, band: list[Array]) -> None:
    places = np.arange(len(names))
    if len(band) == 2:
        ax.vlines(places, band[0], band[1], color=BLUE, alpha=0.3, linewidth=7, zorder=2)
    ax.plot(places, mean, "o", color=BLUE, markersize=6, zorder=3)
    turned = sum(map(len, names)) > 44
    slant: dict[str, Any] = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"} if turned else {}
    ax.set_xticks(places, names, parse_math=False, **slant)
    ax.tick_params(axis="x", length=0, labelcolor=INK)
    ax.set_xlim(-0.6, len(names) - 0.4)
