"""Drawings of a storage in text: a small one place by place, a large one as a bar."""

import numpy as np
from torch import Tensor

from stepwell.core.tensors.layout import Array, Layout, places

WIDTH = 80
DRAWN = 24
"""How many places a storage has at most that is drawn."""

_MARGIN = 12  # of the labels, as wide as those of the table above
_STACKED = 3  # elements that are named at one place
_BAR = 24


def storage_drawing(x: Tensor | Array, layout: Layout) -> str:
    """The places of a storage of at most 24, their values, and the index of the element of `x` at each; else an empty text.

    A place that is not the tensor's has a dot; a dimension of stride 0, whose elements all lie at one place, is a `*`.
    """
    if not 0 < len(layout.storage) <= DRAWN * layout.itemsize:
        return ""
    found = places(x.detach() if isinstance(x, Tensor) else x)
    if found is None:
        return ""
    values, owned = found
    names = _names_at(layout, owned.tolist(), len(values))
    depth = max(map(len, names))
    columns = [
        [str(place), _value(value), *(*at, *[""] * depth)[:depth]]
        for place, (value, at) in enumerate(zip(values.tolist(), names, strict=True))
    ]
    return _side_by_side(columns, ["place", "value", "element", *[""] * (depth - 1)])


def _names_at(layout: Layout, owned: list[int], length: int) -> list[list[str]]:
    """The indices of the elements at each place; where there are many, the rest is counted."""
    names: list[dict[str, None]] = [{} for _ in range(length)]  # dicts, as sets that keep their order
    for index, place in zip(np.ndindex(*layout.shape), owned, strict=True):
        parts = ("*" if step == 0 else str(i) for i, step in zip(index, layout.steps, strict=True))
        names[place][f"[{','.join(parts)}]"] = None
    return [_short(list(at)) or ["·"] for at in names]


def _short(at: list[str]) -> list[str]:
    return at if len(at) <= _STACKED else [*at[: _STACKED - 1], f"+{len(at) - _STACKED + 1}"]


def _value(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _side_by_side(columns: list[list[str]], labels: list[str]) -> str:
    """Columns beside each other, their labels on the left, in as many blocks as the width needs."""
    width = 2 + max(len(cell) for column in columns for cell in column)
    per_block = max(1, (WIDTH - _MARGIN) // width)
    blocks = []
    for start in range(0, len(columns), per_block):
        lines = zip(labels, zip(*columns[start : start + per_block], strict=True), strict=True)
        texts = (f"{label:<{_MARGIN}}" + "".join(f"{cell:<{width}}" for cell in line) for label, line in lines)
        blocks.append("\n".join(text.rstrip() for text in texts))
    return "\n\n".join(blocks)


def span_bar(layout: Layout) -> str:
    """A bar for the storage, filled from the first place that the tensor uses to the last, and the two in numbers."""
    size = max(len(layout.storage), 1)
    begin, end = layout.span.start - layout.storage.start, layout.span.stop - layout.storage.start
    first = min(begin * _BAR // size, _BAR - 1)
    last = max(first + 1, -(-end * _BAR // size))
    bar = "░" * first + "█" * (last - first) + "░" * (_BAR - last)
    return f"{bar} places {begin // layout.itemsize:,} to {end // layout.itemsize - 1:,}"
