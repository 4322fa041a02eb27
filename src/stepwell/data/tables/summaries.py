"""What a column holds, at a glance: the facts by which its kind is guessed."""

from dataclasses import dataclass
from typing import Any

import polars as pl
from polars import selectors as cs

_ORDERED = cs.numeric() | cs.string() | cs.boolean() | cs.temporal()


@dataclass(frozen=True)
class Summary:
    """Of one column: its type, how many rows it has, how many of them are missing, how many distinct values there are
    (missing ones not counted), the least and the greatest of them, and whether all are whole numbers.
    """

    name: str
    dtype: pl.DataType
    rows: int
    missing: int
    distinct: int
    low: Any = None
    high: Any = None
    whole: bool = False

    @property
    def known(self) -> int:
        """How many rows have a value."""
        return self.rows - self.missing


def summaries(frame: pl.DataFrame) -> list[Summary]:
    """A summary of each column. NaN counts as missing; columns of lists and the like have no distinct values."""
    frame = frame.with_columns(cs.float().fill_nan(None), cs.by_dtype(pl.Categorical, pl.Enum).cast(pl.String))
    missing = _one(frame.select(pl.all().null_count()))
    plain = frame.select(_ORDERED)
    distinct, low, high = (_one(plain.select(e)) for e in (pl.all().n_unique(), pl.all().min(), pl.all().max()))
    whole = _one(frame.select((cs.float() % 1 == 0).all()))
    return [
        Summary(
            name,
            dtype,
            len(frame),
            missing[name],
            distinct.get(name, 0) - (missing[name] > 0),
            low.get(name),
            high.get(name),
            dtype.is_integer() or bool(whole.get(name)),
        )
        for name, dtype in frame.schema.items()
    ]


def _one(frame: pl.DataFrame) -> dict[str, Any]:
    """The only row of a frame, by column; empty where no column was selected."""
    return frame.row(0, named=True) if frame.width else {}


def counted(number: int, one: str, many: str) -> str:
    """`1 level`, `1,204 levels`."""
    return f"{number:,} {one if number == 1 else many}"


def short(value: Any) -> str:
    """A value for a sentence: text in quotes and cut short, numbers to six digits."""
    if isinstance(value, str):
        return repr(value if len(value) <= 20 else value[:19] + "…")
    return f"{value:.6g}" if isinstance(value, (int, float)) and not isinstance(value, bool) else str(value)


def held(summary: Summary) -> str:
    """What kind of values a column holds, in words."""
    names = {pl.String: "text", pl.Boolean: "true and false", pl.Date: "dates", pl.Datetime: "times"}
    return names.get(summary.dtype.base_type(), "numbers" if summary.dtype.is_numeric() else str(summary.dtype))
