"""Functions of one variable, such as f and its derivative, or a gallery of activations."""

from collections.abc import Mapping

import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stepwell.plots.lines import draw_lines
from stepwell.plots.style import INK, canvas, figure_of, name_axes, paired


def function(
    x: npt.ArrayLike, series: Mapping[str, npt.ArrayLike], *, xlabel: str = "x", ax: Axes | None = None
) -> Figure:
    """Draw functions of `x` by name, such as `{"f": …, "f'": …}`, over a line at zero. NaN is a gap.

    Where f' crosses zero, f turns (book row S-08). The names stand right of the axes: give axes of a figure with
    `layout="constrained"`.
    """
    ax = canvas(ax)
    ax.axhline(0.0, color=INK, linewidth=0.9, zorder=1.5)
    name_axes(ax, xlabel, "")
    draw_lines(ax, {name: paired(x, values, name) for name, values in series.items()})
    return figure_of(ax)
