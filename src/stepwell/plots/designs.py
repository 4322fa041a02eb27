"""Designs side by side: what each reaches on the rows it was trained on, and on others."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stepwell.plots.groups import key
from stepwell.plots.style import (
    INK,
    LINE,
    SMALL_SIZE,
    SOFT,
    Array,
    canvas,
    figure_of,
    floats,
    looks,
    name_axes,
    plain,
    say,
)

_SIDES = ("training", "validation")


def designs(
    scores: Mapping[str, Sequence[npt.ArrayLike]],
    *,
    score: str = "accuracy",
    xlabel: str = "",
    ax: Axes | None = None,
) -> Figure:
    """Draw what designs reach, the first on top: `scores` maps each to its numbers on the training and validation rows.

    The numbers are those of several seeds: a point is their mean, its bar the standard error of that, and what lies between
    both points is the gap, written at the right. The dotted line is the first design's validation. After Stevens et al.,
    figure 8.13. Raises `ValueError` for a design without both sides.
    """
    found = {name: _sides(name, sides) for name, sides in scores.items()}
    ax = canvas(ax, 5.6, 0.9 + 0.32 * max(len(found), 2))
    name_axes(ax, xlabel, score)
    means = np.array([[_mean(side) for side in sides] for sides in found.values()]).reshape(-1, 2)
    errors = np.array([[_error(side) for side in sides] for sides in found.values()]).reshape(-1, 2)
    if not np.isfinite(means).any():
        say(ax, "no finite value to draw")
        return figure_of(ax)
    if np.isfinite(means[0, 1]):
        ax.axvline(means[0, 1], color=SOFT, linewidth=0.9, linestyle=":", zorder=1)
    _rows(ax, means, errors)
    _frame(ax, list(found), means)
    return figure_of(ax)


def _sides(name: str, sides: Sequence[npt.ArrayLike]) -> tuple[Array, Array]:
    if len(sides) != len(_SIDES):
        raise ValueError(
            f"{name!r} has {len(sides)} lists of numbers; give two, of the training and the validation rows."
        )
    train, val = (floats(side) for side in sides)
    return train[np.isfinite(train)], val[np.isfinite(val)]


def _mean(values: Array) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _error(values: Array) -> float:
    """The standard error of the mean; 0 of one number, which says nothing about it."""
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0


def _rows(ax: Axes, means: Array, errors: Array) -> None:
    places = np.arange(len(means))
    ax.hlines(places, means.min(1), means.max(1), color=LINE, linewidth=3.0, zorder=2)
    marks = []
    for side, (name, look) in enumerate(zip(_SIDES, looks(_SIDES), strict=True)):
        points: dict[str, Any] = {"color": look.colour, "markersize": 5.5, "linestyle": "none", "zorder": 4}
        ax.errorbar(
            means[:, side], places, xerr=errors[:, side], fmt=look.marker, elinewidth=1.4, capsize=2.5, **points
        )
        marks.append((name, look.colour, look.marker))
    key(ax, marks)


def _frame(ax: Axes, names: Sequence[str], means: Array) -> None:
    ax.set_yticks(np.arange(len(names)), [plain(name, 24) for name in names], color=INK, parse_math=False)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.grid(visible=False, axis="y")
    ax.grid(visible=True, axis="x", color=LINE, linewidth=0.6, alpha=0.7)
    for place, (train, val) in enumerate(means):
        if np.isfinite(train - val):
            where: dict[str, Any] = {"va": "center", "ha": "left", "color": SOFT, "fontsize": SMALL_SIZE}
            ax.text(1.01, place, f"gap {train - val:+.3f}", transform=ax.get_yaxis_transform(), **where)
