"""What a unit of a network sees of a picture."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from stepwell.plots.mosaic import coloured
from stepwell.plots.style import INK, SMALL_SIZE, canvas, figure_of, looks, plain, say


def field(
    strength: npt.ArrayLike, boxes: Mapping[str, tuple[int, int, int, int]] | None = None, *, ax: Axes | None = None
) -> Figure:
    """Draw how strongly a unit depends on each pixel, `(h, w)`, and boxes `(top, left, bottom, right)` in pixels by name.

    A box is what a layer's unit sees according to the arithmetic; the shade is what it was measured to see.
    """
    table = np.asarray(strength, dtype=np.float64)
    if table.ndim != 2:
        raise ValueError(f"Strengths are (height, width); got shape {table.shape}.")
    ax = canvas(ax, 4.6, 3.2)
    ax.grid(visible=False)
    if not table.size:
        say(ax, "no pixels")
        return figure_of(ax)
    ax.imshow(coloured(table), extent=(0, table.shape[1], table.shape[0], 0), interpolation="none")
    named = boxes or {}
    for look, (name, (top, left, bottom, right)) in zip(looks(named), named.items(), strict=True):
        shape: dict[str, Any] = {"fill": False, "edgecolor": look.colour, "linestyle": look.dashes, "linewidth": 1.6}
        label = f"{plain(name, 24)}: {bottom - top} × {right - left}"
        ax.add_patch(Rectangle((left, top), right - left, bottom - top, label=label, **shape))
    ax.set(xlim=(0, table.shape[1]), ylim=(table.shape[0], 0), aspect="equal")
    if named:
        legend = ax.legend(loc="upper left", bbox_to_anchor=(1.02, 1.0), frameon=False, fontsize=SMALL_SIZE)
        for text in legend.get_texts():
            text.set(color=INK, parse_math=False)
    return figure_of(ax)
