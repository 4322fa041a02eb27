"""What becomes of a tensor's shape on its way through a model."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle

from stepwell.plots.diagram import Sheet, sheet, text_width
from stepwell.plots.routes import straight
from stepwell.plots.style import BLUE, PAPER, SMALL_SIZE, SOFT, canvas, figure_of, plain, say

Stage = tuple[str, Sequence[int]]
"""What was done, and the shape that came out."""

_APART, _SHADOW, _TALLEST = 0.12, 0.08, 1.4
_FILL = ("#e6f0f8", "#cfe3f1", "#b7d5ea")  # front, top and side of a solid


def flow(stages: Sequence[Stage], *, batch: bool = True, ax: Axes | None = None) -> Figure:
    """Draw tensors from left to right, from the input on, with what was done to each over the arrow to the next.

    `stages` are (what was done, shape), the first with an empty text: `[("", (3, 32, 32)), ("Conv2d", (16, 32, 32)), …]`, or
    from `models.describe.layers`: `[(layer.kind, layer.shapes[0]) for layer in layers]`. A picture's shape, (channels,
    height, width), is a solid that is as deep as it has channels, a vector is a bar; large ones are drawn smaller
    than they are beside small ones. With `batch`, the first number is the batch: more than one casts a shadow.
    """
    if not stages:
        ax = canvas(ax)
        say(ax, "no stages")
        return figure_of(ax)
    solids = [_solid(shape, batch) for _, shape in stages]
    words = [(plain(does, 22), " × ".join(map(str, shape)) or "1") for does, shape in stages]
    arrows = [0.0, *(max(0.4, text_width(does, SMALL_SIZE - 1) + 0.16) for does, _ in words[1:])]
    places, x = [], 0.0
    for solid, (_, shape), arrow in zip(solids, words, arrows, strict=True):
        room = max(solid.width, text_width(shape, SMALL_SIZE - 1))
        x += arrow
        places.append(x + room / 2)
        x += room + _APART
    tall = max(solid.height for solid in solids)
    page = sheet(ax, (0, x - _APART), (-tall / 2 - 0.3, tall / 2))
    for number, (solid, place) in enumerate(zip(solids, places, strict=True)):
        solid.draw(page, place - solid.width / 2)
        page.say(place, -tall / 2 - 0.2, words[number][1], va="baseline", color=SOFT, fontsize=SMALL_SIZE - 1)
        if number:
            _arrow(page, solids[number - 1], places[number - 1], solid, place, words[number][0])
    return figure_of(page.ax)


def _arrow(page: Sheet, before: "_Solid", left: float, after: "_Solid", right: float, does: str) -> None:
    start, end = left + before.width / 2 + 0.06, right - after.width / 2 - 0.05
    page.arrow(straight((start, 0), (end, 0)))
    page.say((start + end) / 2, 0.06, does, va="bottom", fontsize=SMALL_SIZE - 1)


class _Solid:
    """A tensor as a body: as high and as wide as its rows and columns, as deep as its channels."""

    def __init__(self, depth: int, rows: int, columns: int, copies: int) -> None:
        self.depth = 0.07 * float(depth) ** 0.38 if depth else 0.0
        self.tall, self.wide = (min(0.16 * float(side) ** 0.38, _TALLEST) for side in (rows, columns))
        self.copies = min(copies, 3)
        spread = _SHADOW * (self.copies - 1) * 2
        self.width = float(self.wide + self.depth + spread)
        self.height = float(self.tall + self.depth + spread)

    def draw(self, page: Sheet, left: float) -> None:
        for copy in reversed(range(self.copies)):
            shift = copy * 2 * _SHADOW
            self._body(page, left + shift, -self.height / 2 + shift)

    def _body(self, page: Sheet, x: float, y: float) -> None:
        wide, tall, deep = self.wide, self.tall, self.depth
        faces = [
            Rectangle((x, y), wide, tall, facecolor=_FILL[0]),
            Polygon(
                [(x, y + tall), (x + deep, y + tall + deep), (x + wide + deep, y + tall + deep), (x + wide, y + tall)]
            ),
            Polygon(
                [(x + wide, y), (x + wide + deep, y + deep), (x + wide + deep, y + tall + deep), (x + wide, y + tall)]
            ),
        ]
        for face, fill in zip(faces if deep else faces[:1], _FILL, strict=False):
            face.set(facecolor=fill or PAPER, edgecolor=BLUE, linewidth=0.9 * page.scale, zorder=3)
            page.ax.add_patch(face)


def _solid(shape: Sequence[int], batch: bool) -> _Solid:
    """The body of a shape: of four numbers or more after the batch, all before the last two count as channels."""
    copies, own = (shape[0], tuple(shape[1:])) if batch and shape else (1, tuple(shape))
    if len(own) >= 2:
        return _Solid(int(np.prod(own[:-2])) if len(own) > 2 else 0, own[-2], own[-1], copies)
    return _Solid(0, own[0] if own else 1, 1, copies)
