"""Every source is a row of `SOURCES` and passes the same checks."""

import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.data import Dataset

import stepwell.data
from stepwell.core.keys import Key
from stepwell.core.trees import rows, tensors
from stepwell.data import (
    ArraySource,
    Batch,
    HDF5Source,
    Loader,
    MemmapSource,
    Noise,
    Shuffled,
    Source,
    Subset,
    Transformed,
    Unpaired,
    as_source,
    whole,
)
from stepwell.data.arrays import DatasetSource
from stepwell.data.hdf5 import write_hdf5

ROWS = 31
KEY = Key(6)("rows", 2)
X = torch.arange(ROWS * 4.0).reshape(ROWS, 4)
Y = torch.arange(ROWS)


class Drawing(Dataset[tuple[Tensor, int]]):
    def __len__(self) -> int:
        return ROWS

    def __getitem__(self, row: int) -> tuple[Tensor, int]:
        return X[row] + torch.randn(4) + np.random.rand() + random.random(), row


@pytest.fixture(scope="module", autouse=True)
def _files_removed() -> Iterator[None]:
    yield
    shutil.rmtree(folder())


@cache
def folder() -> Path:
    return Path(tempfile.mkdtemp())


def memmap() -> Source:
    paths = [folder() / name for name in ("x.npy", "y.npy")]
    for path, tensor in zip(paths, (X, Y), strict=True):
        np.save(path, tensor.numpy())
    return MemmapSource(*paths)


def hdf5() -> Source:
    path = folder() / "rows.hdf5"
    write_hdf5(path, {"table/x": X, "y": Y})
    return HDF5Source(path, "table/x", "y")


SOURCES: dict[str, Callable[[], Source]] = {
    "a table": lambda: ArraySource(X, Y),
    "arrays": lambda: ArraySource(X.numpy(), Y.numpy()),
    "inputs by name": lambda: ArraySource({"a": X, "b": Y.float()}, (Y, X)),
    "without targets": lambda: ArraySource(X),
    "some rows of another": lambda: Subset(
        ArraySource(torch.cat([X, X]), torch.cat([Y, Y])), torch.arange(5, 5 + ROWS)
    ),
    "noise": lambda: Transformed(ArraySource(X, Y), Noise(0.3)),
    "noise on some rows": lambda: Subset(Transformed(ArraySource(X, Y), Noise(0.3)), torch.arange(ROWS).flip(0)),
    "a list": lambda: as_source([(x, int(y)) for x, y in zip(X, Y, strict=True)]),
    "a dataset that draws": lambda: as_source(Drawing()),
    "files of rows": memmap,
    "datasets in a file": hdf5,
    "two collections without pairs": lambda: Unpaired(ArraySource(X), ArraySource(X[:9] + 0.5)),
}


@pytest.fixture(params=SOURCES)
def source(request: pytest.FixtureRequest) -> Source:
    return SOURCES[request.param]()


def same(one: Batch, other: Batch) -> bool:
    pairs = list(zip(tensors(tuple(one)), tensors(tuple(other)), strict=True))
    return all(a.dtype == b.dtype and torch.equal(a, b) for a, b in pairs)


def at(batch: Batch, index: Tensor) -> Batch:
    return Batch(*stepwell.core.trees.take(tuple(batch), index))


def test_every_public_source_has_a_row() -> None:
    public = {getattr(stepwell.data, name) for name in stepwell.data.__all__} | {DatasetSource}
    kinds = {thing for thing in public if isinstance(thing, type) and issubclass(thing, Source) and thing is not Source}
    assert {type(make()) for make in SOURCES.values()} == kinds


def test_a_batch_has_the_rows_that_were_asked_for(source: Source) -> None:
    batch = source.batch(torch.tensor([3, 0, 30, 3]), KEY)
    assert len(source) == ROWS
    assert rows(batch.inputs) == len(batch.index) == 4
    assert batch.targets is None or rows(batch.targets) == 4
    assert batch.index.dtype == torch.int64
    assert int(batch.index[0]) == int(batch.index[3]) != int(batch.index[1])


def test_a_row_is_the_same_in_any_batch_of_a_key(source: Source) -> None:
    everything = source.batch(torch.arange(ROWS), KEY)
    for index in (torch.tensor([7]), torch.arange(ROWS).flip(0), torch.tensor([2, 30, 2, 15])):
        assert same(source.batch(index, KEY), at(everything, index))


def test_what_is_random_is_decided_by_the_key(source: Source) -> None:
    index = torch.arange(ROWS)
    state = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()
    first = source.batch(index, KEY)
    torch.rand(3), random.random(), np.random.rand()
    assert same(source.batch(index, KEY), first)
    torch.set_rng_state(state[0])
    source.batch(index, KEY)
    assert torch.equal(torch.get_rng_state(), state[0])
    other = source.batch(index, Key(6)("rows", 3))
    draws = isinstance(source, Transformed | DatasetSource | Unpaired) and "list" not in str(
        type(getattr(source, "dataset", None))
    )
    assert same(other, first) != draws or isinstance(source, Subset)


def test_no_rows_are_a_batch_too(source: Source) -> None:
    none, some = source.batch(torch.empty(0, dtype=torch.int64), KEY), source.batch(torch.tensor([1]), KEY)
    for a, b in zip(tensors(tuple(none)), tensors(tuple(some)), strict=True):
        assert a.shape == (0, *b.shape[1:])
        assert a.dtype == b.dtype


def test_a_batch_may_be_changed_without_changing_the_source(source: Source) -> None:
    index = torch.arange(ROWS)
    before = whole(source)
    for tensor in tensors(source.batch(index, KEY).inputs):
        tensor.zero_()
    assert same(whole(source), before)


def test_row_bytes_are_those_of_a_row_in_memory_or_none(source: Source) -> None:
    if source.row_bytes is not None:
        batch = source.batch(torch.arange(10), KEY)
        assert source.row_bytes * 10 == sum(t.nbytes for t in tensors((batch.inputs, batch.targets)))


def test_loaders_take_it(source: Source) -> None:
    shown = torch.cat([batch.index for batch in Loader(source=source, batch_size=7, order=Shuffled()).epoch(0)])
    assert sorted(shown.tolist()) == sorted(whole(source).index.tolist())
