"""Rows on one line: their one feature, or the probability that a classifier gives them, and the threshold that parts them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stepwell.plots.style import (
    INK,
    LINE,
    LOOKS,
    SMALL_SIZE,
    SOFT,
    Array,
    canvas,
    figure_of,
    name_axes,
    paired,
    plain,
    say,
)

_SIZE = 7.0


def number_line(
    values: npt.ArrayLike,
    labels: npt.ArrayLike,
    *,
    classes: Sequence[str] = (),
    xlabel: str = "x",
    ax: Axes | None = None,
) -> Figure:
    """Draw rows with one feature as points on a line, in the colour and marker of their class (numbers from 0)."""
    ax = canvas(ax, 5.0, 1.2)
    x, which = paired(values, labels, "labels")
    _bare(ax, xlabel)
    if not np.isfinite(x + which).any():
        say(ax, "no finite value to draw")
        return figure_of(ax)
    ax.axhline(0.0, color=SOFT, linewidth=0.9, zorder=1)
    for number in np.unique(which[np.isfinite(which)]).astype(int):
        how = LOOKS[number % len(LOOKS)]
        name = plain(classes[number], 18) if number < len(classes) else ""
        own = x[which == number]
        ax.plot(own, np.zeros(len(own)), how.marker, color=how.colour, markersize=_SIZE, zorder=3, label=name or "_")
    ax.set(ylim=(-1, 1))
    ax.margins(x=0.05)
    _name_classes(ax)
    return figure_of(ax)


def probability_line(
    probabilities: npt.ArrayLike,
    labels: npt.ArrayLike,
    *,
    thresholds: Sequence[float] = (0.5,),
    split: bool = False,
    classes: Sequence[str] = ("negative", "positive"),
    ax: Axes | None = None,
) -> Figure:
    """Draw rows at the probability that they are given, on one line for each threshold, which is dashed.

    The fill is the true class, the edge what the threshold makes of it: a marker of two colours is a mistake. With `split`
    negatives stand above the line and positives below, so that its four parts are true negatives and false positives, false
    negatives and true positives, whose numbers are written there. Source: Godoy, chapter 3 (figures 3.9 to 3.15, 3.19).
    """
    p, truth = paired(probabilities, labels, "labels")
    ax = canvas(ax, 5.2, 0.6 + (1.0 if split else 0.6) * max(len(thresholds), 1))
    _bare(ax, "probability of " + plain(classes[1] if len(classes) > 1 else "class 1", 24))
    ax.set(xlim=(-0.03, 1.03), ylim=(max(len(thresholds), 1) - 0.5, -0.5), xticks=np.linspace(0, 1, 6))
    if not np.isfinite(p + truth).any() or not len(thresholds):
        say(ax, "no finite value to draw")
        return figure_of(ax)
    for place, threshold in enumerate(thresholds):
        _one_line(ax, p, truth, float(threshold), place, split=split)
    return figure_of(ax)


def _one_line(ax: Axes, p: Array, truth: Array, threshold: float, place: int, *, split: bool) -> None:
    ax.hlines(place, 0, 1, color=LINE, linewidth=1.0, zorder=1)
    ax.vlines(threshold, place - 0.46, place + 0.46, color=INK, linewidth=1.0, linestyle=(0, (3, 2)), zorder=2)
    ax.annotate(
        f"{threshold:g}",
        (threshold, place - 0.46),
        (3, 0),
        textcoords="offset points",
        va="top",
        color=SOFT,
        fontsize=SMALL_SIZE - 1,
    )
    for label in (0, 1):
        height = place + (0.16 if label else -0.16) * split
        for called in (0, 1):
            own = p[(truth == label) & ((p >= threshold) == bool(called))]
            _markers(ax, own, height, label, called)
            if split:
                name = (("TN", "FP"), ("FN", "TP"))[label][called]
                side, at = ("right", 1.0) if called else ("left", 0.0)
                where: dict[str, Any] = {
                    "ha": side,
                    "va": "center",
                    "color": INK if label == called else LOOKS[1].colour,
                }
                ax.text(at, place + (0.38 if label else -0.38), f"{name} {len(own)}", fontsize=SMALL_SIZE - 1, **where)


def _markers(ax: Axes, x: Array, height: float, label: int, called: int) -> None:
    fill, edge = LOOKS[label].colour, LOOKS[called].colour
    style: dict[str, Any] = {"color": fill, "markeredgecolor": edge, "markeredgewidth": 2.0, "markersize": _SIZE}
    ax.plot(x, np.full(len(x), height), LOOKS[label].marker, zorder=3, alpha=0.85, **style)


def _bare(ax: Axes, xlabel: str) -> None:
    name_axes(ax, xlabel, "")
    ax.grid(visible=False)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)


def _name_classes(ax: Axes) -> None:
    if not ax.get_legend_handles_labels()[0]:
        return
    box = ax.legend(loc="lower left", bbox_to_anchor=(0.0, 0.95), ncols=6, frameon=False, fontsize=SMALL_SIZE)
    for text in box.get_texts():
        text.set_color(INK)
