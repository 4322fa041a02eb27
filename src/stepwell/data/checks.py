"""Checks of all rows of a source, read block by block, so that data larger than memory can be checked too."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from stepwell.core.errors import DataError
from stepwell.core.keys import Key
from stepwell.core.trees import Tree, detach_tensors
from stepwell.data.batch import Batch, Source

CHECK_KEY = Key(0)("check")
"""One fixed key, so that every reading of a row gives the same."""

_BLOCK_BYTES = 2**23
_BLOCK_ROWS = 256  # of sources that do not say how large their rows are
_SHOWN = 5


def blocks(source: Source, rows: int | None = None) -> Iterator[Batch]:
    """All rows of a source in order, `rows` at a time (default: about 8 MB), under one fixed key."""
    if rows is None:
        rows = _BLOCK_ROWS if source.row_bytes is None else max(1, _BLOCK_BYTES // max(source.row_bytes, 1))
    for start in range(0, len(source), rows):
        yield source.batch(torch.arange(start, min(start + rows, len(source))), CHECK_KEY)


def named_tensors(batch: Batch) -> dict[str, Tensor]:
    """The tensors of inputs and targets by dotted names, such as `inputs`, `targets` or `inputs.image`."""
    tree: Tree = {"inputs": batch.inputs, "targets": batch.targets}
    return detach_tensors(tree)[1]


@dataclass
class _Found:
    """What is wrong in one column: how many values, in which rows first."""

    count: int = 0
    rows: list[int] = field(default_factory=list)

    def add(self, rows: Tensor) -> None:
        self.count += len(rows)
        self.rows += rows[: max(0, _SHOWN - len(self.rows))].tolist()


def check_finite(source: Source, names: Sequence[str] | None = None) -> None:
    """Refuse NaN and infinite values in floating inputs and targets.

    `names` are the columns of inputs that are one table `(rows, columns)`. Raises `DataError` with the columns, by name
    or number from 0, how many such values each has, and the first rows (numbers as in `Batch.index`).
    """
    found: dict[str, _Found] = {}
    for batch in blocks(source):
        for name, tensor in named_tensors(batch).items():
            if tensor.is_floating_point():
                _search(name, tensor, batch.index, names if name == "inputs" else None, found)
    if found:
        raise DataError(_message(found))


def _search(name: str, tensor: Tensor, index: Tensor, names: Sequence[str] | None, found: dict[str, _Found]) -> None:
    bad = ~torch.isfinite(tensor)
    if not bool(bad.any()):
        return
    if tensor.dim() != 2:  # one value a row, or rows such as images, whose columns would tell nobody anything
        found.setdefault(name, _Found()).add(index[bad.reshape(len(index), -1).any(1)])
        return
    for column in bad.any(0).nonzero()[:, 0].tolist():
        label = f"{name} column {column}" if names is None else f"{name} column {names[column]!r}"
        found.setdefault(label, _Found()).add(index[bad[:, column]])


def _message(found: dict[str, _Found]) -> str:
    lines = [
        f"  {label}: {one.count} {'row' if one.count == 1 else 'rows'} "
        f"({', '.join(map(str, one.rows))}{', …' if one.count > len(one.rows) else ''})"
        for label, one in list(found.items())[:_SHOWN]
    ]
    more = [f"  and {len(found) - _SHOWN} columns more"] if len(found) > _SHOWN else []
    head = "Some values are NaN or infinite, and one of them is enough to make every weight NaN:"
    return "\n".join([head, *lines, *more, "Fill them (with the training median, say), or drop these rows."])
