"""A table of numbers as shades."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize, TwoSlopeNorm
from matplotlib.figure import Figure

from stepwell.plots.style import (
    BLUE,
    INK,
    LINE,
    PAPER,
    SMALL_SIZE,
    SOFT,
    VERMILLION,
    Array,
    canvas,
    figure_of,
    plain,
    say,
)

_WRITTEN = 80
ONE_WAY = LinearSegmentedColormap.from_list("one way", [PAPER, "#9cc6e3", BLUE, "#00263f"])
TWO_WAYS = LinearSegmentedColormap.from_list("two ways", [VERMILLION, "#efc7a8", PAPER, "#9cc6e3", BLUE])


def heat(
    values: npt.ArrayLike,
    *,
    rows: Sequence[str] = (),
    columns: Sequence[str] = (),
    xlabel: str = "",
    ylabel: str = "",
    name: str = "",
    write: bool | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Draw a table `(rows, columns)` of numbers as shades, the first row on top, with the scale at its right.

    Darker is more. A table with numbers below zero has zero white, more in blue and less in orange. `rows` and `columns`
    are names for them; without, they are numbered. `name` says what the numbers are. `write` writes them into the
    cells; by default into up to 80. NaN is left empty.
    """
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != 2:
        raise ValueError(f"A table of numbers is (rows, columns); got shape {table.shape}.")
    table = np.where(np.isfinite(table), table, np.nan)
    small = table.size <= _WRITTEN
    ax = canvas(ax, *(_size(table.shape) if small else (5.6, 3.0)))
    ax.grid(visible=False)
    if not np.isfinite(table).any():
        say(ax, "no finite value to draw")
        return figure_of(ax)
    norm, colours = _scale(table)
    mesh = ax.pcolormesh(table, norm=norm, cmap=colours, rasterized=table.size > 400)
    if small:
        mesh.set(edgecolor=LINE, linewidth=0.6)
    ax.set(xlim=(0, table.shape[1]), ylim=(table.shape[0], 0))
    _names(ax, rows, columns, small)
    _words(ax, xlabel, ylabel)
    if small if write is None else write:
        _write(ax, table, norm, colours)
    else:
        _bar(ax, norm, colours, name)
    return figure_of(ax)


def _size(shape: tuple[int, ...]) -> tuple[float, float]:
    return 1.1 + 0.5 * max(shape[1], 3), 0.7 + 0.32 * max(shape[0], 2)


def _scale(table: Array) -> tuple[Normalize, Colormap]:
    low, high = float(np.nanmin(table)), float(np.nanmax(table))
    if low < 0 < high:
        most = max(-low, high)
        return TwoSlopeNorm(0.0, -most, most), TWO_WAYS
    if high <= 0 and low < 0:
        return Normalize(low, 0.0), LinearSegmentedColormap.from_list("down", [VERMILLION, "#efc7a8", PAPER])
    return Normalize(min(low, 0.0) if low <= high / 3 else low, high if high > low else low + 1.0), ONE_WAY


def _names(ax: Axes, rows: Sequence[str], columns: Sequence[str], small: bool) -> None:
    if rows:
        ax.set_yticks(np.arange(len(rows)) + 0.5, [plain(row, 20) for row in rows], parse_math=False)
    if columns:
        ax.set_xticks(np.arange(len(columns)) + 0.5, [plain(column, 14) for column in columns], parse_math=False)
    if small:
        ax.tick_params(length=0, labelcolor=INK)
    for axis, names, length in ((ax.xaxis, columns, ax.get_xlim()[1]), (ax.yaxis, rows, ax.get_ylim()[0])):
        if small and not names:
            axis.set_ticks(np.arange(int(length)) + 0.5, [str(index) for index in range(int(length))])


def _words(ax: Axes, xlabel: str, ylabel: str) -> None:
    ax.set_xlabel(plain(xlabel), color=SOFT, fontsize=SMALL_SIZE, parse_math=False)
    ax.set_ylabel(plain(ylabel), color=SOFT, fontsize=SMALL_SIZE, parse_math=False)


def _write(ax: Axes, table: Array, norm: Normalize, colours: Colormap) -> None:
    """The numbers in their cells, light on dark cells."""
    for (row, column), value in np.ndenumerate(table):
        if np.isfinite(value):
            dark = float(np.dot(colours(norm(value))[:3], (0.3, 0.59, 0.11))) < 0.5
            text = f"{value:.3g}".replace("-", "\N{MINUS SIGN}")
            colour = PAPER if dark else INK
            ax.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=SMALL_SIZE - 0.5, color=colour)


def _bar(ax: Axes, norm: Normalize, colours: Colormap, name: str) -> None:
    """The scale of shades, within the room right of the axes."""
    strip = ax.inset_axes((1.025, 0.0, 0.025, 1.0))
    bar = figure_of(ax).colorbar(ScalarMappable(norm, colours), cax=strip)
    bar.outline.set(edgecolor=LINE, linewidth=0.8)
    strip.tick_params(colors=SOFT, labelsize=SMALL_SIZE - 0.5, width=0.8, length=3, color=LINE)
    strip.set_title(plain(name, 24), loc="right", color=INK, fontsize=SMALL_SIZE, parse_math=False)
