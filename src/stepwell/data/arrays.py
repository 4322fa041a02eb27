"""Sources: rows in memory, some rows of another source, rows changed on the way, torch's map-style datasets."""

import random
from collections.abc import Callable, Iterator, Sized
from contextlib import contextmanager
from hashlib import sha256
from itertools import count
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, default_collate

from stepwell.core.errors import DataError
from stepwell.core.keys import Key
from stepwell.core.trees import Tree, map_tensors, rows, take, tensors
from stepwell.data.batch import Batch, Source

Transform = Callable[[Batch, Key], Batch]


def as_tensors(tree: Tree) -> Tree:
    """The tree with its NumPy arrays as tensors; tensors stay. Memory is shared where torch can: arrays that are read-only
    or run backwards are copied. Raises `DataError` for arrays of no numbers.
    """
    if isinstance(tree, np.ndarray):
        return _from_numpy(tree)
    if isinstance(tree, dict):
        return {name: as_tensors(branch) for name, branch in tree.items()}
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):  # a named tuple takes its fields one by one
        return type(tree)(*(as_tensors(branch) for branch in tree))
    if isinstance(tree, (list, tuple)):
        return type(tree)(as_tensors(branch) for branch in tree)
    return tree


def _from_numpy(array: np.ndarray[Any, Any]) -> Tensor:
    shared = array.flags.writeable and all(stride >= 0 for stride in array.strides)
    try:
        return torch.from_numpy(array if shared else array.copy())
    except TypeError:
        raise DataError(
            f"An array of {array.dtype} holds no numbers that a network can take. Turn it into numbers first: categories"
            " into codes, dates into days."
        ) from None


class ArraySource(Source):
    """Rows that lie in memory, as tensors or NumPy arrays or trees of them, with the rows as their first dimension.

    Raises `DataError` where inputs and targets have different numbers of rows.
    """

    def __init__(self, inputs: Tree, targets: Tree = None) -> None:
        self.inputs, self.targets = as_tensors(inputs), as_tensors(targets)
        self.length = rows(self.inputs)
        if targets is not None and rows(self.targets) != self.length:
            raise DataError(
                f"There are {self.length} rows of inputs but {rows(self.targets)} of targets; give one each."
            )
        held = list(tensors((self.inputs, self.targets)))
        self.row_bytes = sum(tensor.nbytes for tensor in held) // max(self.length, 1)

    def __len__(self) -> int:
        return self.length

    def batch(self, index: Tensor, key: Key) -> Batch:
        """One gather a tensor."""
        return Batch(take(self.inputs, index), take(self.targets, index), index)


class Subset(Source):
    """The rows `rows` (int64) of another source, under their numbers there, so that a split changes no row's draws."""

    def __init__(self, source: Source, rows: Tensor) -> None:
        self.source, self.rows = source, rows
        self.row_bytes = source.row_bytes
        if source.stated is not None:
            self.stated = sha256(source.stated.encode() + rows.cpu().numpy().tobytes()).hexdigest()

    def __len__(self) -> int:
        return len(self.rows)

    def batch(self, index: Tensor, key: Key) -> Batch:
        """The rows of the other source; `index` counts in this one, the batch's index in the other."""
        return self.source.batch(self.rows.index_select(0, index), key)


class Transformed(Source):
    """A source whose batches pass through `transform(batch, key)`, which draws from `key` and `batch.index` alone."""

    def __init__(self, source: Source, transform: Transform) -> None:
        self.source, self.transform = source, transform
        self.row_bytes = source.row_bytes

    def __len__(self) -> int:
        return len(self.source)

    def batch(self, index: Tensor, key: Key) -> Batch:
        """The source's batch, transformed."""
        return self.transform(self.source.batch(index, key), key)


class Noise:
    """A transform that adds normal noise of standard deviation `std` to every floating input, row by row from the key."""

    def __init__(self, std: float) -> None:
        self.std = std

    def __call__(self, batch: Batch, key: Key) -> Batch:
        """The batch with noisy inputs."""
        number = count()

        def add(tensor: Tensor) -> Tensor:
            drawn = key("noise", next(number)).normal(batch.index, tensor.shape[1:])  # each input has its own
            return tensor + self.std * drawn.to(tensor)

        return batch._replace(inputs=map_tensors(lambda x: add(x) if x.is_floating_point() else x, batch.inputs))


class DatasetSource(Source):
    """A torch map-style dataset: rows are fetched one by one and collated as torch's `DataLoader` does.

    A dataset that draws at random does so under generators (torch's, NumPy's and Python's) that are seeded from the key
    and the row, so that such rows, too, do not depend on workers; they are given back as they were. An item is
    `(input, target)`, or an input alone.
    """

    def __init__(self, dataset: Dataset[Any]) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(cast(Sized, self.dataset))

    def batch(self, index: Tensor, key: Key) -> Batch:
        """The items `index`, collated."""
        if not len(index):  # a process's share of a short batch; what a row looks like is known from the first
            first = self.batch(index.new_zeros(1), key)
            return Batch(*map_tensors(lambda t: t[:0], tuple(first)))
        with _generators_kept():
            items = [self._item(row, key) for row in index.tolist()]
        collated = default_collate(items)
        if isinstance(items[0], (tuple, list)) and len(items[0]) == 2:
            return Batch(collated[0], collated[1], index)
        return Batch(collated, None, index)

    def _item(self, row: int, key: Key) -> Any:
        number = key("item", row).number
        torch.default_generator.manual_seed(number)
        np.random.seed(number % 2**32)
        random.seed(number)
        return self.dataset[row]


@contextmanager
def _generators_kept() -> Iterator[None]:
    """Give the generators that a dataset may draw from back as they were."""
    kept, kept_numpy = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        random.setstate(kept)
        np.random.set_state(kept_numpy)


def as_source(data: Source | Dataset[Any]) -> Source:
    """A source of any torch map-style `Dataset`; a source is returned as it is.

    Raises `DataError` for what has no length or no items.
    """
    if isinstance(data, Source):
        return data
    if not (hasattr(data, "__len__") and hasattr(data, "__getitem__")):
        raise DataError(f"{type(data).__name__} is no map-style dataset: rows need __len__ and __getitem__.")
    return DatasetSource(data)
