"""CIFAR-10 and CIFAR-100 in their binary version: records of a label (or two) and 3,072 bytes; a folder or its tar file."""

import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
import torch

from stepwell.core.errors import DataError
from stepwell.data.images.members import DAMAGE, MOST_BYTES, damaged, too_large
from stepwell.data.images.stored import Images, joined

_PIXELS = 3 * 32 * 32
_PICKLED = ("data_batch_1", "test_batch", "train", "test", "batches.meta", "meta")
_MEND = (
    "Download the binary version instead, cifar-10-binary.tar.gz or cifar-100-binary.tar.gz, from"
    " https://www.cs.toronto.edu/~kriz/cifar.html (`stepwell data get cifar-10` does it)."
)


@dataclass(frozen=True)
class _Version:
    files: tuple[tuple[str, str], ...]  # each with its side
    names: str  # the file of the classes' names
    labels: int  # bytes before the pixels; the last one counts


_TEN = _Version(
    (*((f"data_batch_{number}.bin", "train") for number in range(1, 6)), ("test_batch.bin", "test")),
    "batches.meta.txt",
    1,
)
_HUNDRED = _Version((("train.bin", "train"), ("test.bin", "test")), "fine_label_names.txt", 2)
_KNOWN = {name for version in (_TEN, _HUNDRED) for name in (version.names, *(file for file, _ in version.files))}


def read_cifar(path: Path | str) -> Images:
    """CIFAR-10 or CIFAR-100: bytes (60,000, 3, 32, 32) with the sides `train` and `test`, in the order of the files.

    `path` is a tar file of the binary version (compressed or not; nothing is unpacked to the disk), or a folder of its files.
    Files of which some are missing are read as far as they go. CIFAR-100 gives its 100 fine classes. Raises `DataError` for
    files that are damaged, and for the Python version, which is pickled: unpickling runs whatever code is in a file.
    """
    path = Path(path)
    if not path.exists():
        raise DataError(f"There is no {path}. {_MEND}")
    files = dict(_files_of(path))
    version = _TEN if any(name in files for name, _ in _TEN.files) else _HUNDRED
    present = [(name, side) for name, side in version.files if name in files]
    if not present:
        _refuse(path, set(files))
    classes = _classes(path, files, version)
    sides = [_records(f"{path}: {name}", files[name](), classes, version, side, name) for name, side in present]
    return joined(sides, "CIFAR-10" if version is _TEN else "CIFAR-100")


def has_cifar(folder: Path) -> bool:
    """Whether a folder has CIFAR's binary files."""
    return any((folder / name).is_file() for version in (_TEN, _HUNDRED) for name, _ in version.files)


def _files_of(path: Path) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Names and readers of the files in a folder (or the one folder in it) or a tar file."""
    if path.is_dir():
        folders = [path, *(one for one in sorted(path.iterdir()) if one.is_dir())]
        yield from (
            (one.name, one.read_bytes) for folder in reversed(folders) for one in folder.iterdir() if one.is_file()
        )
        return
    try:
        with tarfile.open(path, "r:*") as archive:
            for member in archive:
                name = PurePosixPath(member.name).name
                wanted = member.isfile() and name in _KNOWN
                if wanted and member.size > MOST_BYTES:
                    raise DataError(f"{path}: {name} {too_large(member.size)} CIFAR's files are smaller.")
                content = archive.extractfile(member).read() if wanted else b""  # type: ignore[union-attr]
                yield name, partial(bytes, content)
    except DAMAGE as error:
        raise damaged(path, "a tar file", error) from None


def _refuse(path: Path, names: set[str]) -> None:
    if names & set(_PICKLED):
        raise DataError(
            f"{path} is the Python version of CIFAR, which is pickled; Stepwell reads no pickle, as that runs whatever code is"
            f" in a file. {_MEND}"
        )
    raise DataError(
        f"{path} has none of CIFAR's binary files (data_batch_1.bin … test_batch.bin, or train.bin). {_MEND}"
    )


def _classes(path: Path, files: dict[str, Callable[[], bytes]], version: _Version) -> tuple[str, ...]:
    if version.names not in files:
        raise DataError(f"{path} lacks {version.names}, which names the classes. {_MEND}")
    return tuple(files[version.names]().decode("utf-8", "replace").split())


def _records(where: str, content: bytes, classes: tuple[str, ...], version: _Version, side: str, file: str) -> Images:
    length = version.labels + _PIXELS
    rows, rest = divmod(len(content), length)
    if rest or not rows:
        raise DataError(
            f"{where} has {len(content):,} bytes, which are not whole records of {length:,}: it is damaged or of another format."
            " Copy or download it again."
        )
    records = np.frombuffer(content, np.uint8).reshape(rows, length)
    labels = records[:, version.labels - 1]
    if (beyond := int(labels.max())) >= len(classes):
        raise DataError(
            f"{where} has the label {beyond}, but there are {len(classes)} classes: it is damaged or of another set."
        )
    pixels = torch.from_numpy(records[:, version.labels :].reshape(rows, 3, 32, 32).copy())
    names = tuple(f"{file}/{row}" for row in range(rows))
    return Images(pixels, torch.from_numpy(labels.astype(np.int64)), classes, names, (side,) * rows, where)
