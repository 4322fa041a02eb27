"""Rows of `.npy` files that stay on the disk: the operating system reads what is asked for."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from stepwell.core.errors import DataError
from stepwell.core.keys import Key
from stepwell.data.batch import Batch, Source

Array = np.ndarray[Any, Any]


class MemmapSource(Source):
    """The rows of one `.npy` file, with targets from another, neither of which is ever in memory as a whole.

    `numpy.save` writes such files; `numpy.lib.format.open_memmap` writes ones that are larger than memory, bit by bit. The
    first dimension are the rows. Worker processes open the files anew. Rows are given in the file's dtype. Raises `DataError`
    for a file that is missing, is no `.npy` file, or holds no numbers, and where the numbers of rows differ.
    Source: Raff, *Inside Deep Learning*, exercise 1.7.
    """

    def __init__(self, inputs: Path | str, targets: Path | str | None = None) -> None:
        self.paths = tuple(Path(path).absolute() for path in (inputs, targets) if path is not None)
        self._arrays: tuple[Array, ...] | None = None
        lengths = [len(array) for array in self._opened()]
        if len(set(lengths)) > 1:
            raise DataError(
                f"{self.paths[0]} has {lengths[0]} rows, but {self.paths[1]} has {lengths[1]}; give one target a row."
            )
        self.length = lengths[0]
        self.row_bytes = sum(array.nbytes for array in self._opened()) // max(self.length, 1)

    def __len__(self) -> int:
        return self.length

    def batch(self, index: Tensor, key: Key) -> Batch:
        """The rows, copied out of the files."""
        rows = [_rows(array, index.numpy()) for array in self._opened()]
        return Batch(rows[0], rows[1] if len(rows) > 1 else None, index)

    def _opened(self) -> tuple[Array, ...]:
        if self._arrays is None:
            self._arrays = tuple(map(_open, self.paths))
        return self._arrays

    def __getstate__(self) -> dict[str, Any]:
        # A pickled memmap is a copy of the whole file.
        return {**self.__dict__, "_arrays": None}


def _open(path: Path) -> Array:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise DataError(f"There is no file {path}.") from None
    except (OSError, ValueError, EOFError) as error:
        raise DataError(
            f"{path} cannot be mapped: {error}. A .npy file of numbers is due, as numpy.save writes it."
        ) from None
    if not isinstance(array, np.ndarray):
        array.close()
        raise DataError(f"{path} holds several arrays (.npz). Save each with numpy.save in a .npy file of its own.")
    if array.dtype.kind not in "fiubc" or not array.ndim:
        raise DataError(
            f"{path} holds {array.dtype} of shape {array.shape}; rows of numbers are due. Turn text into codes and dates into"
            " days first."
        )
    return array


def _rows(array: Array, index: np.ndarray[Any, np.dtype[np.int64]]) -> Tensor:
    rows = np.asarray(array[index])
    return torch.from_numpy(rows.astype(rows.dtype.newbyteorder("="), copy=False))
