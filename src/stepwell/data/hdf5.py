"""Rows of HDF5 datasets, of which no more is read than a batch needs. Needs the package h5py: the extra `hdf5`."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from stepwell.core.errors import DataError, suggest
from stepwell.core.keys import Key
from stepwell.data.batch import Batch, Source


class HDF5Source(Source):
    """The rows of the dataset `inputs` of an HDF5 file, with those of `targets`; names may be nested: `"scans/coords"`.

    The first dimension are the rows. A batch reads its own rows from the disk, each once and in rising order, which is what
    HDF5 wants, and gives them in the order asked for. The file is opened for each batch, so worker processes share no
    handle. Raises `DataError` for a file that is missing or no HDF5, an unknown name (the nearest is suggested), a dataset of
    no numbers, and where the numbers of rows differ. Source: Stevens et al., section 3.12 (book row S3.14).
    """

    def __init__(self, path: Path | str, inputs: str, targets: str | None = None) -> None:
        self.path = Path(path).absolute()
        self.names = (inputs,) if targets is None else (inputs, targets)
        with _opened(self.path) as file:
            found = [_dataset(file, self.path, name) for name in self.names]
            lengths = [len(dataset) for dataset in found]
            self.length = lengths[0]
            self.row_bytes = sum(int(dataset.nbytes) for dataset in found) // max(self.length, 1)
        if len(set(lengths)) > 1:
            raise DataError(
                f"{self.path}: {inputs!r} has {lengths[0]} rows, but {targets!r} has {lengths[1]}; give one target a row."
            )

    def __len__(self) -> int:
        return self.length

    def batch(self, index: Tensor, key: Key) -> Batch:
        """The rows, read from the disk."""
        with _opened(self.path) as file:
            rows = [_rows(file[name], index.numpy()) for name in self.names]
        return Batch(rows[0], rows[1] if len(rows) > 1 else None, index)


def write_hdf5(path: Path | str, datasets: Mapping[str, Tensor | np.ndarray[Any, Any]]) -> None:
    """Write tensors or arrays as datasets of a new HDF5 file; `"scans/coords"` makes the group `scans`.

    Raises `DataError` where the file cannot be written.
    """
    with _opened(Path(path), "w") as file:
        for name, data in datasets.items():
            file[name] = data.detach().cpu().numpy() if isinstance(data, Tensor) else data


@contextmanager
def _opened(path: Path, mode: str = "r") -> Iterator[Any]:
    try:
        import h5py
    except ImportError:
        raise DataError("HDF5 files need the package h5py: pip install 'stepwell[hdf5]'.") from None
    if mode == "r" and not path.is_file():
        raise DataError(f"There is no file {path}.")
    try:
        file = h5py.File(path, mode)
    except OSError as error:
        raise DataError(f"{path} cannot be {'read' if mode == 'r' else 'written'} as HDF5: {error}.") from None
    with file:
        yield file


def _dataset(file: Any, path: Path, name: str) -> Any:
    known: list[str] = []
    file.visititems(lambda place, one: known.append(place) if hasattr(one, "nbytes") else None)  # groups have no bytes
    if name.strip("/") not in known:
        listed = ", ".join(known) or "none"
        raise DataError(f"{path} has no dataset {name!r}; its datasets are {listed}.{suggest(name, known)}")
    dataset = file[name]
    if dataset.dtype.kind not in "fiub" or not dataset.shape:
        raise DataError(f"{path}: {name!r} holds {dataset.dtype} of shape {dataset.shape}; rows of numbers are due.")
    return dataset


def _rows(dataset: Any, index: np.ndarray[Any, np.dtype[np.int64]]) -> Tensor:
    if not len(index):
        rows = dataset[:0]
    else:
        own, back = np.unique(index, return_inverse=True)
        together = len(own) == own[-1] - own[0] + 1
        rows = (dataset[own[0] : own[-1] + 1] if together else dataset[own])[back]
    return torch.from_numpy(rows.astype(rows.dtype.newbyteorder("="), copy=False))
