"""Tensors in files, the dtypes that networks take, and labels as class numbers."""

import json
import secrets
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from stepwell.core.errors import DataError
from stepwell.core.trees import Tree, attach_tensors, detach_tensors, map_tensors
from stepwell.data.arrays import as_tensors

DTYPES = {
    torch.float64: torch.float32,
    torch.int32: torch.int64,
    torch.int16: torch.int64,
    torch.int8: torch.int64,
}
"""What networks take: float32 to compute, int64 for indices and classes. Masks (bool), bytes of pictures (uint8), and
halves, whose point is to be small, stay."""

_TREE = "tree"


def network_dtypes(tree: Tree) -> Tree:
    """The tree's tensors and NumPy arrays as tensors of the dtypes in `DTYPES`; the others share their memory.

    NumPy computes in float64 where nothing else is said, and torch refuses to mix that with a network's float32.
    Source: Stevens et al., sections 3.5 and 3.10 (capability C5).
    """
    return map_tensors(lambda tensor: tensor.to(DTYPES.get(tensor.dtype, tensor.dtype)), as_tensors(tree))


class Classes(NamedTuple):
    """Labels as numbers: `codes` (int64, one a row) count in `names`."""

    codes: Tensor
    names: tuple[str, ...]


def as_classes(labels: Sequence[Any] | np.ndarray[Any, Any] | Tensor) -> Classes:
    """Labels of any kind (texts, numbers) as class numbers from 0, in rising order; texts of whole numbers by their value.

    `"5", "10"` of a file are the classes 0 and 1, with the names `"5"` and `"10"`. Raises `DataError` for missing labels
    (None, NaN, empty texts).
    """
    given = np.asarray(labels.cpu().numpy() if isinstance(labels, Tensor) else labels)
    missing = [row for row, label in enumerate(given.tolist()) if label is None or label == "" or label != label]
    if given.ndim != 1 or missing:
        what = f"row {missing[0]} has none" if missing else f"these have the shape {given.shape}"
        raise DataError(f"Each row has one label; {what}. Fill it in, or drop the row.")
    texts = given.astype(str) if given.dtype.kind not in "fiub" else given
    names, codes = np.unique(texts, return_inverse=True)
    order = np.argsort([int(name) for name in names]) if _whole_numbers(names) else np.arange(len(names))
    rank = np.argsort(order)
    return Classes(torch.from_numpy(rank[codes]), tuple(f"{names[place]}" for place in order))


def _whole_numbers(names: np.ndarray[Any, Any]) -> bool:
    digits = (str(name).removeprefix("-") for name in names)
    return all(name.isascii() and name.isdigit() for name in digits)


def save_tensors(tree: Tree, file: Path | str | BinaryIO) -> None:
    """Write a tensor, or a tree of tensors and plain values, to a safetensors file or to an open binary file.

    A path is written whole or not at all. Tensors are written as they are seen: a view's elements in their order, without
    the rest of its storage, so tensors that shared memory come back apart. Raises `StepwellError` for what such a file
    cannot hold. Source: Stevens et al., section 3.12 (book row S3.13, capability C7); safetensors run no code when read.
    """
    plain, found = detach_tensors(tree)
    whole = {name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format) for name, tensor in found.items()}
    content = save(whole, metadata={_TREE: json.dumps(plain)})
    if not isinstance(file, (Path, str)):
        file.write(content)
        return
    beside = Path(f"{file}.{secrets.token_hex(4)}.tmp")
    try:
        beside.write_bytes(content)
        beside.replace(file)
    except OSError as error:
        raise DataError(f"{file} cannot be written: {error.strerror}.") from None
    finally:
        beside.unlink(missing_ok=True)


def load_tensors(file: Path | str | BinaryIO) -> Tree:
    """What `save_tensors` wrote; of another's safetensors file, its tensors by name; of torch's `.pt`, what it holds.

    A `.pt` file is read with `weights_only=True`: one that would run code is refused. Raises `DataError` for a file that is
    missing, or neither.
    """
    try:
        content = Path(file).read_bytes() if isinstance(file, (Path, str)) else file.read()
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror}.") from None
    if content[:2] in (b"PK", b"\x80\x02"):  # a zip file, or the pickle of torch before 1.6
        return _load_by_torch(content, str(file))
    try:
        tensors = load(content)
    except SafetensorError as error:
        raise DataError(f"{file} is no safetensors file, nor one of torch's: {error}.") from None
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    tree = header.get("__metadata__", {}).get(_TREE)
    return tensors if tree is None else attach_tensors(json.loads(tree), tensors)


def _load_by_torch(content: bytes, name: str) -> Tree:
    try:
        return torch.load(BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:  # noqa: BLE001 - torch raises pickle's errors, and many more for damaged content
        raise DataError(f"{name} holds more than tensors, and reading it could run code: {error}") from None
