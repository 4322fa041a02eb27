"""The ways that arrows take between boxes."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from matplotlib.path import Path

Point = tuple[float, float]
_CORNER, _HEAD = 0.1, 0.09
_MOVE, _LINE, _CURVE3, _CURVE4 = (int(code) for code in (Path.MOVETO, Path.LINETO, Path.CURVE3, Path.CURVE4))


class Route(NamedTuple):
    """An arrow's path, and where a word about it stands: the middle of the word, or its left end beside a lane."""

    path: Path
    word: Point


def straight(start: Point, end: Point) -> Path:
    """A straight path."""
    return Path([start, end], [Path.MOVETO, Path.LINETO])


def woven(stops: Sequence[tuple[Point, Point]], across: bool) -> Route:
    """A path that leaves the first stop, runs straight through those between, and arrives at the last.

    A stop is where the path arrives and where it leaves. From one to the next it swings over, and arrives straight.
    """
    vertices, codes = [stops[0][1]], [_MOVE]
    for (_, (x0, y0)), (arrive, leave) in pairwise(stops):
        x1, y1 = (arrive[0] - _HEAD, arrive[1]) if across else (arrive[0], arrive[1] + _HEAD)
        middle_x, middle_y = (x0 + x1) / 2, (y0 + y1) / 2
        bends = [(middle_x, y0), (middle_x, y1)] if across else [(x0, middle_y), (x1, middle_y)]
        vertices += [*bends, (x1, y1), arrive, leave]
        codes += [_CURVE4, _CURVE4, _CURVE4, _LINE, _LINE]
    vertices, codes = vertices[:-1], codes[:-1]
    (x0, y0), (x1, y1) = stops[0][1], stops[1][0]
    return Route(Path(vertices, codes), ((x0 + x1) / 2, (y0 + y1) / 2))


def cornered(points: Sequence[Point]) -> Path:
    """A path of straight legs, each as long as two corners at least, with round corners."""
    vertices, codes = [points[0]], [_MOVE]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        vertices += [_towards(corner, before), corner, _towards(corner, after)]
        codes += [_LINE, _CURVE3, _CURVE3]
    return Path([*vertices, points[-1]], [*codes, _LINE])


def _towards(start: Point, end: Point) -> Point:
    """The point a corner's length from `start`, or halfway where `end` is nearer."""
    wide, tall = end[0] - start[0], end[1] - start[1]
    share = min(_CORNER / max(abs(wide) + abs(tall), 1e-9), 0.5)
    return start[0] + share * wide, start[1] + share * tall
