"""Several plots in one figure."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, cast

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from stepwell.plots.style import INK, PAPER, SMALL_SIZE, canvas, figure_of, plain, say

Draw = Callable[[Axes], Figure]
"""What draws on the axes that it is given, such as `lambda ax: plots.function(x, series, ax=ax)`."""

Share = Literal["none", "x", "y", "both"]
_ROOM = (0.16, 0.26)  # of a cell within given axes: left for the numbers of its y axis, and above and below it


def panels(
    drawings: Mapping[str, Draw],
    *,
    columns: int = 2,
    size: tuple[float, float] = (3.2, 2.4),
    share: Share = "none",
    widths: tuple[float, ...] | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Draw plots side by side, each under its name, in rows of `columns`; `size` is that of one in inches.

    `share` gives all of them one scale in x, in y, or in both. `widths` are the relative widths of the columns. With
    `ax=`, the panels stand within those axes, a little closer.
    """
    columns = max(1, min(columns, len(drawings)))
    rows = max(1, -(-len(drawings) // columns))
    parent = ax
    cells = _grid(rows, columns, size, widths) if parent is None else _inside(canvas(parent), rows, columns)
    if not drawings:
        say(cells[0], "no panels")
    limits = _common_limits(list(drawings.values()), share)
    for cell, (name, draw) in zip(cells, drawings.items(), strict=False):
        cell.set(**limits)
        draw(cell)
        _name(cell, plain(name, 60))
    for spare in cells[len(drawings) :]:
        spare.set_axis_off()
    return figure_of(cells[0] if parent is None else parent)


def _grid(rows: int, columns: int, size: tuple[float, float], widths: tuple[float, ...] | None) -> list[Axes]:
    layout = ConstrainedLayoutEngine(h_pad=0.08, w_pad=0.06)
    figure = Figure(figsize=(columns * size[0], rows * size[1]), layout=layout, facecolor=PAPER)
    return list(figure.subplots(rows, columns, squeeze=False, width_ratios=widths).flat)


def _inside(ax: Axes, rows: int, columns: int) -> list[Axes]:
    ax.set_axis_off()
    ax.text(0.0, 1.0, "", transform=ax.transAxes)
    wide, tall = 1 / columns, 1 / rows
    left, foot = _ROOM
    return [
        ax.inset_axes(
            (
                (column + left) * wide,
                1 - (row + 1 - foot / 2) * tall,
                wide * (1 - 1.5 * left),
                tall * (1 - 1.3 * foot),
            )
        )
        for row in range(rows)
        for column in range(columns)
    ]


def _name(cell: Axes, name: str) -> None:
    """The panel's name above it, and above the name of its y axis if it has one."""
    pad = float(cast(Any, cell).titleOffsetTrans.transform((0.0, 0.0))[1]) * 72 / figure_of(cell).dpi
    titled = any(cell.get_title(loc=side).strip() for side in ("left", "right"))
    named = titled or cell.get_legend() is not None
    cell.annotate(
        name,
        (0.0, 1.0),
        (0, pad + 18 if named else 8),
        xycoords="axes fraction",
        textcoords="offset points",
        va="bottom",
        color=INK,
        fontsize=SMALL_SIZE,
        fontweight="bold",
        annotation_clip=False,
        parse_math=False,
    )


def _common_limits(drawings: Sequence[Draw], share: Share) -> dict[str, Any]:
    """Limits that hold what every panel shows, found by drawing each once for that alone."""
    axes = [axis for axis in ("x", "y") if share in (axis, "both")]
    if not axes or not drawings:
        return {}
    tried = [Figure().subplots() for _ in drawings]
    for cell, draw in zip(tried, drawings, strict=True):
        draw(cell)
    found = {}
    for axis in axes:
        lows, highs = zip(*(getattr(cell, f"get_{axis}lim")() for cell in tried), strict=True)
        found[f"{axis}lim"] = (min(lows), max(highs))
    return found
