"""A function of two numbers as a landscape, seen from the side.

It is projected here, and not by matplotlib's three-dimensional axes, so that it can be drawn on any axes.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from stepwell.plots.style import (
    BLUE,
    INK,
    LINE,
    PAPER,
    SMALL_SIZE,
    SOFT,
    TEXT_SIZE,
    VERMILLION,
    Array,
    canvas,
    figure_of,
    floats,
    plain,
    say,
)
from stepwell.plots.surface import on_grid

_CELLS = 48
_HEIGHT = 0.75  # of the box, in halves of its width
Point = tuple[float, float]


class _View(NamedTuple):
    """Where one looks from, and the box: the least and the largest value of x, y and z, `(3,)` each."""

    right: Array
    up: Array
    near: Array
    low: Array
    high: Array

    def boxed(self, points: Array) -> Array:
        """Coordinates `(…, 3)` in the box, whose sides are from -1 to 1, and less for the height."""
        scaled: Array = 2 * (points - self.low) / (self.high - self.low) - 1
        return scaled * [1, 1, _HEIGHT]

    def flat(self, boxed: Array) -> Array:
        """Places in the box `(…, 3)` on paper `(…, 2)`."""
        return np.stack([boxed @ self.right, boxed @ self.up], axis=-1)


def relief(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    heights: npt.ArrayLike,
    *,
    xlabel: str = "x",
    ylabel: str = "y",
    title: str = "loss",
    start: Point | None = None,
    minimum: Point | None = None,
    path: npt.ArrayLike | None = None,
    azimuth: float = -60.0,
    elevation: float = 32.0,
    ax: Axes | None = None,
) -> Figure:
    """Draw values `(len(y), len(x))` as a surface in a box, seen from `azimuth` and `elevation` in degrees.

    `start` (a ring), `minimum` (a cross) and the points of a `path` `(points, 2)` are put upon the surface, also where it
    lies before them. Grids of more than 48 cells a side are thinned. What is not finite is left out.
    """
    across, along, values = on_grid(x, y, heights)
    ax = canvas(ax, 4.6, 3.8)
    ax.set_axis_off()
    ax.text(0.0, 1.0, plain(title), transform=ax.transAxes, color=INK, fontsize=TEXT_SIZE, parse_math=False)
    if not np.isfinite(values).any():
        say(ax, "no finite value to draw")
        return figure_of(ax)
    view = _look(across, along, values, np.radians(azimuth), np.radians(elevation))
    _faces(ax, view, _thinned(across, along, values))
    _frame(ax, view, (xlabel, ylabel))
    for points, style in ((path, "-"), (minimum, "X"), (start, "o")):
        if points is not None:
            _upon(ax, view, (across, along, values), np.reshape(np.asarray(points, dtype=np.float64), (-1, 2)), style)
    ax.set_aspect("equal")
    ax.margins(0.08)
    return figure_of(ax)


def _look(x: Array, y: Array, z: Array, a: float, e: float) -> _View:
    low = np.array([x.min(), y.min(), np.nanmin(z)])
    high = np.array([x.max(), y.max(), np.nanmax(z)])
    high = np.where(high > low, high, low + 1)
    right = np.array([-np.sin(a), np.cos(a), 0.0])
    up = np.array([-np.sin(e) * np.cos(a), -np.sin(e) * np.sin(a), np.cos(e)])
    near = np.array([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)])
    return _View(right, up, near, low, high)


def _thinned(x: Array, y: Array, z: Array) -> tuple[Array, Array, Array]:
    rows, columns = (np.unique(np.linspace(0, n - 1, min(n, _CELLS + 1)).round().astype(int)) for n in z.shape)
    return x[columns], y[rows], z[np.ix_(rows, columns)]


def _faces(ax: Axes, view: _View, grid: tuple[Array, Array, Array]) -> None:
    """Cells from the farthest to the nearest, each opaque, darker the higher it lies."""
    x, y, z = grid
    corners = view.boxed(np.stack([*np.meshgrid(x, y), z], axis=-1))
    cells = np.stack([corners[:-1, :-1], corners[:-1, 1:], corners[1:, 1:], corners[1:, :-1]], axis=2).reshape(-1, 4, 3)
    cells = cells[np.isfinite(cells).all(axis=(1, 2))]
    middles = cells.mean(axis=1)
    cells, middles = (each[np.argsort(middles @ view.near, kind="stable")] for each in (cells, middles))
    share = (0.12 + 0.6 * (middles[:, 2:] / _HEIGHT + 1) / 2).clip(0, 1)
    colours = (1 - share) * to_rgb(PAPER) + share * to_rgb(BLUE)
    faces = PolyCollection(list(view.flat(cells)), facecolors=colours, edgecolors=BLUE, linewidths=0.2, zorder=2)
    faces.set_rasterized(True)
    ax.add_collection(faces)


def _frame(ax: Axes, view: _View, names: tuple[str, str]) -> None:
    """The floor's edges, the near ones with their numbers and names, and a scale of heights at the left corner."""
    x, y = (float(np.sign(part)) or 1.0 for part in view.near[:2])
    floor = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]])
    edges = view.flat(np.column_stack([floor, np.full(5, -_HEIGHT)]))
    ax.plot(edges[:, 0], edges[:, 1], color=LINE, linewidth=0.8, zorder=1)
    _scale(ax, view, 0, np.array([0.0, y, -_HEIGHT]), names[0])
    _scale(ax, view, 1, np.array([x, 0.0, -_HEIGHT]), names[1])
    corners = [np.array([x, -y, 0.0]), np.array([-x, y, 0.0])]
    _scale(ax, view, 2, min(corners, key=lambda corner: float(corner @ view.right)), "")


def _scale(ax: Axes, view: _View, axis: int, edge: Array, name: str) -> None:
    """Numbers along an edge of the box; `edge` is its middle, from which the numbers stand away from the box."""
    ticks = MaxNLocator(4).tick_values(view.low[axis], view.high[axis])
    ticks = ticks[(ticks >= view.low[axis]) & (ticks <= view.high[axis])]
    places = np.repeat(edge[None], len(ticks), axis=0)
    half = _HEIGHT if axis == 2 else 1.0
    places[:, axis] = half * (2 * (ticks - view.low[axis]) / (view.high[axis] - view.low[axis]) - 1)
    away = np.array([-1.0, 0.0]) if axis == 2 else _outwards(view, edge)
    ends = np.repeat(edge[None], 2, axis=0)
    ends[:, axis] = (-half, half)
    ax.plot(*view.flat(ends).T, color=SOFT, linewidth=0.8, zorder=1)
    for tick, (u, v) in zip(ticks, view.flat(places) + 0.13 * away, strict=True):
        label = f"{tick:.4g}".replace("-", "\N{MINUS SIGN}")
        ax.text(u, v, label, ha="center", va="center", color=SOFT, fontsize=SMALL_SIZE - 1.5)
    u, v = view.flat(edge) + 0.34 * away
    ax.text(u, v, plain(name), ha="center", va="center", color=INK, fontsize=SMALL_SIZE, parse_math=False)


def _outwards(view: _View, edge: Array) -> Array:
    """The direction on paper that leads away from the box at an edge of its floor."""
    away = view.flat(edge * [1, 1, 0])
    length = float(np.hypot(*away))
    return away / length if length > 1e-9 else np.array([0.0, -1.0])


def _upon(ax: Axes, view: _View, grid: tuple[Array, Array, Array], points: Array, style: str) -> None:
    """A line (`-`) or marks at points, at the height of the surface there."""
    x, y, z = grid
    heights = z[
        [int(np.abs(y - v).argmin()) for v in points[:, 1]], [int(np.abs(x - u).argmin()) for u in points[:, 0]]
    ]
    places = view.flat(view.boxed(np.column_stack([floats(points[:, 0]), floats(points[:, 1]), heights])))
    if style == "-":
        ax.plot(places[:, 0], places[:, 1], color=VERMILLION, linewidth=1.6, zorder=4)
    else:
        fill = PAPER if style == "o" else INK
        edge = INK if style == "o" else PAPER
        ax.plot(places[:, 0], places[:, 1], style, color=fill, markeredgecolor=edge, markersize=8, zorder=5)
