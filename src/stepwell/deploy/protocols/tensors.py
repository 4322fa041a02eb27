"""Tensors of the Open Inference Protocol: in JSON, or as bytes behind it."""

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from stepwell.deploy.calls import Numbers, Refused
from stepwell.deploy.card import Array
from stepwell.deploy.protocols.checks import (
    DTYPES,
    check_dtype,
    check_size,
    listed,
    settled,
    shape_of_rows,
    view,
    written,
)
from stepwell.deploy.protocols.nested import flattened, of_numbers

DATATYPES: Mapping[str, str] = {
    "BOOL": "bool",
    **{f"INT{bits}": f"int{bits}" for bits in (8, 16, 32, 64)},
    **{f"UINT{bits}": f"uint{bits}" for bits in (8, 16, 32, 64)},
    **{f"FP{bits}": f"float{bits}" for bits in (16, 32, 64)},
}
"""numpy's dtypes by the protocol's names of them."""

BYTES = "BYTES"
_NAMES = {dtype: name for name, dtype in DATATYPES.items()}
_SHARED = ("shared_memory_region", "shared_memory_offset", "shared_memory_byte_size")


def datatype_of(dtype: np.dtype[Any]) -> str:
    """The protocol's name of a dtype; `BYTES` for texts."""
    return _NAMES.get(dtype.name, BYTES)


def described(array: Array) -> dict[str, Any]:
    """An input or output in a model's metadata; -1 is any length, as that of the rows is."""
    shape = [-1, *(-1 if size is None else size for size in array.shape)]
    return {"name": array.name, "datatype": datatype_of(np.dtype(array.dtype)), "shape": shape}


class Binary:
    """The bytes behind the JSON of a request, handed out in the order of its tensors."""

    def __init__(self, data: memoryview) -> None:
        self._data, self._place = data, 0

    def take(self, name: str, size: Any) -> memoryview:
        """The next `size` bytes. Raises `Refused` (400) where there are fewer."""
        left = len(self._data) - self._place
        if type(size) is not int or not 0 <= size <= left:
            raise Refused(
                400,
                f"The input {name!r} has the binary_data_size {str(size)[:40]}, but {left:,} bytes are left behind the JSON. "
                "Send the tensors in the order of the inputs, and Inference-Header-Content-Length with the length of the JSON.",
            )
        self._place += size
        return self._data[self._place - size : self._place]

    def check_end(self) -> None:
        """Raise `Refused` (400) for bytes that belong to no tensor."""
        if left := len(self._data) - self._place:
            raise Refused(400, f"{left:,} bytes behind the JSON belong to no input; give each its binary_data_size.")


def array_of(want: Array, tensor: Mapping[str, Any], options: Mapping[str, Any], binary: Binary) -> Numbers:
    """A tensor of a request, with its parameters (`options`), as rows of an input. Raises `Refused` (400, 422)."""
    shape, dtype = _shape(want, tensor), _dtype(want, tensor)
    whole = shape_of_rows(want, shape)
    check_dtype(want, dtype)
    if shared := [name for name in _SHARED if name in options]:
        raise Refused(
            400, f"The input {want.name!r} has {listed(shared)}; shared memory is not taken. Send its values."
        )
    if ("data" in tensor) == ("binary_data_size" in options):
        raise Refused(
            400,
            f"The input {want.name!r} has either `data`, in JSON, or the parameter `binary_data_size`, and bytes behind it.",
        )
    if "data" in tensor:
        return settled(want, _of_json(Array(want.name, dtype.name, ()), tensor["data"], shape), whole)
    data = binary.take(want.name, options["binary_data_size"])
    check_size(len(data), dtype, shape, f"The input {want.name!r}")
    return settled(want, view(data, dtype), whole)


def _shape(want: Array, tensor: Mapping[str, Any]) -> tuple[int, ...]:
    shape = tensor.get("shape")
    if not (isinstance(shape, list) and all(type(size) is int and 0 <= size < 10**18 for size in shape)):
        raise Refused(
            400, f"The input {want.name!r} has no `shape`: a list of whole numbers, the rows first, is expected."
        )
    return tuple(shape)


def _dtype(want: Array, tensor: Mapping[str, Any]) -> np.dtype[Any]:
    datatype = tensor.get("datatype")
    name = DATATYPES.get(datatype) if isinstance(datatype, str) else None
    if name is None:
        raise Refused(
            422,
            f"The input {want.name!r} has the datatype {str(datatype)[:40]!r}; the model takes "
            f"{datatype_of(np.dtype(want.dtype))}. Known are {listed(list(DATATYPES)[:6])}, and so on; no {BYTES}.",
        )
    return DTYPES[name]


def _of_json(given: Array, data: Any, shape: Sequence[int]) -> Numbers:
    """Values in JSON, as nested lists or as one list of all of them."""
    if not isinstance(data, list):
        raise Refused(400, f"The `data` of the input {given.name!r} is a list of its values, row after row.")
    if len(shape) != 1 and data and isinstance(data[0], list):
        if len(data) != shape[0]:
            raise Refused(
                400, f"The `data` of the input {given.name!r} has {len(data)} rows, its shape is {written(shape)}."
            )
        return of_numbers(given, flattened(given, data, shape), shape)
    if len(data) != prod(shape):
        raise Refused(
            400,
            f"The `data` of the input {given.name!r} has {len(data):,} values, but {written(shape)} takes {prod(shape):,}.",
        )
    return of_numbers(given, data, shape)


def bytes_of(array: Numbers) -> bytes:
    """An array as bytes: little-endian; texts with four bytes of their length before each."""
    if array.dtype.kind not in "OSU":
        return np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
    return b"".join(len(text).to_bytes(4, "little") + text for text in _encoded(array))


def values_of(array: Numbers) -> list[Any]:
    """An array as one list, for JSON."""
    return [text.decode() for text in _encoded(array)] if array.dtype.kind in "OSU" else array.reshape(-1).tolist()


def _encoded(array: Numbers) -> Iterator[bytes]:
    return (str(text).encode() for text in array.reshape(-1).tolist())
