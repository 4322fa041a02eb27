"""A batch of rows, and the sources that batches come from."""

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor

from stepwell.core.keys import Key
from stepwell.core.trees import Tree


class Batch(NamedTuple):
    """Some rows of a source.

    `inputs` and `targets` are tensors or trees of tensors with the rows as their first dimension; `index` (int64, one a
    row) are the row numbers in the source. Inputs that are a dict go to the model as keywords, a tuple as positions, a
    tensor alone. `targets` is None where there are none.
    """

    inputs: Tree
    targets: Tree
    index: Tensor  # type: ignore[assignment]  # a tuple's method of this name is of no use here


class Source(ABC):
    """Rows that can be fetched many at a time, in any order."""

    row_bytes: int | None = None
    """Bytes of a row where the rows lie in memory, so that fetching several batches at once is cheap; else None."""

    stated: str | None = None
    """A fingerprint that whoever made the source knows, for rows that are too many to be read for one."""

    @abstractmethod
    def __len__(self) -> int:
        """How many rows there are."""

    @abstractmethod
    def batch(self, index: Tensor, key: Key) -> Batch:
        """The rows `index` (int64). What is random in them is drawn from `key` and the row numbers alone."""


def whole(source: Source) -> Batch:
    """All rows of a source, in order, as one batch under one fixed key: for looking at data that fits in memory."""
    return source.batch(torch.arange(len(source)), Key(0)("whole"))
