"""CIFAR's binary version."""

import io
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch

from stepwell.core.errors import DataError
from stepwell.data.images.cifar import has_cifar, read_cifar

NAMES = ["airplane", "automobile", "bird"]
RNG = np.random.default_rng(0)


def records(labels: list[list[int]]) -> np.ndarray:
    pixels = RNG.integers(0, 256, (len(labels), 3072), dtype=np.uint8)
    return np.concatenate([np.array(labels, dtype=np.uint8), pixels], axis=1)


@pytest.fixture
def ten(tmp_path: Path) -> Path:
    folder = tmp_path / "cifar-10-batches-bin"
    folder.mkdir()
    (folder / "batches.meta.txt").write_text("\n".join(NAMES) + "\n\n")
    for number in range(1, 6):
        (folder / f"data_batch_{number}.bin").write_bytes(records([[number % 3]] * number).tobytes())
    (folder / "test_batch.bin").write_bytes(records([[2], [0]]).tobytes())
    return folder


def packed(folder: Path) -> Path:
    path = folder.parent / "cifar-10-binary.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(folder, folder.name)
    return path


def test_ten_classes_from_a_folder_or_its_tar(ten: Path) -> None:
    for path in (ten, ten.parent, packed(ten)):
        images = read_cifar(path)
        assert images.images.shape == (17, 3, 32, 32)
        assert images.classes == ("airplane", "automobile", "bird")
        assert images.labels.tolist() == [1] + [2] * 2 + [0] * 3 + [1] * 4 + [2] * 5 + [2, 0]
        assert (images.sides or ())[14:] == ("train", "test", "test")
        assert (images.names or ())[15] == "test_batch.bin/0"
        last = np.frombuffer((ten / "test_batch.bin").read_bytes(), np.uint8)[-3072:]
        assert torch.equal(images.images[-1].flatten(), torch.from_numpy(last.copy()))  # red, green, blue, row by row
    assert has_cifar(ten)
    assert not has_cifar(ten.parent)


def test_a_hundred_classes_are_the_fine_ones(tmp_path: Path) -> None:
    (tmp_path / "fine_label_names.txt").write_text("apple\nbaby\nbear\n")
    (tmp_path / "coarse_label_names.txt").write_text("fruit\n")
    (tmp_path / "train.bin").write_bytes(records([[0, 2], [0, 1]]).tobytes())
    images = read_cifar(tmp_path)
    assert (images.labels.tolist(), images.classes, images.title) == ([2, 1], ("apple", "baby", "bear"), "CIFAR-100")


def test_the_pickled_version_is_refused_and_not_opened(tmp_path: Path) -> None:
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    (folder / "data_batch_1").write_bytes(pickle.dumps({}))
    for path in (folder, packed(folder)):
        with pytest.raises(DataError, match=r"Python version of CIFAR, which is pickled; .* cifar-10-binary\.tar\.gz"):
            read_cifar(path)


def test_damage_is_named(ten: Path, tmp_path: Path) -> None:
    whole = (ten / "data_batch_2.bin").read_bytes()
    (ten / "data_batch_2.bin").write_bytes(whole[:-1])
    with pytest.raises(DataError, match=r"data_batch_2\.bin has 6,145 bytes, which are not whole records of 3,073"):
        read_cifar(ten)
    (ten / "data_batch_2.bin").write_bytes(b"\x07" + whole[1:])
    with pytest.raises(DataError, match=r"data_batch_2\.bin has the label 7, but there are 3 classes"):
        read_cifar(ten)
    (ten / "batches.meta.txt").unlink()
    with pytest.raises(DataError, match=r"lacks batches\.meta\.txt, which names the classes"):
        read_cifar(ten)
    cut = packed(ten)
    cut.write_bytes(cut.read_bytes()[:2000])
    (tmp_path / "empty").mkdir()
    for path, message in (
        (cut, r"cannot be read as a tar file: .*Copy or download it again"),
        (tmp_path / "no", r"There is no .*Download the binary version instead"),
        (tmp_path / "empty", r"has none of CIFAR's binary files \(data_batch_1\.bin"),
    ):
        with pytest.raises(DataError, match=message):
            read_cifar(path)


def test_a_file_in_the_tar_that_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stepwell.data.images.cifar.MOST_BYTES", 1000)
    with tarfile.open(tmp_path / "cifar-10-binary.tar.gz", "w:gz") as tar:
        entry = tarfile.TarInfo("test_batch.bin")
        entry.size = 3073
        tar.addfile(entry, io.BytesIO(bytes(3073)))
    with pytest.raises(DataError, match=r"test_batch\.bin has 3\.1 kB; files of more than"):
        read_cifar(tmp_path / "cifar-10-binary.tar.gz")
