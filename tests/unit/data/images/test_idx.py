"""The idx format."""

import gzip
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch

from stepwell.core.errors import DataError
from stepwell.data.images.idx import FASHION, has_idx, read_idx, read_idx_file

RNG = np.random.default_rng(0)
PICTURES = RNG.integers(0, 256, (7, 5, 4), dtype=np.uint8)
LABELS = np.array([0, 3, 1, 2, 9, 0, 1], dtype=np.uint8)


def idx(array: np.ndarray, kind: int = 8) -> bytes:
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, kind, array.ndim, *array.shape) + array.tobytes()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Training files that are compressed, and test files that are not."""
    for begin, rows, pack, end in (("train", slice(None), gzip.compress, ".gz"), ("t10k", slice(2), bytes, "")):
        (tmp_path / f"{begin}-images-idx3-ubyte{end}").write_bytes(pack(idx(PICTURES[rows])))
        (tmp_path / f"{begin}-labels-idx1-ubyte{end}").write_bytes(pack(idx(LABELS[rows])))
    return tmp_path


def test_both_sides_become_one(folder: Path) -> None:
    images = read_idx(folder, title="small")
    assert torch.equal(images.images, torch.from_numpy(np.concatenate([PICTURES, PICTURES[:2]]))[:, None])
    assert images.labels.tolist() == [*LABELS.tolist(), 0, 3]
    assert images.labels.dtype == torch.int64
    assert (images.sides, images.title) == (("train",) * 7 + ("test",) * 2, "small")
    assert (images.names or ())[6:8] == ("train/6", "test/0")
    assert images.classes == tuple("0123456789")
    assert read_idx(folder, classes=FASHION).classes[9] == "Ankle boot"
    assert has_idx(folder)
    assert not has_idx(folder.parent)


def test_one_side_alone_and_the_other_way_to_write_the_names(folder: Path) -> None:
    for path in list(folder.iterdir()):
        if path.name.startswith("train"):
            path.unlink()
        else:
            path.rename(folder / path.name.replace("-idx", ".idx"))
    assert len(read_idx(folder)) == 2
    assert set(read_idx(folder).sides or ()) == {"test"}


def test_the_classes_are_those_of_all_sides(folder: Path) -> None:
    for begin, labels, pack, end in (
        ("train", [0, 13, 1, 2, 9, 0, 1], gzip.compress, ".gz"),
        ("t10k", [11, 3], bytes, ""),
    ):
        path = folder / f"{begin}-labels-idx1-ubyte{end}"
        path.write_bytes(pack(idx(np.array(labels, dtype=np.uint8))))
    images = read_idx(folder)
    assert images.classes == tuple(map(str, range(14)))
    assert images.labels.tolist() == [0, 13, 1, 2, 9, 0, 1, 11, 3]


def test_a_side_without_pictures_is_named(folder: Path) -> None:
    (folder / "t10k-images-idx3-ubyte").write_bytes(idx(PICTURES[:0]))
    (folder / "t10k-labels-idx1-ubyte").write_bytes(idx(LABELS[:0]))
    with pytest.raises(
        DataError, match=r"t10k-images-idx3-ubyte has no pixels: its head says 0 × 5 × 4 .* take it away with"
    ):
        read_idx(folder)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("train-images-idx3-ubyte.gz", None, r"has no idx files\. Expected are train-images|t10k"),
        ("train-labels-idx1-ubyte.gz", None, "has train-images, but no train-labels-idx1-ubyte"),
        ("train-images-idx3-ubyte.gz", b"", "is no idx file: it begins with nothing, where 00 00 08"),
        ("train-images-idx3-ubyte.gz", b"<html>", "is no idx file: it begins with 3c 68 74 6d"),
        ("train-images-idx3-ubyte.gz", idx(PICTURES, 0x0D), "is an idx file of the type 0x0d; pictures and labels are unsigned"),
        ("train-images-idx3-ubyte.gz", idx(PICTURES)[:10], "ends within its head, after 10 bytes"),
        ("train-images-idx3-ubyte.gz", idx(PICTURES)[:-1],
         r"is cut off: its head says 7 × 5 × 4 = 140 bytes, but 139 follow\. Copy or download"),
        ("train-images-idx3-ubyte.gz", idx(PICTURES) + b"xx", "is longer than it says: .* but more follow"),
        ("train-images-idx3-ubyte.gz", idx(LABELS), "has 1 dimensions .* Are they swapped"),
        ("train-labels-idx1-ubyte.gz", idx(LABELS[:6]), "has 7 pictures, but train-labels-idx1-ubyte.gz 6 labels"),
        ("train-images-idx3-ubyte.gz", gzip.compress(idx(PICTURES), mtime=0)[:60], "is compressed with gzip, but damaged"),
    ],
)  # fmt: skip
def test_damage_is_named(folder: Path, name: str, content: bytes | None, message: str) -> None:
    if content is None:
        (folder / name).unlink()
        for path in folder.glob("t10k*"):
            path.unlink()
    else:
        (folder / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_idx(folder)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"There is no file .*x\.gz"):
        read_idx_file(tmp_path / "x.gz")


def test_no_more_is_unpacked_than_the_head_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(idx(PICTURES) + bytes(50_000_000)))
    tracemalloc.start()
    with pytest.raises(DataError, match="is longer than it says: .* but more follow"):
        read_idx_file(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000
    monkeypatch.setenv("STEPWELL_MEMORY", "100")
    with pytest.raises(DataError, match=r"7 × 5 × 4 bytes, 140 bytes, but 100 bytes of memory are available"):
        read_idx_file(path)
