"""Whatever lies behind a path."""

import struct
import zipfile
from pathlib import Path

import pytest

from stepwell.core.errors import DataError
from stepwell.data.images.listing import Listing
from stepwell.data.images.opening import open_images, workers_for
from stepwell.data.images.stored import Images


def test_folders_sheets_and_archives(save, tmp_path: Path) -> None:
    save("in/a/1.png"), save("in/b/1.png")
    listed = open_images(tmp_path / "in")
    assert isinstance(listed, Listing)
    sheet = tmp_path / "in" / "labels.csv"
    sheet.write_text("file,kind\na/1.png,x\nb/1.png,y\n")
    of_sheet = open_images(sheet)
    assert isinstance(of_sheet, Listing)
    assert of_sheet.classes == ("x", "y")
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for name in ("a/1.png", "b/1.png"):
            archive.write(tmp_path / "in" / name, name)
    held = open_images(tmp_path / "set.zip", size=(2, 2), channels=1, workers=0)
    assert isinstance(held, Images)
    assert (held.images.shape, held.title) == ((2, 1, 2, 2), "set.zip")


def test_idx_and_cifar_files(tmp_path: Path) -> None:
    mnist, cifar = tmp_path / "mnist", tmp_path / "cifar"
    mnist.mkdir(), cifar.mkdir()
    (mnist / "t10k-images-idx3-ubyte").write_bytes(struct.pack(">I3I", 0x803, 2, 2, 2) + bytes(8))
    (mnist / "t10k-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, 2) + b"\1\0")
    assert open_images(mnist).labels.tolist() == [1, 0]
    (cifar / "batches.meta.txt").write_text("x\ny\n")
    (cifar / "test_batch.bin").write_bytes(b"\1" + bytes(3072))
    assert open_images(cifar).classes == ("x", "y")
    python = tmp_path / "cifar-10-python.tar.gz"
    python.write_bytes(b"")
    with pytest.raises(DataError, match="cannot be read as a tar file"):
        open_images(python)


def test_few_pictures_need_no_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    assert workers_for(3, 10) == 3
    assert workers_for(None, 10) == 0
    assert 1 <= workers_for(None, 100_000) <= 8
    assert 1 <= workers_for(None, None) <= 8
    monkeypatch.setattr("multiprocessing.get_start_method", lambda allow_none: "spawn")
    assert workers_for(None, 100_000) == 0
    assert workers_for(2, 100_000) == 2
