"""The house style: few colours that differ in hue, in lightness and (with dashes and markers) in shape.

The hues are those of Okabe and Ito, darkened until each is readable as text on white. Figures are drawn dark on white,
which is a legible card on any page; a report replaces exactly these colours by variables of its own, so that the same
figure is light on a dark page (`stepwell.reports.svg`).
"""

import re
from collections.abc import Iterable
from itertools import cycle
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

Array = npt.NDArray[np.float64]

INK, SOFT, LINE, PAPER = "#1f2328", "#62686f", "#d6d9dd", "#ffffff"
BLUE, VERMILLION, GREEN, PURPLE, AMBER = "#0068a8", "#b84a00", "#00795b", "#a2467d", "#8f6200"
TEXT_SIZE, SMALL_SIZE = 10.5, 9.5
_UNSTORABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


class Look(NamedTuple):
    """How one series is drawn: told apart by hue, and without colour by dashes and marker."""

    colour: str
    dashes: str | tuple[float, tuple[float, ...]]
    marker: str


LOOKS = (
    Look(BLUE, "-", "o"),
    Look(VERMILLION, (0, (4.5, 1.5)), "s"),
    Look(GREEN, (0, (1.2, 1.3)), "^"),
    Look(PURPLE, (0, (6, 1.5, 1.2, 1.5)), "D"),
    Look(AMBER, (0, (10, 2.5)), "v"),
    Look(INK, (0, (3, 1.5, 1.2, 1.5, 1.2, 1.5)), "P"),
)


_ROLES = {"train": 0, "training": 0, "val": 1, "validation": 1}


def looks(names: Iterable[str]) -> list[Look]:
    """A look for each name. Training and validation always have theirs; the others take the rest, round and round."""
    given = list(names)
    taken = {_ROLES[name] for name in given if name in _ROLES}
    free = cycle([index for index in range(len(LOOKS)) if index not in taken])
    return [LOOKS[_ROLES[name] if name in _ROLES else next(free)] for name in given]


def canvas(ax: Axes | None, width: float = 4.8, height: float = 3.0) -> Axes:
    """The given axes, or those of a new figure of `width` by `height` inches, in the house style."""
    if ax is None:
        ax = Figure(figsize=(width, height), layout="constrained", facecolor=PAPER).subplots()
    ax.set_facecolor("none")
    ax.spines[["top", "right"]].set_visible(False)
    for spine in ax.spines.values():
        spine.set(color=LINE, linewidth=0.8)
    ax.tick_params(which="both", colors=SOFT, labelsize=SMALL_SIZE, width=0.8, length=3, color=LINE)
    ax.grid(visible=True, axis="y", color=LINE, linewidth=0.6, alpha=0.7)
    ax.set_axisbelow(True)
    return ax


def figure_of(ax: Axes) -> Figure:
    """The whole figure that an axes stands in."""
    figure = ax.get_figure(root=True)
    if figure is None:
        raise ValueError("The axes given as ax= were removed from their figure. Give axes of a living figure, or none.")
    return figure


def plain(text: object, limit: int = 40) -> str:
    """Any name as one line of at most `limit` printable characters. Draw it with `parse_math=False`: a $ is a $."""
    line = storable(" ".join(str(text).split()))
    return line if len(line) <= limit else line[: limit - 1] + "…"


def storable(text: str) -> str:
    """The same text with a mark in place of every character that XML or UTF-8 cannot hold."""
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def name_axes(ax: Axes, x: str, y: str, pad: float = 8.0) -> None:
    """Name the axes: x below, y upright above the axis, where it is read without turning the head."""
    ax.set_xlabel(plain(x), color=SOFT, fontsize=SMALL_SIZE, parse_math=False)
    title = ax.set_title(plain(y), loc="left", color=INK, fontsize=TEXT_SIZE, pad=pad)
    title.set_parse_math(False)


def say(ax: Axes, message: str) -> None:
    """Write a message in the middle of axes that have nothing to draw, and take their ticks away."""
    ax.set(xticks=[], yticks=[])
    ax.text(0.5, 0.5, message, transform=ax.transAxes, ha="center", va="center", color=SOFT, fontsize=SMALL_SIZE)


def floats(values: npt.ArrayLike) -> Array:
    """A flat float64 array; infinite values become NaN, which no plot draws."""
    array = np.asarray(values, dtype=np.float64).reshape(-1)
    return np.where(np.isfinite(array), array, np.nan)


def paired(x: npt.ArrayLike, y: npt.ArrayLike, name: str) -> tuple[Array, Array]:
    """Both as `floats`. Raises `ValueError` unless they are of one length."""
    first, second = floats(x), floats(y)
    if len(first) != len(second):
        raise ValueError(f"{name!r} has {len(second)} values for {len(first)} places on the x axis; give one for each.")
    return first, second
