"""Probabilities of classes, side by side."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from stepwell.plots.style import INK, PAPER, SMALL_SIZE, Array, canvas, figure_of, floats, looks, name_axes, plain, say

_HATCHES = ("", "////", "....", "\\\\\\\\", "xxxx", "----")
_GROUP = 0.78


def distributions(
    classes: Sequence[str], series: Mapping[str, npt.ArrayLike], *, ylabel: str = "probability", ax: Axes | None = None
) -> Figure:
    """Draw for each class a bar of each distribution by name, such as `{"truth p": [.05, .95], "prediction q": [.7, .3]}`.

    Every bar has its number at its end; NaN draws none. Raises `ValueError` for a distribution that does not have one
    number for each class.
    """
    table = {name: floats(values) for name, values in series.items()}
    for name, values in table.items():
        if len(values) != len(classes):
            raise ValueError(f"{name!r} has {len(values)} numbers for {len(classes)} classes; give one for each.")
    ax = canvas(ax, max(3.2, 1.2 + 0.42 * len(classes) * max(len(table), 1)), 2.8)
    name_axes(ax, "", ylabel, pad=26 if len(table) > 1 else 8)
    if not any(np.isfinite(values).any() for values in table.values()):
        say(ax, "no finite value to draw")
        return figure_of(ax)
    ax.set_xticks(np.arange(len(classes)), [plain(name, 16) for name in classes], parse_math=False)
    ax.tick_params(axis="x", length=0, labelcolor=INK)
    ax.axhline(0.0, color=INK, linewidth=0.9, zorder=2.5)
    width = _GROUP / len(table)
    for index, (look, values) in enumerate(zip(looks(table), table.values(), strict=True)):
        places = np.arange(len(classes)) + (index + 0.5) * width - _GROUP / 2
        _bars(ax, floats(places), values, 0.92 * width, look.colour, _HATCHES[index % len(_HATCHES)])
    ax.margins(y=0.14)
    if len(table) > 1:
        _key(ax, list(table))
    return figure_of(ax)


def _bars(ax: Axes, places: Array, values: Array, width: float, colour: str, hatch: str) -> None:
    fill = PAPER if hatch else colour
    ax.bar(places, np.nan_to_num(values), width, facecolor=fill, edgecolor=colour, hatch=hatch, linewidth=1.0)
    for place, value in zip(places, values, strict=True):
        if np.isfinite(value):
            text = f"{value:.3g}".replace("-", "\N{MINUS SIGN}")
            side, push = ("top", -2) if value < 0 else ("bottom", 2)
            ax.annotate(
                text,
                (place, value),
                (0, push),
                textcoords="offset points",
                ha="center",
                va=side,
                color=INK,
                fontsize=SMALL_SIZE - 1,
            )


def _key(ax: Axes, names: Sequence[str]) -> None:
    handles = [
        Patch(facecolor=PAPER if hatch else look.colour, edgecolor=look.colour, hatch=hatch, label=plain(name, 24))
        for name, look, hatch in zip(names, looks(names), _HATCHES, strict=False)
    ]
    legend = ax.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=len(handles),
        frameon=False,
        fontsize=SMALL_SIZE,
        labelcolor=INK,
        borderaxespad=0.2,
        borderpad=0.1,
        handlelength=1.4,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)
