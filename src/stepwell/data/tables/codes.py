"""Categories as numbers: levels fitted on training rows, and codes, one-hot or cumulative vectors of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np
import polars as pl

from stepwell.core.errors import DataError
from stepwell.data.tables.encoder import Encoder, Floats, Noted, count_rows

Codes = np.ndarray[Any, np.dtype[np.int64]]

_SHOWN = 3
_TEXTS = (pl.String, pl.Categorical, pl.Enum)


def as_text(values: pl.Series) -> pl.Series:
    """Values as the names of categories: whole numbers alike whether they were read as 1 or as 1.0; NaN is missing."""
    if values.dtype.is_float():
        return values.fill_nan(None).cast(pl.String).str.strip_suffix(".0")
    return values.cast(pl.String)


def levels_of(values: pl.Series) -> tuple[str, ...]:
    """The distinct values by name, in their own order: numbers by size, text by the alphabet."""
    if values.dtype.is_float():
        values = values.fill_nan(None)
    return tuple(as_text(values.drop_nulls().unique().sort()).to_list())


def codes_of(values: pl.Series, levels: Sequence[str]) -> Codes:
    """The place of each value among the levels, from 0; -1 for a missing one, -2 for one that is none of the levels."""
    text = as_text(values)
    codes = text.replace_strict(list(levels), range(len(levels)), default=-2, return_dtype=pl.Int64)
    return codes.set(text.is_null(), -1).to_numpy() if text.null_count() else codes.to_numpy()


def _as_numbers_if_all_are(values: pl.Series) -> pl.Series:
    """Text as numbers, where a file holds as text what was numbers in training; as it is if some text is no number."""
    numbers = values.cast(pl.Float64, strict=False)
    return numbers if numbers.null_count() == values.null_count() else values


def check_order(values: pl.Series, levels: Sequence[str]) -> None:
    """Raise `DataError` for values that are none of the levels that a flag gave."""
    stray = values.filter(pl.Series(codes_of(values, levels) == -2))
    if len(stray):
        names = ", ".join(as_text(stray).unique().sort().to_list()[:_SHOWN])
        raise DataError(
            f"--ordinal gives {values.name} the order {' < '.join(levels)}, in which {names} has no place. Name every level."
        )


def _one_hot(codes: np.ndarray[Any, Any], levels: int) -> Floats:
    coded: Floats = (codes[:, None] == np.arange(levels)).astype(np.float32)
    return coded


def _cumulative(codes: np.ndarray[Any, Any], levels: int) -> Floats:
    """Ones in the places 0 to the level's own, zeros after (Stevens et al., chapter 4, footnote 47)."""
    coded: Floats = (codes[:, None] >= np.arange(levels)).astype(np.float32)
    return coded


@dataclass(frozen=True)
class Categories(Encoder):
    """A column of categories. `levels` are those of the training rows; a value that is none of them is all zeros.

    `how` is `onehot`, a feature a level; `flag`, for two levels, 1 for the second; `cumulative`; or `embedding`, one whole
    number, from 1, where 0 stands for what is unseen or missing. `text` tells that the file held text, so that `007` is not
    read as 7; `missing`, that some training rows had no value, which is a feature of its own (but for an embedding).
    """

    kind: ClassVar[str] = "categories"
    name: str
    how: Literal["onehot", "flag", "cumulative", "embedding"]
    levels: tuple[str, ...]
    text: bool
    missing: bool

    @classmethod
    def fit(cls, values: pl.Series, how: str, order: Sequence[str] = ()) -> Self:
        """Of a column's training rows. `order` replaces the levels that are found, where it is given."""
        levels = tuple(order) or levels_of(values)
        check_order(values, levels)
        absent = bool(values.null_count()) or (values.dtype.is_float() and bool(values.is_nan().any()))
        return cls(values.name, how, levels, values.dtype in _TEXTS, absent)  # type: ignore[arg-type]

    @property
    def embedded(self) -> bool:
        """Whether it is a code for an embedding."""
        return self.how == "embedding"

    @property
    def names(self) -> tuple[str, ...]:
        """The features, none for an embedding."""
        if self.embedded:
            return ()
        sign = ">=" if self.how == "cumulative" else "="
        absent = (f"{self.name} is missing",) if self.missing else ()
        return (*(f"{self.name}{sign}{level}" for level in self._shown()), *absent)

    def _shown(self) -> tuple[str, ...]:
        """The levels that have a feature."""
        return self.levels[1:] if self.how == "flag" and len(self.levels) > 1 else self.levels

    def encode(self, values: pl.Series, noted: Noted) -> Floats:
        """`(n, features)`."""
        codes = self._codes(values, noted)
        coded = (_cumulative if self.how == "cumulative" else _one_hot)(codes, len(self.levels))
        coded = coded[:, len(self.levels) - len(self._shown()) :]
        return np.column_stack([coded, codes == -1]).astype(np.float32) if self.missing else coded

    def codes(self, values: pl.Series, noted: Noted) -> Codes:
        """`(n,)`: the level's number from 1; 0 for what is unseen or missing."""
        numbers: Codes = np.maximum(self._codes(values, noted) + 1, 0)
        return numbers

    def _codes(self, values: pl.Series, noted: Noted) -> Codes:
        if values.dtype == pl.String and not self.text:
            values = _as_numbers_if_all_are(values)
        codes = codes_of(values, self.levels)
        self._note_unseen(values, codes, noted)
        absent = int((codes == -1).sum())
        if absent and not self.missing:
            noted.add(f"{self.name}: {count_rows(absent)} no value, which no training row lacked")
        return codes

    def _note_unseen(self, values: pl.Series, codes: np.ndarray[Any, Any], noted: Noted) -> None:
        unseen = as_text(values.filter(pl.Series(codes == -2)))
        if not len(unseen):
            return
        found = unseen.value_counts(sort=True)
        for category, rows in found.head(_SHOWN).iter_rows():
            noted.add(f'{self.name}: {count_rows(rows)} the category "{category}", unseen in training')
        if len(found) > _SHOWN:
            rows = int(found["count"][_SHOWN:].sum())
            noted.add(
                f"{self.name}: {count_rows(rows)} one of {len(found) - _SHOWN} more categories unseen in training"
            )

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {**vars(self), "levels": list(self.levels)}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Self:
        """What `to_json` wrote."""
        return cls(**{**plain, "levels": tuple(plain["levels"])})
