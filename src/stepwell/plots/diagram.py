"""What diagrams are drawn with: a sheet measured in inches, boxes, arrows and words on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.font_manager import FontProperties
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path
from matplotlib.textpath import TextPath

from stepwell.plots.style import BLUE, GREEN, INK, LOOKS, PURPLE, SMALL_SIZE, SOFT, VERMILLION, canvas, figure_of

LINE_HEIGHT = 0.175
"""Inches from one line of small text to the next."""
_MARGIN = 0.06
_SMALLEST, _HALF_LETTER, _HINTED = 0.45, 0.048, 1.03


@dataclass(frozen=True)
class Kind:
    """How one kind of box looks: told apart by its tint, and without colour by border and corners."""

    colour: str
    border: float = 1.0
    round: bool = False
    dashed: bool = False
    tint: float = 0.12


KINDS = {
    "": Kind(SOFT, tint=0.0),
    "data": Kind(SOFT, tint=0.0),
    "operation": Kind(INK, round=True, tint=0.07),
    "parameter": Kind(BLUE, border=1.8),
    "layer": Kind(BLUE, round=True),
    "loss": Kind(VERMILLION, border=1.8, round=True),
    "gradient": Kind(VERMILLION, dashed=True),
    "result": Kind(GREEN, border=1.8),
    "question": Kind(PURPLE, round=True, dashed=True),
}
"""The kinds that diagrams know by name; others take the house's colours in turn."""


def kinds_of(names: Sequence[str]) -> dict[str, Kind]:
    """A look for each kind by name."""
    others = [name for name in dict.fromkeys(names) if name not in KINDS]
    free = {name: Kind(LOOKS[index % len(LOOKS)].colour, 1.4, bool(index % 2)) for index, name in enumerate(others)}
    return {name: KINDS.get(name) or free[name] for name in dict.fromkeys(names)}


@dataclass(frozen=True)
class Sheet:
    """Axes on which one unit is one inch, and by how much texts have to shrink to fit where the axes are smaller."""

    ax: Axes
    scale: float

    def box(self, x: float, y: float, size: tuple[float, float], text: str, kind: Kind) -> None:
        """A box about its middle `(x, y)`, of `size` (width, height) inches, with its text."""
        width, height = size
        rounding = min(0.12, height / 2.5) if kind.round else 0.012
        tint = tuple(1 - kind.tint * (1 - part) for part in to_rgb(kind.colour))
        self.ax.add_patch(
            FancyBboxPatch(
                (x - width / 2, y - height / 2),
                width,
                height,
                boxstyle=f"round,pad=0,rounding_size={rounding}",
                facecolor=tint,
                edgecolor=kind.colour if kind.border > 1 or kind.dashed or kind.tint else SOFT,
                linewidth=kind.border * self.scale,
                linestyle=(0, (3, 2)) if kind.dashed else "-",
                zorder=3,
            )
        )
        if "\n" in text:
            self.say(x, y, text)
        elif text:  # on one baseline, whether or not letters reach below it
            self.say(x, y - _HALF_LETTER, text, va="baseline")

    def say(self, x: float, y: float, text: str, **how: Any) -> None:
        """Text about `(x, y)`, in ink, small."""
        size = how.pop("fontsize", SMALL_SIZE) * self.scale
        looks: dict[str, Any] = {"ha": "center", "va": "center", "color": INK, "linespacing": 1.25, "zorder": 5} | how
        self.ax.text(x, y, text, fontsize=size, parse_math=False, **looks)

    def arrow(self, path: Path, *, dashed: bool = False, head: bool = True) -> None:
        """An arrow along a path; a dashed one is orange."""
        self.ax.add_patch(
            FancyArrowPatch(
                path=path,
                arrowstyle="-|>,head_length=4,head_width=2" if head else "-",
                mutation_scale=self.scale,
                color=VERMILLION if dashed else SOFT,
                linewidth=1.1 * self.scale,
                linestyle=(0, (4, 2)) if dashed else "-",
                shrinkA=0,
                shrinkB=0,
                zorder=2,
                capstyle="butt",
            )
        )


def sheet(ax: Axes | None, x: tuple[float, float], y: tuple[float, float]) -> Sheet:
    """A sheet from `x[0]` to `x[1]` and from `y[0]` up to `y[1]` inches. Axes that are smaller have their texts scaled."""
    width, height = x[1] - x[0] + 2 * _MARGIN, y[1] - y[0] + 2 * _MARGIN
    given = ax is not None
    ax = canvas(ax, width, height)
    ax.set_axis_off()
    ax.set(xlim=(x[0] - _MARGIN, x[1] + _MARGIN), ylim=(y[0] - _MARGIN, y[1] + _MARGIN), aspect="equal")
    if not given:
        ax.set_in_layout(False)
        ax.set_position((0, 0, 1, 1))
        return Sheet(ax, 1.0)
    place, whole = ax.get_position(), figure_of(ax).get_size_inches()
    room = min(place.width * whole[0] / width, place.height * whole[1] / height)
    if room > 1:
        ax.set(xlim=_wider(ax.get_xlim(), room), ylim=_wider(ax.get_ylim(), room))
    return Sheet(ax, float(min(max(room, _SMALLEST), 1.0)))


def _wider(limits: tuple[float, float], times: float) -> tuple[float, float]:
    """Limits about the same middle, some times as far apart."""
    middle, half = (limits[0] + limits[1]) / 2, (limits[1] - limits[0]) / 2 * times
    return middle - half, middle + half


@lru_cache(maxsize=4096)
def text_width(text: str, size: float = SMALL_SIZE) -> float:
    """Inches that the widest line of a text takes."""
    lines = [line for line in text.split("\n") if line.strip()]
    font = FontProperties()
    return (
        max((float(TextPath((0, 0), line, size, prop=font).get_extents().x1) for line in lines), default=0.0)
        * _HINTED
        / 72
    )


def box_size(text: str) -> tuple[float, float]:
    """The size of a box that holds a text."""
    lines = text.count("\n") + 1
    return max(0.42, text_width(text) + 0.24), 0.17 + LINE_HEIGHT * lines


def swatches(page: Sheet, names: Sequence[str], x: float, y: float) -> None:
    """A key: each kind as a small box with its name, from `x` on."""
    for name, kind in kinds_of(names).items():
        page.box(x + 0.11, y, (0.2, 0.13), "", kind)
        page.say(x + 0.28, y - 0.04, name, ha="left", va="baseline", color=SOFT, fontsize=SMALL_SIZE - 1)
        x += key_width([name])


def key_width(names: Sequence[str]) -> float:
    """Inches that a key of these kinds takes."""
    return sum(0.45 + text_width(name, SMALL_SIZE - 1) for name in names)
