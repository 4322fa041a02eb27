"""What is known of a model without having it: its inputs, outputs and classes; plain data, for servers and their clients."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import prod
from typing import Any, Literal, Self

import numpy as np

Kind = Literal["images", "table", "series", "arrays"]
"""What a model reads: pictures, rows of a table, series, or arrays of numbers only."""


@dataclass(frozen=True)
class Array:
    """An input or an output: its name, numpy's name of its dtype (little-endian), and the shape of one row, in which None is
    any length.
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...]

    @property
    def row_bytes(self) -> int | None:
        """The bytes of one row; None where a dimension has any length."""
        if None in self.shape:
            return None
        return np.dtype(self.dtype).itemsize * prod(size for size in self.shape if size is not None)

    def fits(self, shape: Sequence[int]) -> bool:
        """Whether an array of `shape`, rows first, can be this one."""
        row = tuple(shape[1:])
        return len(row) == len(self.shape) and all(
            want in (None, have) for want, have in zip(self.shape, row, strict=True)
        )

    def written(self) -> str:
        """`float32 (1, 8, 8)`, for messages."""
        sizes = ["any" if size is None else str(size) for size in self.shape]
        return f"{self.dtype} ({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"


@dataclass(frozen=True, kw_only=True)
class Card:
    """A model as its clients know it.

    `name` is in addresses, `title` is for people. `inputs` and `outputs` are the arrays that go in and come out, `classes`
    the names of the last dimension of the output, if it has names. `files` are the suffixes (`.png`, `.csv`) of files that
    the model's own reader understands; empty without a reader. `form` is what a page needs to ask for an input: size and
    channels of pictures, columns of a table with their kinds, levels and usual values. `examples` are names of rows that
    are kept with the run. `version` says which weights these are. `threshold` is the probability from which a row is of the
    second of two classes, where the output is one probability.
    """

    name: str
    title: str
    kind: Kind
    inputs: tuple[Array, ...]
    outputs: tuple[Array, ...]
    classes: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    form: Mapping[str, Any] = field(default_factory=dict)
    examples: tuple[str, ...] = ()
    version: str = ""
    threshold: float = 0.5

    def to_json(self) -> dict[str, Any]:
        """All of it as plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Self:
        """The card that `to_json` wrote."""
        arrays = {
            side: tuple(Array(each["name"], each["dtype"], tuple(each["shape"])) for each in plain[side])
            for side in ("inputs", "outputs")
        }
        lists = {name: tuple(plain[name]) for name in ("classes", "files", "examples")}
        return cls(**{**plain, **arrays, **lists})
