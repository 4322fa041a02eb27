"""Graphs of boxes and arrows: computations, flow charts, how parts fit together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stepwell.plots.diagram import KINDS, box_size, key_width, kinds_of, sheet, swatches, text_width
from stepwell.plots.layout import Edge, Layout, arrange
from stepwell.plots.routes import Point, Route, cornered, woven
from stepwell.plots.style import PAPER, SMALL_SIZE, SOFT, canvas, figure_of, say, storable

Arrow = tuple[str, str] | tuple[str, str, str]
"""From, to, and a word beside it if there is one."""

_BETWEEN, _BESIDE, _LANE, _KEY, _TURN = 0.36, 0.24, 0.2, 0.3, 0.13
_WORD = SMALL_SIZE - 1
_HALO = {"boxstyle": "square,pad=0.15", "facecolor": PAPER, "edgecolor": "none"}
_NONE: Mapping[str, str] = {}


def graph(
    arrows: Sequence[Arrow],
    *,
    kinds: Mapping[str, str] = _NONE,
    texts: Mapping[str, str] = _NONE,
    across: bool = False,
    ax: Axes | None = None,
) -> Figure:
    """Draw boxes and the arrows between them, from top to bottom, or `across` from left to right.

    `arrows` are `(from, to)` or `(from, to, word beside it)`. A box says its name, or what `texts` has for it (several
    lines if need be). `kinds` gives boxes a look: data, operation, parameter, layer, loss, gradient, result, question, or
    a name of your own; those used are explained in a key. An arrow that closes a circle is led around the side, dashed.
    The arrows of a recorded computation are `[(i, o.name) for o in recorded.operations for i in o.inputs]`.
    """
    names = list(dict.fromkeys([*(end for arrow in arrows for end in arrow[:2]), *kinds, *texts]))
    if not names:
        ax = canvas(ax)
        say(ax, "no boxes")
        return figure_of(ax)
    said = {name: storable(texts.get(name, name)) for name in names}
    words = {(arrow[0], arrow[1]): storable(arrow[2]) for arrow in arrows if len(arrow) == 3}
    edges = list(dict.fromkeys((arrow[0], arrow[1]) for arrow in arrows))
    return figure_of(_drawn(ax, _Plan.of(names, edges, said, words, across), said, kinds))


def _drawn(ax: Axes | None, plan: "_Plan", said: Mapping[str, str], kinds: Mapping[str, str]) -> Axes:
    routes = {edge: plan.route(edge) for edge in plan.edges}
    (left, right), (foot, top) = plan.extent(routes)
    key = [kind for kind in dict.fromkeys(kinds.values()) if kind]
    key = key if len(key) > 1 else []
    spare = max(0.0, key_width(key) - (right - left)) / 2
    left, right = left - spare, right + spare
    page = sheet(ax, (left, right), (foot - _KEY * bool(key), top))
    swatches(page, key, left, foot - _KEY + 0.08)
    looks = kinds_of(list(kinds.values()))
    for name, text in said.items():
        page.box(*plan.middle(name), plan.boxes[name], text, looks.get(kinds.get(name, ""), KINDS[""]))
    for edge, route in routes.items():
        page.arrow(route.path, dashed=edge in plan.layout.back)
    for edge, word in plan.words.items():
        beside = edge in plan.layout.back and not plan.across
        side = "left" if beside else "center"
        page.say(*routes[edge].word, word, ha=side, color=SOFT, fontsize=_WORD, bbox=None if beside else _HALO)
    return page.ax


@dataclass(frozen=True)
class _Plan:
    """Where everything stands, in inches: y upwards, the first layer's start at 0."""

    layout: Layout
    edges: Sequence[Edge]
    boxes: Mapping[str, tuple[float, float]]
    words: Mapping[Edge, str]
    across: bool
    spans: Mapping[str, tuple[float, float]]
    """Where a name's layer starts and ends, along the arrows."""

    @classmethod
    def of(
        cls,
        names: Sequence[str],
        edges: Sequence[Edge],
        said: Mapping[str, str],
        words: Mapping[Edge, str],
        across: bool,
    ) -> "_Plan":
        boxes = {name: box_size(text) for name, text in said.items()}
        layout = arrange(names, edges, {name: size[across] for name, size in boxes.items()}, _BESIDE)
        spans, start = dict[str, tuple[float, float]](), 0.0
        for layer in layout.layers:
            deep = max((boxes[name][not across] for name in layer if name in boxes), default=0.2)
            spans |= dict.fromkeys(layer, (start, start + deep))
            start += deep + max([_BETWEEN, *(_room(words[edge], across) for edge in words if edge[0] in layer)])
        return cls(layout, edges, boxes, words, across, spans)

    def point(self, along: float, beside: float) -> Point:
        return (along, -beside) if self.across else (beside, -along)

    def middle(self, name: str) -> Point:
        return self.point(sum(self.spans[name]) / 2, self.layout.places[name])

    def route(self, edge: Edge) -> Route:
        return self._around(edge) if edge in self.layout.back else self._through(edge)

    def _through(self, edge: Edge) -> Route:
        stops = [self._stop(name) for name in (edge[0], *self.layout.stations.get(edge, ()), edge[1])]
        return woven(stops, self.across)

    def _stop(self, name: str) -> tuple[Point, Point]:
        """Where arrows arrive at a box, and where they leave it; of a station, the borders of its layer."""
        start, end = self.spans[name]
        place = self.layout.places[name]
        if name in self.boxes:
            middle, half = (start + end) / 2, self.boxes[name][not self.across] / 2
            start, end = middle - half, middle + half
        return self.point(start, place), self.point(end, place)

    def _around(self, edge: Edge) -> Route:
        """From a box around the outside of all others back to an earlier one, each arrow in a lane of its own."""
        lane = self._lane(edge)
        if self.across:
            (x0, y0), (x1, y1) = self.middle(edge[0]), self.middle(edge[1])
            h0, h1 = self.boxes[edge[0]][1], self.boxes[edge[1]][1]
            path = cornered([(x0, y0 - h0 / 2), (x0, -lane), (x1, -lane), (x1, y1 - h1 / 2)])
            return Route(path, ((x0 + x1) / 2, -lane))
        shift = 0.05 * (self._lanes().index(edge) - 0.5 * (len(self._lanes()) - 1))
        leave = self._aside(edge[0], -1, 0.0, lane)
        arrive = self._aside(edge[1], 1, shift if edge[0] != edge[1] else 0.1, lane)
        return Route(cornered([*leave, *arrive[::-1]]), (lane + 0.06, (leave[-1][1] + arrive[-1][1]) / 2))

    def _aside(self, name: str, up: int, shift: float, lane: float) -> list[Point]:
        """From a box to a lane at the right: from its side, or where other boxes are in the way, around below or above."""
        (x, y), (wide, tall) = self.middle(name), self.boxes[name]
        free = all(other not in self.boxes or self.layout.places[other] <= x for other in self._beside(name))
        if free:
            return [(x + wide / 2, y + shift), (lane, y + shift)]
        turn = -self.spans[name][up < 0] + up * _TURN
        return [(x + shift, y + up * tall / 2), (x + shift, turn), (lane, turn)]

    def _beside(self, name: str) -> tuple[str, ...]:
        return next(layer for layer in self.layout.layers if name in layer)

    def _lanes(self) -> list[Edge]:
        """The arrows that lead back, those of short way first."""
        return sorted(self.layout.back, key=lambda edge: (self.spans[edge[0]][0] - self.spans[edge[1]][0], edge))

    def _lane(self, edge: Edge) -> float:
        """How far out an arrow's lane runs: beyond boxes and words, and the lanes of shorter arrows."""
        far = max(self.layout.places[name] + size[self.across] / 2 for name, size in self.boxes.items())
        if not self.across:
            ends = [self.route(each).word[0] + text_width(word, _WORD) / 2 for each, word in self._inner_words()]
            far = max([far, *ends])
        before = self._lanes()[: self._lanes().index(edge)]
        wide = [0.0 if self.across else text_width(self.words.get(each, ""), _WORD) for each in before]
        return far + _LANE * (len(before) + 1) + sum(wide)

    def _inner_words(self) -> list[tuple[Edge, str]]:
        return [(edge, word) for edge, word in self.words.items() if edge not in self.layout.back]

    def extent(self, routes: Mapping[Edge, Route]) -> tuple[Point, Point]:
        """The least and the greatest x, and y, of all that is drawn."""
        corners = [(x + sx * w / 2, y + sy * h / 2) for (x, y), (w, h) in self._rectangles(routes) for sx, sy in _SIDES]
        corners += [
            (x, y) for route in routes.values() for x, y in np.asarray(route.path.vertices, dtype=np.float64).tolist()
        ]
        xs, ys = zip(*corners, strict=True)
        return (min(xs), max(xs)), (min(ys), max(ys))

    def _rectangles(self, routes: Mapping[Edge, Route]) -> list[tuple[Point, tuple[float, float]]]:
        found = [(self.middle(name), size) for name, size in self.boxes.items()]
        for edge, word in self.words.items():
            x, y = routes[edge].word
            wide = text_width(word, _WORD)
            beside = edge in self.layout.back and not self.across
            found.append(((x + wide / 2 if beside else x, y), (wide, 0.16)))
        return found


_SIDES = ((-1, -1), (1, 1))


def _room(word: str, across: bool) -> float:
    """The room between two layers for a word on an arrow."""
    return text_width(word, _WORD) + 0.34 if across else 0.46
