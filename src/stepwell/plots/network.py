"""Networks of neurons, layer by layer."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from stepwell.plots.diagram import Sheet, sheet, text_width
from stepwell.plots.style import BLUE, INK, PAPER, SMALL_SIZE, SOFT, VERMILLION, canvas, figure_of, plain, say

Layer = int | Sequence[str]
"""How many neurons, or what is written into each."""

_RADIUS, _DOWN, _BELOW = 0.17, 0.46, 0.42
_MOST = 8


def network(
    layers: Sequence[Layer],
    *,
    names: Sequence[str] = (),
    weights: Sequence[npt.ArrayLike] = (),
    ax: Axes | None = None,
) -> Figure:
    """Draw a fully connected network from left to right, such as `[["x₁", "x₂", "x₃"], 4, ["ŷ"]]`.

    A layer is a number of neurons, or texts to write into them; of more than eight, the first and the last are drawn, and
    their number is below. `names` stand below the layers. `weights`, one matrix `(out, in)` between each pair of layers as
    torch has them, make lines as thick as the weights are large: blue where above zero, orange and dashed below. Raises
    `ValueError` for matrices that do not fit.
    """
    sizes = [layer if isinstance(layer, int) else len(layer) for layer in layers]
    if not sizes:
        ax = canvas(ax)
        say(ax, "no layers")
        return figure_of(ax)
    matrices = [_matrix(each, sizes[at : at + 2]) for at, each in enumerate(weights)]
    said = [plain(names[at], 24) if at < len(names) else "" for at in range(len(sizes))]
    step = max(1.1, *(text_width(name) + 0.2 for name in said))
    tall = (min(max(sizes), _MOST) - 1) * _DOWN
    half = max(_RADIUS, *(text_width(said[end]) / 2 for end in (0, -1)))
    page = sheet(ax, (-half, (len(sizes) - 1) * step + half), (-tall - _RADIUS - _BELOW, _RADIUS))
    places = [_places(size, at * step, tall) for at, size in enumerate(sizes)]
    for at in range(len(sizes) - 1):
        _join(page, places[at], places[at + 1], matrices[at] if at < len(matrices) else None)
    for at, layer in enumerate(layers):
        _layer(page, places[at], layer, at * step, -tall - _RADIUS)
        page.say(at * step, -tall - _RADIUS - 0.32, said[at], va="baseline", color=SOFT)
    return figure_of(page.ax)


def _matrix(weights: npt.ArrayLike, sizes: Sequence[int]) -> npt.NDArray[np.float64]:
    matrix = np.asarray(weights, dtype=np.float64)
    if matrix.shape != tuple(sizes[::-1]):
        raise ValueError(
            f"Weights between {sizes[0]} and {sizes[-1]} neurons are {tuple(sizes[::-1])}; got {matrix.shape}."
        )
    return matrix


def _places(size: int, x: float, tall: float) -> dict[int, tuple[float, float]]:
    """Where the neurons that are drawn stand, by number; in the middle of the height."""
    shown = list(range(size)) if size <= _MOST else [*range(_MOST - 2), size - 1]
    slots = min(size, _MOST)
    top = -(tall - (slots - 1) * _DOWN) / 2
    rows = [*range(len(shown) - 1), slots - 1] if shown else []
    return {number: (x, top - row * _DOWN) for number, row in zip(shown, rows, strict=True)}


def _join(
    page: Sheet,
    before: dict[int, tuple[float, float]],
    after: dict[int, tuple[float, float]],
    matrix: npt.NDArray[np.float64] | None,
) -> None:
    pairs = [(start, end) for end in after for start in before]
    lines = [[before[start], after[end]] for start, end in pairs]
    if matrix is None:
        page.ax.add_collection(LineCollection(lines, colors=SOFT, linewidths=0.7 * page.scale, zorder=1))
        return
    values = np.array([matrix[end, start] for start, end in pairs])
    widths = page.scale * (0.3 + 2.7 * np.abs(values) / (np.abs(matrix).max() or 1.0))
    colours = [BLUE if value >= 0 else VERMILLION for value in values]
    dashes = ["-" if value >= 0 else (0, (3, 1.5)) for value in values]
    page.ax.add_collection(LineCollection(lines, colors=colours, linestyles=dashes, linewidths=widths, zorder=1))


def _layer(page: Sheet, places: dict[int, tuple[float, float]], layer: Layer, x: float, foot: float) -> None:
    texts = [] if isinstance(layer, int) else [plain(text, 8) for text in layer]
    for number, (left, y) in places.items():
        page.ax.add_patch(
            Circle((left, y), _RADIUS, facecolor=PAPER, edgecolor=INK, linewidth=1.0 * page.scale, zorder=3)
        )
        if texts:
            fit = min(1.0, 0.27 / max(text_width(texts[number]), 0.01))
            page.say(left, y - 0.047 * fit, texts[number], va="baseline", fontsize=SMALL_SIZE * fit)
    size = layer if isinstance(layer, int) else len(layer)
    if size > _MOST:
        (_, above), (_, below) = list(places.values())[-2:]
        for share in (0.4, 0.5, 0.6):
            page.ax.plot([x], [above + share * (below - above)], ".", color=SOFT, markersize=3 * page.scale)
        page.say(x, foot - 0.14, str(size), va="baseline", color=SOFT, fontsize=SMALL_SIZE - 1)
