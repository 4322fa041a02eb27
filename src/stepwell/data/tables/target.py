"""The column that is predicted: what kind of task it makes, and its values as targets."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import polars as pl
import torch
from torch import Tensor

from stepwell.core.errors import DataError
from stepwell.data.tables.codes import as_text, codes_of
from stepwell.data.tables.columns import check_known
from stepwell.data.tables.encoder import Line, Noted
from stepwell.data.tables.kinds import decide

TargetKind = Literal["regression", "binary", "multiclass"]
_SHOWN = 5


@dataclass(frozen=True)
class Target:
    """The target column: its kind, why it is that, and the names of its classes (none for regression).

    Of two classes the second is the positive one. `mean` and `std` (population) of a regression are those of the rows
    given to `fit`.
    """

    name: str
    kind: TargetKind
    classes: tuple[str, ...]
    why: str
    mean: float = 0.0
    std: float = 1.0

    @classmethod
    def choose(cls, frame: pl.DataFrame, name: str, task: str = "auto", line: Line | None = None) -> "Target":
        """The target of a table by its values, or of the kind that `task` says.

        `line` names rows in messages by their lines in the file. Raises `DataError` for an unknown column or task, for
        missing or infinite values, for a single class, and for values that do not make the task.
        """
        check_known([name], frame.columns, "--target")
        values = known_values(frame[name], Noted(line))
        kind, classes, why = decide(values, task, Noted(line))
        return cls(name, kind, classes, why)

    def fit(self, frame: pl.DataFrame, rows: np.ndarray[Any, Any] | Tensor) -> "Target":
        """The target with the mean and deviation of the training rows `rows` (int64); of classes, it is as it was."""
        if self.kind != "regression":
            return self
        numbers = self.encode(frame[np.asarray(rows)]).double()
        return replace(self, mean=float(numbers.mean()), std=float(numbers.std(correction=0)) or 1.0)

    def encode(self, frame: pl.DataFrame, line: Line | None = None) -> Tensor:
        """float32 `(n, 1)`, the values or 0 and 1; of more classes int64 `(n,)`, their places.

        Raises `DataError`, with the line, for a value that is missing, no number, or none of the classes.
        """
        noted = Noted(line)
        values = known_values(frame[self.name], noted)
        if self.kind == "regression":
            return torch.from_numpy(values.cast(pl.Float64).to_numpy().astype(np.float32)).unsqueeze(1)
        codes = codes_of(values, self.classes)
        if (codes < 0).any():
            row = int(np.flatnonzero(codes < 0)[0])
            raise DataError(
                f"{self.name!r} is {as_text(values)[row]!r} in {noted.place(row)}, which is none of its classes:"
                f" {', '.join(self.classes[:_SHOWN])}{', …' if len(self.classes) > _SHOWN else ''}."
            )
        coded = torch.from_numpy(codes.copy())
        return coded if self.kind == "multiclass" else coded.float().unsqueeze(1)

    @property
    def spoken(self) -> str:
        """What the model's output says, for people: `prediction of cnt`, `probability that survived is 1`."""
        if self.kind == "binary":
            return f"probability that {self.name} is {self.classes[1]}"
        return f"prediction of {self.name}"

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {**vars(self), "classes": list(self.classes)}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> "Target":
        """What `to_json` wrote."""
        return cls(**{**plain, "classes": tuple(plain["classes"])})


def rows_with_target(frame: pl.DataFrame, name: str) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The numbers of the rows whose target is known; the others can teach nothing. Raises `DataError` where there is none,
    and for an unknown column.
    """
    check_known([name], frame.columns, "--target")
    known = np.flatnonzero(_known(frame[name]).to_numpy())
    if not len(known):
        raise DataError(
            f"The target {name!r} has no value in any of the {len(frame):,} rows; give rows whose target is known."
        )
    return known


def missing_note(name: str, rows: int, known: Sequence[int] | np.ndarray[Any, Any], line: Callable[[int], int]) -> str:
    """That some of a table's rows have no target and were left out, with the first lines; empty where all have one."""
    lost = np.setdiff1d(np.arange(rows), known)
    if not len(lost):
        return ""
    lines = ", ".join(str(line(int(row))) for row in lost[:3]) + (", …" if len(lost) > 3 else "")
    what = "1 row has" if len(lost) == 1 else f"{len(lost):,} rows ({100 * len(lost) / rows:.3g} %) have"
    return (
        f"{name}: {what} no target (line {lines}) and are left out"
        if len(lost) > 1
        else (f"{name}: {what} no target (line {lines}) and is left out")
    )


def known_values(values: pl.Series, noted: Noted) -> pl.Series:
    """The values as they are. Raises `DataError` where one is missing or infinite, with the first lines."""
    lost = (~_known(values)).arg_true()
    if len(lost):
        places = ", ".join(noted.place(int(row)) for row in lost[:3]) + (", …" if len(lost) > 3 else "")
        raise DataError(
            f"The target {values.name!r} has no value in {len(lost):,} of {len(values):,} rows ({places}). Fill them, or leave"
            " these rows out."
        )
    if values.dtype.is_float() and bool(values.is_infinite().any()):
        row = int(values.is_infinite().arg_true()[0])
        raise DataError(f"The target {values.name!r} is infinite in {noted.place(row)}. Mend it, or leave the row out.")
    return values


def _known(values: pl.Series) -> pl.Series:
    return values.is_not_null() & values.is_not_nan() if values.dtype.is_float() else values.is_not_null()
