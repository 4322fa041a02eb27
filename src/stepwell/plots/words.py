"""Things with names in a plane, such as words in an embedding."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stepwell.plots.diagram import text_width
from stepwell.plots.groups import key
from stepwell.plots.style import SMALL_SIZE, canvas, figure_of, looks, name_axes, paired, plain, say

Box = tuple[float, float, float, float]
_SIZE = (5.4, 4.0)
_HIGH, _OFF, _INNER = 0.14, 0.07, 0.88
_PLACES = ((1, 0), (-1, 0), (0, 1), (0, -1), (0.7, 0.8), (0.7, -0.8), (-0.7, 0.8), (-0.7, -0.8))


def words(
    names: Sequence[str],
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    groups: Sequence[str] = (),
    xlabel: str = "",
    ylabel: str = "",
    ax: Axes | None = None,
) -> Figure:
    """Draw a point for each name, with the name beside it where there is room; `groups` colour the points and are named above.

    Two columns of an embedding, or its first two principal components, are such an x and y.
    """
    across, up = paired(x, y, "y")
    if len(across) != len(names):
        raise ValueError(f"There are {len(across)} points for {len(names)} names; give one for each.")
    ax = canvas(ax, *_SIZE)
    name_axes(ax, xlabel, ylabel)
    seen = np.isfinite(across + up)
    if not seen.any():
        say(ax, "no finite value to draw")
        return figure_of(ax)
    belongs = list(groups) if groups else [""] * len(names)
    kinds = list(dict.fromkeys(belongs))
    look = dict(zip(kinds, looks(kinds), strict=True))
    for kind in kinds:
        own = seen & np.array([each == kind for each in belongs])
        ax.plot(across[own], up[own], look[kind].marker, color=look[kind].colour, markersize=5.5, markeredgewidth=0)
    ax.margins(0.12)
    said = [plain(name, 24) for name in names]
    for index, place in zip(np.flatnonzero(seen), _spots(ax, across[seen], up[seen], _kept(said, seen)), strict=True):
        _name(ax, said[index], float(across[index]), float(up[index]), place, look[belongs[index]].colour)
    if len(kinds) > 1:
        key(ax, [(kind, look[kind].colour, look[kind].marker) for kind in kinds])
    return figure_of(ax)


def _kept(said: Sequence[str], seen: npt.NDArray[np.bool_]) -> list[str]:
    return [name for name, there in zip(said, seen, strict=True) if there]


def _spots(ax: Axes, x: npt.ArrayLike, y: npt.ArrayLike, said: Sequence[str]) -> list[tuple[float, float]]:
    """For each name the side of its point on which it covers least of other points and of names placed before."""
    shares = (ax.transScale + ax.transLimits).transform(np.stack([np.asarray(x), np.asarray(y)], axis=1))
    points = shares * np.array(_SIZE) * _INNER
    taken: list[Box] = [(px - 0.05, py - 0.05, px + 0.05, py + 0.05) for px, py in points]
    chosen = []
    for (px, py), name in zip(points, said, strict=True):
        boxes = [_box(px, py, text_width(name), place) for place in _PLACES]
        costs = [
            sum(_overlap(box, other) for other in taken) + max(-box[0], box[2] - _SIZE[0] * _INNER, 0.0)
            for box in boxes
        ]
        best = int(np.argmin(costs))
        chosen.append(_PLACES[best])
        taken.append(boxes[best])
    return chosen


def _box(x: float, y: float, wide: float, place: tuple[float, float]) -> Box:
    """The rectangle of a text, in inches, that stands in a direction from a point."""
    middle = (x + place[0] * (_OFF + wide / 2), y + place[1] * (_OFF + _HIGH / 2))
    return middle[0] - wide / 2, middle[1] - _HIGH / 2, middle[0] + wide / 2, middle[1] + _HIGH / 2


def _overlap(one: Box, other: Box) -> float:
    wide = min(one[2], other[2]) - max(one[0], other[0])
    tall = min(one[3], other[3]) - max(one[1], other[1])
    return max(wide, 0.0) * max(tall, 0.0)


def _name(ax: Axes, name: str, x: float, y: float, place: tuple[float, float], colour: str) -> None:
    side = "center" if place[0] == 0 else "left" if place[0] > 0 else "right"
    rise = "center" if place[1] == 0 else "bottom" if place[1] > 0 else "top"
    push = (place[0] * 72 * _OFF, place[1] * 72 * _OFF * 0.7)
    how: dict[str, Any] = {"textcoords": "offset points", "ha": side, "va": rise, "parse_math": False}
    ax.annotate(name, (x, y), push, color=colour, fontsize=SMALL_SIZE, **how)
