"""The idx format of MNIST and its family: a magic number, the sizes, then bytes; plain or compressed with gzip."""

import gzip
import struct
import zlib
from collections.abc import Sequence
from math import prod
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from stepwell.core.errors import DataError
from stepwell.data.images.members import read_most
from stepwell.data.images.stored import Images, joined
from stepwell.data.tables.memory import available_memory, human

FASHION = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
"""The classes of Fashion-MNIST by number (Xiao, Rasul, Vollgraf, 2017)."""

_UNSIGNED_BYTE = 8
_FILES = {"train": "train", "t10k": "test", "test": "test"}  # how the files of a side begin, and the side
_GZIP = b"\x1f\x8b"
_MOST_DIMENSIONS = 4
_MOST_HEAD = 4 + 4 * _MOST_DIMENSIONS


def read_idx(folder: Path | str, *, classes: Sequence[str] | None = None, title: str | None = None) -> Images:
    """The images of a folder with `train-images-idx3-ubyte`, `train-labels-idx1-ubyte` and the same of `t10k`, with or
    without `.gz`: grey bytes (n, 1, height, width), the sides `train` and `test`. A pair alone will do.

    `classes` are the names by number; else they are the numbers. Raises `DataError` for a folder without such files, a pair
    of which one is missing, a file that is damaged or has no pictures, and for pairs that do not belong together.
    """
    folder = Path(folder)
    name = title or folder.name
    pairs = [(side, *_pair(folder, begin)) for begin, side in _FILES.items() if _find(folder, begin, "images")]
    if not pairs:
        raise DataError(
            f"{folder} has no idx files. Expected are train-images-idx3-ubyte.gz and train-labels-idx1-ubyte.gz, and for the"
            " test t10k-images-idx3-ubyte.gz and t10k-labels-idx1-ubyte.gz, plain or with .gz."
        )
    known = max(10, *(int(labels.max()) + 1 for _, _, labels in pairs))  # of all sides: one may lack the last classes
    names = tuple(classes) if classes else tuple(map(str, range(known)))
    return joined([_side(side, images, labels, names, name) for side, images, labels in pairs], name)


def read_idx_file(path: Path | str) -> Tensor:
    """The bytes of one idx file, in the shape that it states. Raises `DataError` for a file that is damaged or of another
    format or type.
    """
    path = Path(path)
    content = _content(path, _MOST_HEAD)
    if len(content) < 4 or content[:2] != b"\0\0" or not 1 <= content[3] <= _MOST_DIMENSIONS:
        raise DataError(
            f"{path} is no idx file: it begins with {content[:4].hex(' ') or 'nothing'}, where 00 00 08 and the number of"
            " dimensions are due."
        )
    if content[2] != _UNSIGNED_BYTE:
        raise DataError(
            f"{path} is an idx file of the type {content[2]:#04x}; pictures and labels are unsigned bytes, 0x08."
        )
    head = 4 + 4 * content[3]
    if len(content) < head:
        raise DataError(f"{path} ends within its head, after {len(content)} bytes. Copy or download it again.")
    shape = struct.unpack(f">{content[3]}I", content[4:head])
    due = prod(shape)
    _refuse_too_large(path, shape, due)
    content = _content(path, head + due + 1)
    got = len(content) - head
    if due != got:
        what, follow = ("is cut off", f"{got:,}") if got < due else ("is longer than it says", "more")
        raise DataError(
            f"{path} {what}: its head says {' × '.join(map(str, shape))} = {due:,} bytes, but {follow} follow. Copy or download"
            " it again."
        )
    return torch.from_numpy(np.frombuffer(content, np.uint8, offset=head).reshape(shape).copy())


def has_idx(folder: Path) -> bool:
    """Whether a folder has pictures in idx files."""
    return any(_find(folder, begin, "images") for begin in _FILES)


def _pair(folder: Path, begin: str) -> tuple[Tensor, Tensor]:
    """The pictures (n, height, width) and the labels of a side."""
    images_file, labels_file = _find(folder, begin, "images"), _find(folder, begin, "labels")
    if images_file is None or labels_file is None:
        raise DataError(f"{folder} has {begin}-images, but no {begin}-labels-idx1-ubyte (or .gz) beside it.")
    images, labels = read_idx_file(images_file), read_idx_file(labels_file)
    if images.ndim != 3 or labels.ndim != 1:
        raise DataError(
            f"{images_file} has {images.ndim} dimensions and {labels_file.name} {labels.ndim}; pictures have 3 (n, height,"
            " width) and labels 1. Are they swapped?"
        )
    if len(images) != len(labels):
        raise DataError(
            f"{images_file} has {len(images):,} pictures, but {labels_file.name} {len(labels):,} labels: they are not of one set."
        )
    if not images.numel():
        raise DataError(
            f"{images_file} has no pixels: its head says {' × '.join(map(str, images.shape))} (pictures, height, width), of"
            " which each is to be 1 or more. Copy or download it again, or take it away with its labels."
        )
    return images, labels


def _side(side: str, images: Tensor, labels: Tensor, classes: tuple[str, ...], title: str) -> Images:
    numbered = tuple(f"{side}/{row}" for row in range(len(images)))
    return Images(images[:, None], labels.long(), classes, numbered, (side,) * len(images), title)


def _find(folder: Path, begin: str, what: str) -> Path | None:
    """`train-images-idx3-ubyte`, or as some write it `train-images.idx3-ubyte`, with .gz or without."""
    digit = {"images": 3, "labels": 1}[what]
    for end in ("", ".gz"):
        for dot in ("-", "."):
            path = folder / f"{begin}-{what}{dot}idx{digit}-ubyte{end}"
            if path.is_file():
                return path
    return None


def _refuse_too_large(path: Path, shape: Sequence[int], due: int) -> None:
    available = available_memory()
    if due > available:
        raise DataError(
            f"{path}: its head says {' × '.join(map(str, shape))} bytes, {human(due)}, but {human(available)} of memory are"
            " available."
        )


def _content(path: Path, most: int) -> bytes:
    """The first bytes of a file, at most so many; of one that is compressed, of what is in it."""
    try:
        with open(path, "rb") as plain:
            packed = plain.read(len(_GZIP)) == _GZIP
        with gzip.open(path) if packed else open(path, "rb") as stream:
            return read_most(stream, most)
    except FileNotFoundError:
        raise DataError(f"There is no file {path}.") from None
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} is compressed with gzip, but damaged: {error}. Copy or download it again.") from None
