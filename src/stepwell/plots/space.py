"""Rows as points of a plane, and what a classifier makes of the plane."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from stepwell.plots.style import (
    INK,
    LOOKS,
    PAPER,
    SMALL_SIZE,
    SOFT,
    Array,
    Look,
    canvas,
    figure_of,
    floats,
    name_axes,
    plain,
    say,
)
from stepwell.plots.surface import name_marks, on_grid

_VECTOR_POINTS = 1500
_STRONGEST = (0.5, 0.24, 0.36, 0.16, 0.3, 0.2)
"""Opacities where a class is sure, which differ so that neighbours do so in grey, too."""


class Panel(NamedTuple):
    """A space to draw: rows as `points` `(rows, 2)`; `lines` `(lines, points, 2)`, the grid of another space seen in this one;
    and `probabilities` `(len(y), len(x))` of class 1 over a grid of it, or `(len(y), len(x), classes)`. What is None is left
    out.
    """

    points: npt.ArrayLike
    lines: npt.ArrayLike | None = None
    x: npt.ArrayLike | None = None
    y: npt.ArrayLike | None = None
    probabilities: npt.ArrayLike | None = None


def scatter(
    points: npt.ArrayLike,
    labels: npt.ArrayLike,
    *,
    classes: Sequence[str] = (),
    xlabel: str = "x₁",
    ylabel: str = "x₂",
    ax: Axes | None = None,
) -> Figure:
    """Draw rows `(rows, 2)` in the colour and marker of their class; `labels` are class numbers from 0."""
    ax = canvas(ax, 4.0, 3.6)
    name_axes(ax, xlabel, ylabel)
    ax.grid(visible=False)
    _rows(ax, points, labels)
    _legend(ax, labels, classes)
    return figure_of(ax)


def regions(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    probabilities: npt.ArrayLike,
    *,
    points: npt.ArrayLike | None = None,
    labels: npt.ArrayLike | None = None,
    classes: Sequence[str] = (),
    threshold: float = 0.5,
    xlabel: str = "x₁",
    ylabel: str = "x₂",
    ax: Axes | None = None,
) -> Figure:
    """Draw where in a plane a classifier says what, and the rows `points` `(rows, 2)` with their true `labels` upon it.

    `probabilities` are those of class 1, `(len(y), len(x))`: a shade that is stronger where it is surer, and a line where
    it is the threshold. Or they are those of all classes, `(len(y), len(x), classes)`, and lines part the most probable.
    """
    ax = canvas(ax, 4.2, 3.7)
    name_axes(ax, xlabel, ylabel)
    ax.grid(visible=False)
    _ground(ax, x, y, np.asarray(probabilities, dtype=np.float64), threshold)
    if points is not None:
        known = np.zeros(len(np.asarray(points))) if labels is None else labels
        _rows(ax, points, known)
        _legend(ax, known, classes)
    return figure_of(ax)


def spaces(
    panels: Mapping[str, tuple[Any, ...]], labels: npt.ArrayLike, *, threshold: float = 0.5, ax: Axes | None = None
) -> Figure:
    """Draw the same rows in several spaces side by side, by name: the input space, and what layers make of it.

    Each is a `Panel`, or a tuple of the same fields as `insight.features.spaces_of` gives them. The grid of the first, pushed
    through the layers, shows how they bend it. Source: Godoy, bonus chapter (B.4 to B.12).
    """
    ax = canvas(ax, 3.0 * max(len(panels), 1), 3.1)
    ax.set_axis_off()
    for place, (name, panel) in enumerate(panels.items()):
        width = 1 / len(panels)
        part = canvas(ax.inset_axes((place * width + 0.15 * width, 0.09, 0.82 * width, 0.8)))
        ax.text((place + 0.15) * width, 0.93, plain(name), color=INK, fontsize=SMALL_SIZE + 1, parse_math=False)
        _space(part, Panel(*panel), labels, threshold)
    return figure_of(ax)


def _space(ax: Axes, panel: Panel, labels: npt.ArrayLike, threshold: float) -> None:
    ax.grid(visible=False)
    if panel.x is not None and panel.y is not None and panel.probabilities is not None:
        _ground(ax, panel.x, panel.y, np.asarray(panel.probabilities, dtype=np.float64), threshold)
    for line in () if panel.lines is None else np.asarray(panel.lines, dtype=np.float64):
        ax.plot(line[:, 0], line[:, 1], color=SOFT, linewidth=0.5, alpha=0.55, zorder=1.2)
    _rows(ax, panel.points, labels)


def _ground(ax: Axes, x: npt.ArrayLike, y: npt.ArrayLike, probabilities: Array, threshold: float) -> None:
    """Shades of what is most probable at each place, and lines between."""
    if not np.isfinite(probabilities).any():
        say(ax, "no finite value to draw")
        return
    across, along, table = on_grid(x, y, probabilities if probabilities.ndim == 2 else probabilities[..., 0])
    shaded = (
        _two(ax, across, along, table, threshold)
        if probabilities.ndim == 2
        else _many(ax, across, along, probabilities)
    )
    half = [np.diff(each).mean() / 2 for each in (across, along)]
    extent = (across[0] - half[0], across[-1] + half[0], along[0] - half[1], along[-1] + half[1])
    ax.imshow(shaded, extent=extent, origin="lower", aspect="auto", interpolation="bilinear", zorder=0.5)
    ax.set(xlim=(across[0], across[-1]), ylim=(along[0], along[-1]))


def _two(ax: Axes, x: Array, y: Array, table: Array, threshold: float) -> Array:
    """Colours for the probability of one class, which pale towards the threshold, and the line on which it lies."""
    high = table >= threshold
    strength = np.abs(np.nan_to_num(table, nan=threshold) - threshold) / np.where(high, 1 - threshold, threshold).clip(
        1e-9
    )
    if np.nanmin(table) < threshold < np.nanmax(table):
        ax.contour(x, y, table, levels=[threshold], colors=INK, linewidths=1.1, zorder=1.5)
    return _shaded(high.astype(int), strength)


def _many(ax: Axes, x: Array, y: Array, table: Array) -> Array:
    """Colours for the most probable of several classes, which pale with its probability, and lines between them."""
    best = table.argmax(axis=-1)
    for number in np.unique(best) if len(np.unique(best)) > 1 else ():
        lead = table[..., number] - np.delete(table, number, axis=-1).max(axis=-1)
        ax.contour(x, y, lead, levels=[0.0], colors=INK, linewidths=0.9, zorder=1.5)
    return _shaded(best, np.nan_to_num(table.max(axis=-1)))


def _shaded(classes: npt.NDArray[np.int64], strength: Array) -> Array:
    """Colours `(…, 4)` of the classes, as opaque as they are sure."""
    known = range(int(classes.max()) + 1)
    colours = np.array([to_rgba(_look(number).colour, _STRONGEST[number % len(_STRONGEST)]) for number in known])[
        classes
    ]
    colours[..., 3] *= strength.clip(0, 1)
    return colours


def _look(number: int) -> Look:
    return LOOKS[number % len(LOOKS)]


def _rows(ax: Axes, points: npt.ArrayLike, labels: npt.ArrayLike) -> None:
    table, which = np.asarray(points, dtype=np.float64), floats(labels)
    if table.ndim != 2 or table.shape[1] != 2 or len(which) != len(table):
        raise ValueError(f"Points are (rows, 2), with a label each; got {table.shape} and {len(which)} labels.")
    if not np.isfinite(table).all(axis=1).any():
        say(ax, "no finite value to draw")
        return
    few = len(table) <= _VECTOR_POINTS
    size = float(np.clip(40 / np.sqrt(len(table)), 2.0, 5.5))
    for number in np.unique(which[np.isfinite(which)]).astype(int):
        own, how = table[which == number], _look(number)
        style: dict[str, Any] = {"markeredgecolor": PAPER, "markeredgewidth": 0.4 if few else 0.0}
        (dots,) = ax.plot(own[:, 0], own[:, 1], how.marker, color=how.colour, markersize=size, zorder=3, **style)
        dots.set_rasterized(not few)


def _legend(ax: Axes, labels: npt.ArrayLike, classes: Sequence[str]) -> None:
    """The names of the classes that are there."""
    known = floats(labels)
    there: list[int] = np.unique(known[np.isfinite(known)]).astype(int).tolist() if classes else []
    names = [classes[number] if number < len(classes) else str(number) for number in there]
    name_marks(ax, names, [_look(number) for number in there])
