"""A stand-in for Fashion-MNIST: the files of a data folder, with few pictures in them."""

import struct
from pathlib import Path

import numpy as np

from stepwell.data.catalogue import CATALOGUE

CLASSES = 10


def write_clothes(root: Path, *, train: int = 20, test: int = 5) -> Path:
    """The folder of data sets `root`, in which lie so many pictures of each class; those of a class have its grey.

    The catalogue compares sizes alone, and the reader takes an unpacked file before the packed one beside it. So the
    published files are here as holes of their sizes, and what is read lies unpacked beside them.
    """
    folder, draw = root / "fashion-mnist", np.random.default_rng(7)
    folder.mkdir(parents=True)
    for file in CATALOGUE["fashion-mnist"].files:
        with open(root / file.path, "wb") as hole:
            hole.truncate(file.published.bytes)
    for begin, many in (("train", train), ("t10k", test)):
        labels = np.tile(np.arange(CLASSES, dtype=np.uint8), many)
        pixels = 24 * labels[:, None, None] + draw.integers(0, 30, (len(labels), 28, 28))
        (folder / f"{begin}-images-idx3-ubyte").write_bytes(_idx(pixels.astype(np.uint8)))
        (folder / f"{begin}-labels-idx1-ubyte").write_bytes(_idx(labels))
    return root


def _idx(array: np.ndarray) -> bytes:
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()
