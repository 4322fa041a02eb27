"""Lines that are labelled where they end, so that no legend has to be matched to them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from stepwell.plots.style import SMALL_SIZE, Array, Look, figure_of, looks, plain, say

Series = Mapping[str, tuple[Array, Array]]
"""Lines by name: the x and the y of each."""

_FEW = 16
_GAP, _LINE_HEIGHT = 0.08, 0.16
"""The least distance of two labels, as a share of the axes; and inches, which are more of a small one."""


def draw_lines(ax: Axes, series: Series) -> None:
    """Draw each line in its look and write its name at its end; few points get markers. NaN is a gap."""
    drawn = {name: points for name, points in series.items() if np.isfinite(points[0] + points[1]).any()}
    if not drawn:
        say(ax, "no finite value to draw")
        return
    how = looks(drawn)
    for each, (x, y) in zip(how, drawn.values(), strict=True):
        _line(ax, x, y, each)
    ax.margins(x=0.02)
    label_ends(ax, drawn, how)


def _line(ax: Axes, x: Array, y: Array, how: Look) -> None:
    marker = how.marker if len(x) <= _FEW else ""
    ax.plot(x, y, color=how.colour, linestyle=how.dashes, linewidth=1.7, marker=marker, markersize=3.5, label="_")


def label_ends(ax: Axes, series: Series, how: Sequence[Look]) -> None:
    """Write each name right of the axes, at the height where its line ends and in its colour."""
    gap = max(_GAP, _LINE_HEIGHT / (ax.get_position().height * figure_of(ax).get_size_inches()[1]))
    heights = spread(np.array([_end(ax, x, y) for x, y in series.values()]), min(gap, 0.25))
    to_data = (ax.transScale + ax.transLimits).inverted()  # so that a label stays at its line when limits change
    values = [to_data.transform((0.0, height))[1] for height in heights]
    for name, height, each in zip(series, values, how, strict=True):
        place: dict[str, Any] = {
            "transform": ax.get_yaxis_transform(),
            "va": "center",
            "ha": "left",
            "parse_math": False,
        }
        ax.text(1.02, height, plain(name, 24), color=each.colour, fontsize=SMALL_SIZE, **place)


def _end(ax: Axes, x: Array, y: Array) -> float:
    """How high the line's last point is, as a share of the axes."""
    ax.get_ylim()  # settles the limits, which are otherwise computed when the figure is drawn
    last = int(np.flatnonzero(np.isfinite(x + y))[-1])
    return float((ax.transScale + ax.transLimits).transform((x[last], y[last]))[1])


def spread(heights: Array, gap: float) -> Array:
    """The same heights, in the same order, moved apart until neighbours are at least `gap` from each other.

    Crowded neighbours move as one block about their common middle, so that labels stay near their lines.
    """
    order = np.argsort(heights, kind="stable")
    blocks: list[list[float]] = []
    for height in heights[order]:
        blocks.append([float(height)])
        while len(blocks) > 1 and _overlap(blocks[-2], blocks[-1], gap):
            last = blocks.pop()
            blocks[-1] += last
    moved = np.empty_like(heights)
    moved[order] = [height for block in blocks for height in _places(block, gap)]
    return moved


def _places(block: list[float], gap: float) -> list[float]:
    """A block's labels, `gap` apart, about the mean of where they would like to be."""
    middle, half = sum(block) / len(block), (len(block) - 1) / 2
    return [middle + (index - half) * gap for index in range(len(block))]


def _overlap(below: list[float], above: list[float], gap: float) -> bool:
    return _places(above, gap)[0] - _places(below, gap)[-1] < gap
