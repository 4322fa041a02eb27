"""`application/octet-stream`: the values of one or more rows, little-endian, row after row, and nothing else."""

from functools import lru_cache
from math import prod
from typing import Any, NamedTuple

import numpy as np

from stepwell.deploy.calls import Arrays, Refused
from stepwell.deploy.card import Array, Card
from stepwell.deploy.protocols.checks import DTYPES, only_input, settled, view

_OTHERS = {
    b"\x93NUMPY": "application/x-npy",
    b"\x89PNG": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"{": "application/json",
}


class Layout(NamedTuple):
    """How a row of an input lies in bytes: its `dtype` (little-endian), `shape` and `size` in bytes."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    size: int


def decode_raw(card: Card, content_type: str, body: bytes) -> Arrays:
    """The rows in a body. Raises `Refused` (422) for a model of several inputs or of inputs of any length, (400) for a body
    that does not hold whole rows.
    """
    want = only_input(card, "application/octet-stream")
    dtype, shape, size = layout_of(want)
    rows, rest = divmod(len(body), size)
    if rest or not rows:
        raise Refused(
            400,
            f"The body has {len(body):,} bytes. A row of the model {card.name} is {want.written()}, little-endian, which takes "
            f"{size:,}: send one row, or several one behind another.{_said(body)}",
        )
    return Arrays({want.name: settled(want, view(body, dtype), (rows, *shape))})


def _said(body: bytes) -> str:
    """Which content type the body seems to have."""
    kind = next((kind for magic, kind in _OTHERS.items() if body.startswith(magic)), "")
    return f" It begins like {kind}; say so as the Content-Type." if kind else ""


@lru_cache(maxsize=256)
def layout_of(want: Array) -> Layout:
    """How a row of an input lies in bytes. Raises `Refused` (422) where a dimension has any length."""
    if None in want.shape:
        raise Refused(
            422,
            f"Raw bytes do not tell the shape, and the input {want.name!r} is {want.written()}. Send it as application/x-npy, "
            "or as multipart/form-data with the shape in a part `meta`.",
        )
    shape = tuple(size for size in want.shape if size is not None)
    dtype = DTYPES[want.dtype]
    return Layout(dtype, shape, dtype.itemsize * prod(shape))
