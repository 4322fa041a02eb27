"""A function of two numbers, such as a loss over two parameters: from above, and cut."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from stepwell.plots.style import (
    BLUE,
    INK,
    PAPER,
    SMALL_SIZE,
    SOFT,
    VERMILLION,
    Array,
    Look,
    canvas,
    figure_of,
    floats,
    looks,
    name_axes,
    paired,
    plain,
    say,
)

_BANDS = 12
_FEW = 24
Point = tuple[float, float]


def surface(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    losses: npt.ArrayLike,
    *,
    xlabel: str = "x",
    ylabel: str = "y",
    title: str = "loss",
    start: Point | None = None,
    minimum: Point | None = None,
    paths: Mapping[str, npt.ArrayLike] | None = None,
    at_x: float | None = None,
    at_y: float | None = None,
    even: bool = False,
    ax: Axes | None = None,
) -> Figure:
    """Draw values `(len(y), len(x))` as labelled contours that darken upwards.

    `start` (a ring) and `minimum` (a cross) are points to mark, `paths` ways `(points, 2)` by name, and `at_x` and `at_y`
    lines along which the surface is cut. Contours lie evenly in the square root of the height, so that those of a bowl are
    evenly wide; with `even` they lie evenly in the height. What is not finite is left empty.
    """
    across, along, values = on_grid(x, y, losses)
    ax = canvas(ax, 4.6, 3.8)
    name_axes(ax, xlabel, ylabel)
    ax.set_title(plain(title), loc="right", color=SOFT, fontsize=SMALL_SIZE).set_parse_math(False)
    ax.grid(visible=False)
    if not np.isfinite(values).any():
        say(ax, "no finite value to draw")
        return figure_of(ax)
    _contours(ax, across, along, values, _levels(values, even=even))
    ax.set(xlim=(across.min(), across.max()), ylim=(along.min(), along.max()))
    for draw, at in ((ax.axvline, at_x), (ax.axhline, at_y)):
        if at is not None:
            draw(at, color=VERMILLION, linewidth=1.4, linestyle=(0, (4, 2)))
    _mark(ax, start, minimum)
    if paths:
        _paths(ax, {name: _way(points, name) for name, points in paths.items()})
    return figure_of(ax)


def cut(
    values: npt.ArrayLike,
    losses: npt.ArrayLike,
    *,
    xlabel: str = "x",
    title: str = "loss",
    before: Point | None = None,
    after: Point | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Draw a cross-section of a surface: the loss over one parameter.

    `before` and `after` are points `(value, loss)` of an update: an arrow leads from the one to the other, and what changed
    is written above, with the ratio of both changes, which is the slope.
    """
    ax = canvas(ax, 4.2, 3.0)
    told = before is not None and after is not None
    name_axes(ax, xlabel, title, pad=18 if told else 8)
    across, heights = paired(values, losses, "losses")
    if not np.isfinite(across + heights).any():
        say(ax, "no finite value to draw")
        return figure_of(ax)
    ax.plot(across, heights, color=BLUE, linewidth=1.7, zorder=2)
    ax.margins(x=0.02)
    if before is not None and after is not None:
        _update(ax, before, after)
    for point, fill in ((before, PAPER), (after, INK)):
        if point is not None:
            ax.plot(*([each] for each in point), "o", color=INK, markerfacecolor=fill, markersize=6, zorder=5)
    return figure_of(ax)


def on_grid(x: npt.ArrayLike, y: npt.ArrayLike, values: npt.ArrayLike) -> tuple[Array, Array, Array]:
    """Coordinates and the values over them, with NaN for what is infinite. Raises `ValueError` for another shape."""
    across, along = floats(x), floats(y)
    table = np.asarray(values, dtype=np.float64)
    if table.shape != (len(along), len(across)) or min(table.shape) < 2:
        raise ValueError(
            f"Values over {len(across)} x and {len(along)} y have the shape ({len(along)}, {len(across)}), with 2 of each at"
            f" least; got {table.shape}."
        )
    return across, along, np.where(np.isfinite(table), table, np.nan)


def _levels(values: Array, *, even: bool) -> Array:
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    if not high > low:
        return np.array([low - 0.5, low + 0.5])
    share = np.linspace(0, 1, _BANDS + 1)
    levels: Array = low + (high - low) * (share if even else share**2)
    levels[-1] = high
    return np.unique(levels)


def _contours(ax: Axes, x: Array, y: Array, values: Array, levels: Array) -> None:
    """Bands whose blue grows with height, thin lines between them, and numbers on the lines."""
    shades = [to_rgba(BLUE, 0.02 + 0.6 * share) for share in np.linspace(0, 1, max(len(levels) - 1, 1))]
    ax.contourf(x, y, values, levels=levels, colors=shades, zorder=0.5)
    inner = levels[1:-1]
    if len(inner):
        lines = ax.contour(x, y, values, levels=inner, colors=SOFT, linewidths=0.6, linestyles="solid", zorder=1)
        ax.clabel(lines, inner[::2], fmt=_short, fontsize=SMALL_SIZE - 2, colors=INK, inline_spacing=2)


def _short(value: float) -> str:
    return (f"{value:,.0f}" if 100 <= abs(value) < 1e6 else f"{value:.2g}").replace("-", "\N{MINUS SIGN}")


def _mark(ax: Axes, start: Point | None, minimum: Point | None) -> None:
    known: dict[str, Any] = {"clip_on": False, "zorder": 6, "color": INK}
    if minimum is not None:
        ax.plot(*([each] for each in minimum), "X", markersize=8, markeredgecolor=PAPER, markeredgewidth=0.8, **known)
    if start is not None:
        ax.plot(*([each] for each in start), "o", markerfacecolor=PAPER, markersize=7, markeredgewidth=1.6, **known)


def _way(points: npt.ArrayLike, name: str) -> tuple[Array, Array]:
    table = np.asarray(points, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] != 2:
        raise ValueError(f"The path {name!r} is (points, 2); got shape {table.shape}.")
    return floats(table[:, 0]), floats(table[:, 1])


def _paths(ax: Axes, ways: Mapping[str, tuple[Array, Array]]) -> None:
    """Each way in its look, points too where they are few; its name stands right of the axes."""
    seen = {name: way for name, way in ways.items() if np.isfinite(way[0] + way[1]).any()}
    chosen = [_apart_from_ground(each) for each in looks(["train", *seen])[1:]]
    for how, (x, y) in zip(chosen, seen.values(), strict=True):
        few = len(x) <= _FEW
        ax.plot(x, y, color=PAPER, linewidth=2.6, alpha=0.7, zorder=3)
        ax.plot(x, y, color=how.colour, linewidth=1.3, marker=how.marker if few else "", markersize=3.5, zorder=4)
        ax.plot(x[-1:], y[-1:], how.marker, color=how.colour, markeredgecolor=PAPER, markersize=7, zorder=5)
    name_marks(ax, list(seen), chosen)


def name_marks(ax: Axes, names: Sequence[str], how: Sequence[Look]) -> None:
    """Write names right of the axes, one below the other, each after its marker."""
    for place, (name, each) in enumerate(zip(names, how, strict=True)):
        height = 0.96 - 0.09 * place
        where: dict[str, Any] = {"transform": ax.transAxes, "color": each.colour}
        ax.plot([1.05], [height], each.marker, markersize=6, clip_on=False, label="_", **where)
        ax.text(1.09, height, plain(name, 20), fontsize=SMALL_SIZE, va="center", parse_math=False, **where)


def _apart_from_ground(how: Look) -> Look:
    """The look of a path; the ground is blue, so that none is."""
    return Look(INK, how.dashes, how.marker) if how.colour == BLUE else how


def _update(ax: Axes, before: Point, after: Point) -> None:
    across, height = after[0] - before[0], after[1] - before[1]
    arrow = {"arrowstyle": "-|>", "color": VERMILLION, "linewidth": 1.4, "shrinkA": 3, "shrinkB": 3}
    ax.annotate("", after, before, arrowprops=arrow, zorder=4)
    slope = f", slope {height / across:.3g}" if across else ""
    text = f"moved {across:+.3g}, loss {height:+.3g}{slope}".replace("-", "\N{MINUS SIGN}")
    ax.text(0.0, 1.02, text, transform=ax.transAxes, color=INK, fontsize=SMALL_SIZE)
