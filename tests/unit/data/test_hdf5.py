"""Rows of HDF5 datasets."""

import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.core.errors import DataError
from stepwell.core.keys import Key
from stepwell.data import ArraySource, HDF5Source, Loader, Shuffled
from stepwell.data.hdf5 import write_hdf5

KEY = Key(0)
X = torch.arange(23 * 3.0).reshape(23, 3)
Y = torch.arange(23)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hdf5") / "points.hdf5"
    write_hdf5(path, {"coords": X, "scans/ct/labels": Y, "name": np.array(b"triangle")})
    return path


@given(index=st.lists(st.integers(0, 22), max_size=40))
@settings(deadline=None, max_examples=50)
def test_it_gives_what_the_same_rows_in_memory_give(path: Path, index: list[int]) -> None:
    rows = torch.tensor(index, dtype=torch.int64)
    read, held = HDF5Source(path, "coords", "scans/ct/labels").batch(rows, KEY), ArraySource(X, Y).batch(rows, KEY)
    assert torch.equal(read.inputs, held.inputs)
    assert torch.equal(read.targets, held.targets)
    assert torch.equal(read.index, rows)


def test_only_the_rows_of_a_batch_are_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    original = h5py.Dataset.__getitem__
    monkeypatch.setattr(h5py.Dataset, "__getitem__", lambda self, args: asked.append(args) or original(self, args))
    HDF5Source(path, "coords").batch(torch.tensor([22, 21, 22]), KEY)
    HDF5Source(path, "coords").batch(torch.tensor([9, 2]), KEY)
    assert asked[0] == slice(21, 23)
    assert asked[1].tolist() == [2, 9]


def test_workers_read_the_same(path: Path) -> None:
    settings_ = {"batch_size": 5, "order": Shuffled(), "seed": 3}
    source = HDF5Source(path, "coords")
    alone, helped = (list(Loader(source=source, workers=n, **settings_).epoch(0)) for n in (0, 2))
    assert all(torch.equal(a.inputs, b.inputs) for a, b in zip(alone, helped, strict=True))
    assert source.row_bytes == 12
    assert helped[0].targets is None


def test_compressed_and_big_endian_datasets(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.create_dataset("x", data=X.numpy().astype(">f8"), chunks=(4, 3), compression="gzip")
    found = HDF5Source(tmp_path / "x.h5", "x").batch(torch.tensor([20, 3, 20]), KEY).inputs
    assert found.dtype == torch.float64
    assert torch.equal(found, X[[20, 3, 20]].double())


def test_what_cannot_be_read_is_refused(path: Path, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("no HDF5")
    write_hdf5(tmp_path / "two.h5", {"x": X, "y": Y[:5], "words": np.array([b"a", b"b"])})
    for call, message in (
        (
            lambda: HDF5Source(path, "cords"),
            r"no dataset 'cords'; .* coords, .*scans/ct/labels\. Did you mean 'coords'\?",
        ),
        (lambda: HDF5Source(path, "scans"), r"no dataset 'scans'"),
        (lambda: HDF5Source(path, "name"), r"'name' holds \|S8 of shape \(\); rows of numbers are due"),
        (lambda: HDF5Source(tmp_path / "two.h5", "words"), r"'words' holds \|S1"),
        (lambda: HDF5Source(tmp_path / "two.h5", "x", "y"), r"'x' has 23 rows, but 'y' has 5"),
        (lambda: HDF5Source(tmp_path / "none.h5", "x"), r"There is no file .*none\.h5"),
        (lambda: HDF5Source(tmp_path / "text.txt", "x"), r"text\.txt cannot be read as HDF5"),
        (lambda: write_hdf5(tmp_path / "no" / "x.h5", {"x": X}), r"x\.h5 cannot be written as HDF5"),
    ):
        with pytest.raises(DataError, match=message):
            call()


def test_without_h5py_the_extra_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(DataError, match=r"need the package h5py: pip install 'stepwell\[hdf5\]'\."):
        HDF5Source(path, "coords")
