"""Godoy's pictures of single lines, for first classifiers of images."""

from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from torch import Tensor

from stepwell.core.errors import DataError

Array = np.ndarray[Any, np.dtype[np.int64]]

LINE_CLASSES = ("parallel", "diagonal, tilted right", "diagonal, tilted left")
"""What the labels of `line_images` stand for, without `binary`."""


class LineImages(NamedTuple):
    """Pictures of one line each: bytes 0 and 255 `(n, 1, size, size)`, and labels int64 `(n,)`."""

    images: UInt8[Tensor, "n 1 size size"]
    labels: Int64[Tensor, " n"]


def line_images(size: int = 5, n: int = 300, *, binary: bool = True, seed: int = 13) -> LineImages:
    """Lines along a row or a column (label 0), diagonals that rise to the right (1) and that fall to the right (2).

    With `binary`, all diagonals have the label 1. Bit for bit the pictures of Godoy's `generate_dataset`, as rows S18
    and S28 of the notes describe it, which the book calls and does not print: NumPy's legacy generator draws all places, and
    then all directions. There are few different pictures, 25 of 5×5 pixels, so parts of a split share them. Raises
    `DataError` for fewer than 3 pixels or no picture.
    """
    if size < 3 or n < 1:
        raise DataError(
            f"Pictures of lines have 3 × 3 pixels or more, and there is one at least; not {n} of {size} × {size}."
        )
    generator = np.random.RandomState(seed)
    starts = generator.randint(1 - size, size, size=n)
    labels = generator.randint(0, 3, size=n)
    images = _drawn(starts.reshape(-1, 1, 1), labels.reshape(-1, 1, 1), size)
    named = torch.from_numpy(labels.astype(np.int64))
    return LineImages(torch.from_numpy(images), (named > 0).long() if binary else named)


def _drawn(starts: Array, labels: Array, size: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Starts above 0 are rows at the left edge; others are columns, of the lower edge for lines that rise, else of the upper.

    Diagonals have no start in column 0: they take column 1.
    """
    row, column = np.mgrid[:size, :size]
    columns = np.maximum(-starts, 1)
    straight = np.where(starts > 0, row == starts, column == -starts)
    rising = row + column == np.where(starts > 0, starts, size - 1 + columns)
    falling = row - column == np.where(starts > 0, starts, -columns)
    on = np.select([labels == 0, labels == 1], [straight, rising], falling)
    images: np.ndarray[Any, np.dtype[np.uint8]] = (255 * on[:, None]).astype(np.uint8)
    return images
