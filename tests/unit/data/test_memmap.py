"""Rows of .npy files."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.core.errors import DataError
from stepwell.core.keys import Key
from stepwell.data import ArraySource, Loader, MemmapSource, Shuffled

KEY = Key(0)
X = np.random.default_rng(0).normal(size=(23, 3, 2)).astype(np.float32)
Y = np.arange(23)


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("rows")
    np.save(folder / "x.npy", X)
    np.save(folder / "y.npy", Y)
    return folder / "x.npy", folder / "y.npy"


@given(index=st.lists(st.integers(0, 22), max_size=40))
@settings(deadline=None, max_examples=50)
def test_it_gives_what_the_same_rows_in_memory_give(paths: tuple[Path, Path], index: list[int]) -> None:
    rows = torch.tensor(index, dtype=torch.int64)
    mapped, held = MemmapSource(*paths).batch(rows, KEY), ArraySource(X, Y).batch(rows, KEY)
    assert torch.equal(mapped.inputs, held.inputs)
    assert torch.equal(mapped.targets, held.targets)
    assert mapped.inputs.dtype == held.inputs.dtype


def test_it_knows_its_rows_and_their_bytes(paths: tuple[Path, Path]) -> None:
    source = MemmapSource(*paths)
    assert len(source) == 23
    assert source.row_bytes == ArraySource(X, Y).row_bytes
    assert MemmapSource(paths[0]).batch(torch.tensor([1]), KEY).targets is None


def test_workers_open_the_files_anew(paths: tuple[Path, Path]) -> None:
    settings_ = {"batch_size": 5, "order": Shuffled(), "seed": 3}
    alone = list(Loader(source=MemmapSource(*paths), **settings_).epoch(0))
    helped = list(Loader(source=MemmapSource(*paths), workers=2, **settings_).epoch(0))
    assert all(torch.equal(a.inputs, b.inputs) for a, b in zip(alone, helped, strict=True))
    assert len(pickle.dumps(MemmapSource(*paths))) < 1000
    again = pickle.loads(pickle.dumps(MemmapSource(*paths)))  # noqa: S301 - what a spawned worker gets
    assert torch.equal(again.batch(torch.arange(23), KEY).inputs, torch.from_numpy(X))


@pytest.mark.parametrize(
    "array",
    [X.astype(">f4"), np.asfortranarray(X), X.astype(np.float64), X > 0, X.astype(np.uint8)],
    ids=["big-endian", "Fortran", "float64", "bool", "uint8"],
)
def test_files_of_any_order_and_dtype(array: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", array)
    found = MemmapSource(tmp_path / "x.npy").batch(torch.tensor([4, 0]), KEY).inputs
    assert np.array_equal(found.numpy(), array[[4, 0]])


def test_what_cannot_be_mapped_is_refused(paths: tuple[Path, Path], tmp_path: Path) -> None:
    np.save(tmp_path / "short.npy", Y[:5])
    np.save(tmp_path / "text.npy", np.array(["a", "b"]))
    np.save(tmp_path / "objects.npy", np.array([{}, None], dtype=object), allow_pickle=True)
    np.save(tmp_path / "number.npy", np.array(3.0))
    np.savez(tmp_path / "several.npz", a=X)
    (tmp_path / "table.csv").write_text("a,b\n")
    (tmp_path / "empty.npy").touch()
    with pytest.raises(DataError, match=r"x\.npy has 23 rows, but .*short\.npy has 5; give one target a row\."):
        MemmapSource(paths[0], tmp_path / "short.npy")
    for name, message in {
        "text.npy": r"holds <U1 of shape \(2,\); rows of numbers are due",
        "number.npy": r"holds float64 of shape \(\)",
        "objects.npy": r"objects\.npy cannot be mapped: .*A \.npy file of numbers is due",
        "several.npz": r"holds several arrays \(\.npz\)",
        "table.csv": r"table\.csv cannot be mapped",
        "empty.npy": r"empty\.npy cannot be mapped",
        "none.npy": r"There is no file .*none\.npy",
    }.items():
        with pytest.raises(DataError, match=message):
            MemmapSource(tmp_path / name)
