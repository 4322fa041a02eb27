"""NumPy's `.npy`: a header of three fields, which is read without running any of it, and the values."""

import re
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from stepwell.deploy.calls import Arrays, Numbers, Refused
from stepwell.deploy.card import Array, Card
from stepwell.deploy.protocols.checks import (
    DTYPES,
    check_dtype,
    check_size,
    listed,
    only_input,
    settled,
    shape_of_rows,
    view,
)

MAGIC = b"\x93NUMPY"
_MOST_HEADER = 1024
_MOST_DIMENSIONS = 32
_LENGTHS = {(1, 0): 2, (2, 0): 4, (3, 0): 4}  # bytes of the header's length, by the format's version
_FIELD = re.compile(r"'(descr|fortran_order|shape)'\s*:\s*('[^']*'|True|False|\([\d\s,]*\))\s*(?:,|(?=\}))")
_DESCR = re.compile(r"'([<>|=]?)([biuf]\d{1,2})'")
_NAMES = {dtype.str[1:]: dtype for dtype in DTYPES.values()}


class Header(NamedTuple):
    """What stands before the values: their `dtype`, whether the first index runs fastest (`fortran`), and the `shape`."""

    dtype: np.dtype[Any]
    fortran: bool
    shape: tuple[int, ...]


def decode_npy(card: Card, content_type: str, body: bytes) -> Arrays:
    """The array of a body: rows first, or one row alone. Its values are not copied where they have the input's dtype.

    Raises `Refused` (400) for what is no such file or has not the bytes that its header tells, (422) for another shape or a
    dtype that the input's does not hold. Source: NumPy Enhancement Proposal 1, versions 1.0 to 3.0 of the format.
    """
    want = only_input(card, "application/x-npy")
    start = _start(body)
    header, shape = _checked(want, body[:start])
    check_size(len(body) - start, header.dtype, header.shape, "The .npy file, behind its header,")
    values = view(body, header.dtype, start)
    if header.fortran:
        values = values.reshape(header.shape, order="F")
    return Arrays({want.name: settled(want, values, shape)})


@lru_cache(maxsize=64)
def _checked(want: Array, head: bytes) -> tuple[Header, tuple[int, ...]]:
    """The header, and the shape of the rows; clients send the same ones again and again."""
    header = read_header(head)
    shape = shape_of_rows(want, header.shape)
    check_dtype(want, header.dtype)
    return header, shape


def _start(body: bytes) -> int:
    """Where the values begin."""
    if body[:6] != MAGIC:
        raise Refused(400, "The body is no .npy file: it does not begin with \\x93NUMPY. Write it with numpy.save.")
    version = (body[6], body[7]) if len(body) >= 8 else (0, 0)
    if version not in _LENGTHS:
        raise Refused(400, f"The .npy file has the version {version[0]}.{version[1]}; 1.0, 2.0 and 3.0 are known.")
    head = 8 + _LENGTHS[version]
    start = head + int.from_bytes(body[8:head], "little")
    if start > len(body) or start > _MOST_HEADER:
        raise Refused(
            400,
            f"The header of the .npy file would end at byte {start:,}: it is cut off, or no header of a plain array.",
        )
    return start


def read_header(head: bytes) -> Header:
    """The header of a file that begins with `head`. Raises `Refused` (400) for one that numpy would not write of numbers."""
    text = head[10 if head[6] == 1 else 12 :].decode("latin-1").strip()
    found = _FIELD.findall(text)
    fields, rest = dict(found), re.sub(r"[\s,]", "", _FIELD.sub("", text))
    if rest != "{}" or len(found) != 3 or fields.get("fortran_order") not in ("True", "False") or len(fields) != 3:
        raise Refused(
            400,
            f"The header of the .npy file reads {text[:120]!r}. One array of numbers is expected, with descr, fortran_order "
            "and shape; structured arrays, and objects, which would need pickle, are not read.",
        )
    return Header(_dtype(fields["descr"]), fields["fortran_order"] == "True", _shape(fields["shape"]))


def _shape(written: str) -> tuple[int, ...]:
    sizes = [size.strip() for size in written.strip("()").removesuffix(",").split(",")]
    if sizes == [""]:
        return ()
    if len(sizes) > _MOST_DIMENSIONS or not all(size.isdecimal() and len(size) < 19 for size in sizes):
        raise Refused(400, f"The .npy file holds the shape {written[:80]}, which is none of numpy's.")
    return tuple(map(int, sizes))


def _dtype(descr: str) -> np.dtype[Any]:
    found = _DESCR.fullmatch(descr)
    if not found or found[2] not in _NAMES:
        raise Refused(
            400,
            f"The .npy file holds the dtype {descr[:40]}. Numbers are read: {listed(list(DTYPES))[:200]}; objects, which would "
            "need pickle, are not.",
        )
    return _NAMES[found[2]].newbyteorder(">" if found[1] == ">" else "<")


def npy_bytes(array: Numbers) -> bytes:
    """The array as a .npy file, in C order and little-endian."""
    values = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    text = f"{{'descr': {values.dtype.str!r}, 'fortran_order': False, 'shape': {array.shape}, }}"
    head = f"{text}{' ' * (-(len(text) + 11) % 64)}\n".encode()
    return b"".join((MAGIC, b"\x01\x00", len(head).to_bytes(2, "little"), head, values.tobytes()))
