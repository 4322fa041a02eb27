"""What contains what."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from stepwell.plots.diagram import sheet, text_width
from stepwell.plots.style import BLUE, SMALL_SIZE, SOFT, TEXT_SIZE, canvas, figure_of, plain, say

_PAD, _HEAD, _LINE = 0.2, 0.34, 0.19


def nested(fields: Sequence[tuple[str, str]], *, ax: Axes | None = None) -> Figure:
    """Draw fields one within the other, the widest first, each `(name, what it is)`; the text may be empty."""
    said = [(plain(name, 60), [plain(line, 90) for line in text.split("\n") if line]) for name, text in fields]
    if not said:
        ax = canvas(ax)
        say(ax, "no fields")
        return figure_of(ax)
    heads = [_HEAD + _LINE * len(lines) + 0.06 for _, lines in said]
    wide = 2.0
    for number, (name, lines) in enumerate(said):
        words = [text_width(name, TEXT_SIZE), *(text_width(line) for line in lines)]
        wide = max(wide, max(words) + 2 * _PAD * (number + 1))
    tall = sum(heads) + _PAD * len(said)
    page = sheet(ax, (0, wide), (0, tall))
    top = tall
    for number, ((name, lines), head) in enumerate(zip(said, heads, strict=True)):
        inset = number * _PAD
        share = 0.05 + 0.11 * number
        fill = tuple(1 - share * (1 - part) for part in to_rgb(BLUE))
        size = (wide - 2 * inset, top - inset)
        style = "round,pad=0,rounding_size=0.12"
        page.ax.add_patch(
            FancyBboxPatch((inset, inset), *size, boxstyle=style, facecolor=fill, edgecolor=BLUE, zorder=1)
        )
        page.say(inset + 0.14, top - 0.12, name, ha="left", va="top", fontsize=TEXT_SIZE, fontweight="bold")
        for line, text in enumerate(lines):
            page.say(
                inset + 0.14, top - _HEAD - _LINE * line, text, ha="left", va="top", color=SOFT, fontsize=SMALL_SIZE
            )
        top -= head
    return figure_of(page.ax)
