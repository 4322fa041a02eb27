"""What `inspect` finds out about a tensor, or about all tensors of a tree."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from stepwell.core.tensors.statistics import Statistics
from stepwell.core.tensors.text import tensor_text, tree_text


@dataclass(frozen=True)
class Share:
    """What a tensor has in common with another that lies in the same storage.

    `elements` of its `of` elements are also the other's (None: not counted, both are large and have gaps), and `same` says
    whether all elements of both are.
    """

    elements: int | None
    of: int
    same: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class TensorFacts:
    """One tensor as `inspect` saw it; its `repr` is a table. Strides and offset count elements, as torch's do.

    `bytes` are those of the elements, `storage_bytes` those of the memory that they are a view of; `dense` says whether they
    fill a stretch of it without gaps, in whatever order. `leaf` is autograd's word for a tensor that no operation made;
    `made_by` is the operation of one that is none. `shares` has an entry for each of the others that lies in the same
    storage, `apart` names the rest. `drawing` is empty for a storage of more than 24 elements; `span` is then a bar of where
    the tensor lies in it. `dims` are the names of the dimensions, where they were told. `statistics` is None for a tensor
    without data or numbers, and in a tree.
    """

    kind: str
    shape: tuple[int, ...]
    size: int
    dtype: torch.dtype | np.dtype[Any]
    device: str
    stride: tuple[int, ...]
    offset: int
    contiguous: bool
    dense: bool
    itemsize: int
    bytes: int
    storage_bytes: int
    requires_grad: bool
    leaf: bool
    has_grad: bool
    made_by: str | None
    shares: Mapping[str, Share]
    drawing: str
    span: str
    dims: tuple[str, ...] | None = None
    apart: tuple[str, ...] = ()
    statistics: Statistics | None = None

    def __repr__(self) -> str:
        return tensor_text(self)


@dataclass(frozen=True, eq=False)
class TreeFacts:
    """The tensors of a dict, a list, a batch or a model by dotted names; its `repr` is a table with a row for each.

    `storage_bytes` are those of all storages, each counted once, however many tensors lie in it.
    """

    tensors: Mapping[str, TensorFacts]
    storage_bytes: int

    def __getitem__(self, name: str) -> TensorFacts:
        return self.tensors[name]

    def __repr__(self) -> str:
        return tree_text(self)
