"""What passes between a server's protocols and the workers that run its models."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from stepwell.core.errors import StepwellError

Numbers = np.ndarray[Any, np.dtype[Any]]
Wants = Literal["answers", "arrays", "explanation"]
"""What a client asks for: answers as people read them (JSON), the output arrays, or what the model looked at (JSON)."""


class Refused(StepwellError):
    """A request that is not answered. `status` is that of HTTP; `retry_after`, in seconds, says when to try again."""

    def __init__(self, status: int, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status, self.retry_after = status, retry_after


@dataclass(frozen=True, eq=False)
class Arrays:
    """Rows as the model takes them: C-contiguous arrays by the names of the card's inputs, rows first, checked against it."""

    arrays: Mapping[str, Numbers]

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(next(iter(self.arrays.values())))


@dataclass(frozen=True, eq=False)
class File:
    """A file as it is, which the model's reader reads in the worker. `suffix` says what it is: `.png`, `.csv`, or `.json`, a list
    of rows by the names of their columns.
    """

    data: bytes
    suffix: str


@dataclass(frozen=True, eq=False)
class Call:
    """A request to a model, checked. `deadline` is a time of the event loop after which nobody waits for the answer."""

    model: str
    payload: Arrays | File
    wants: Wants = "answers"
    deadline: float | None = None
    client: str = ""


@dataclass(frozen=True, eq=False)
class Reply:
    """What a worker made of a call.

    `answers` is JSON, a list with one element a row (or the explanation, an object), already encoded; `arrays` are the
    outputs by name, rows first, where they were wanted. `notes` say what was unusual in a file. `batch` is the number of rows
    that ran together, `waited` and `computed` are seconds.
    """

    answers: bytes = b"[]"
    arrays: Mapping[str, Numbers] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    batch: int = 1
    waited: float = 0.0
    computed: float = 0.0
