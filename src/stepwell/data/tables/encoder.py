"""What the encoders of columns share."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl

from stepwell.core.errors import DataError

FAR = 0.5
"""What part of the training range, beyond its ends, is far outside it."""

Floats = np.ndarray[Any, np.dtype[np.float32]]
Line = Callable[[int], int]
"""The line in the file of a row number."""

Doubles = np.ndarray[Any, np.dtype[np.float64]]


@dataclass
class Noted:
    """What was unusual in the rows that are encoded, and how a row is named in a message.

    Without `line`, rows are named by their number from 0.
    """

    line: Line | None = None
    notes: list[str] = field(default_factory=list)

    def add(self, note: str) -> None:
        """Keep a sentence."""
        self.notes.append(note)

    def place(self, row: int) -> str:
        """`line 17`, or `row 15` where the file is not known."""
        return f"row {row}" if self.line is None else f"line {self.line(row)}"


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Put a file's name before a `DataError` about what is in it."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{path}: {error}") from None


def count_rows(count: int) -> str:
    """`1 row has`, `3 rows have`."""
    return "1 row has" if count == 1 else f"{count:,} rows have"


class Encoder(ABC):
    """How one column becomes features. What it knows was fitted on training rows."""

    kind: ClassVar[str]
    name: str

    @property
    def embedded(self) -> bool:
        """Whether the column is one code for an embedding, and no features."""
        return False

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """The features that the column becomes."""

    @abstractmethod
    def encode(self, values: pl.Series, noted: Noted) -> Floats:
        """`(n, features)`. Raises `DataError`, which names the line, for values of another type than in training."""

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """All that it knows, as plain data."""

    @classmethod
    @abstractmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Self:
        """The encoder that `to_json` wrote."""
