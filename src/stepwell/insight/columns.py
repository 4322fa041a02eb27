"""Where a column of a table lies among a model's inputs, and how it is set or exchanged there."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from stepwell.core.errors import DataError, suggest
from stepwell.core.trees import Tree

Place = Sequence[int] | Mapping[str, Sequence[int]]
"""The features that a column became. `(3, 4, 5)` are columns of the one input tensor `(rows, features)`;
`{"numbers": (3,), "codes": (0,)}` are those of several tensors, in inputs that are a dict."""


def put(inputs: Tree, place: Place, values: Tree) -> Tree:
    """The inputs with a column's features replaced by those of `values`, inputs of the same form and as many rows, or of one.

    Nothing is changed in place. Raises `DataError` for a place that the inputs have not.
    """
    if isinstance(place, Mapping):
        tables = _tables(inputs)
        _check_names(place, tables)
        given = _tables(values)
        return {
            name: _put(table, place[name], given[name], name) if name in place else table
            for name, table in tables.items()
        }
    if not isinstance(inputs, Tensor):
        raise DataError(
            f"The inputs are a {type(inputs).__name__} with the tensors {', '.join(inputs)}; say in which of them the column"
            f" lies, such as {{{next(iter(inputs))!r}: {list(place)}}}."
        )
    return _put(inputs, place, values, "inputs")


def _tables(inputs: Tree) -> Mapping[str, Tensor]:
    if not isinstance(inputs, Mapping):
        raise DataError(f"The place names tensors, but the inputs are a {type(inputs).__name__}, which has no names.")
    return inputs


def _check_names(place: Mapping[str, Sequence[int]], tables: Mapping[str, Tensor]) -> None:
    for name in place:
        if name not in tables:
            raise DataError(
                f"The inputs have no tensor {name!r}; they have {', '.join(tables)}.{suggest(name, tables)}"
            )


def _put(table: Tensor, columns: Sequence[int], values: Tensor, name: str) -> Tensor:
    width = table.shape[1] if table.dim() > 1 else 0
    for column in columns:
        if not 0 <= column < width:
            raise DataError(f"The tensor {name!r} has the features 0 to {width - 1}; there is no {column}.")
    where = torch.as_tensor(list(columns), dtype=torch.int64, device=table.device)
    changed = table.clone()
    changed[:, where] = values[:, where].to(table)
    return changed
