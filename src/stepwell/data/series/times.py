"""The times of a table's rows, from one column or several: dates and hours, texts, seconds."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from stepwell.core.errors import DataError, suggest
from stepwell.data.tables.formats import ZONED, find_format, read_texts, with_days, worded

Times = np.ndarray[Any, np.dtype[np.datetime64]]
"""Times without a zone, in microseconds, one a row."""

Place = Callable[[int], str]
"""The place of a row in its file, for messages: `hour.csv, line 17`."""


class Parsed(NamedTuple):
    """The time of each row, notes on how the columns were understood, and the format of times that are texts.

    The format is to be given again for other files of the kind: 1/2/2011 alone may be January or February.
    """

    times: Times
    notes: tuple[str, ...] = ()
    text: str | None = None


UNITS = {"hour": 3_600_000_000, "minute": 60_000_000, "second": 1_000_000}
"""Microseconds of what further columns may count."""

_MOST = {"hour": 24, "minute": 59, "second": 60}


def row_place(row: int) -> str:
    """The place of a row of a table of which no file is known."""
    return f"row {row}"


def parse_times(
    frame: pl.DataFrame, columns: Sequence[str], place: Place = row_place, text: str | None = None
) -> Parsed:
    """The time of each row, `(n,)`, in the format `text` where it is known.

    One column holds dates, times, texts of them, or seconds since 1970; times with a zone become UTC. Of several, the first
    holds dates and the others a time of day, or hours, minutes and seconds; or all are numbers: year, month, day and so
    on. Raises `DataError` for unknown columns, and with line, column and value for what is no time.
    """
    for name in columns:
        if name not in frame.columns:
            raise DataError(
                f"There is no column {name!r} to take the time from; there are {', '.join(frame.columns)}."
                f"{suggest(name, frame.columns)}"
            )
    if not columns:
        raise DataError("A series needs the column of its times: --time COLUMN, or --time DATE,HOUR.")
    for name in columns:
        _refuse(frame[name].is_null(), frame[name], place, "is empty")
    numbers = [frame[name].dtype.is_numeric() for name in columns]
    if len(columns) >= 3 and all(numbers):
        return Parsed(_from_parts(frame, columns, place))
    parsed = _from_column(frame[columns[0]], place, text)
    times = parsed.times
    for name, unit in zip(columns[1:], UNITS, strict=False):
        times = times + _offset(frame[name], unit, place)
    return parsed._replace(times=times)


def with_numbers(frame: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """The table with columns of `names` that are whole numbers in text, such as the hours 00 to 23, as numbers."""
    texts = [frame[name] for name in names if name in frame.columns and frame.schema[name] == pl.String]
    numbers = [
        text.cast(pl.Int64) for text in texts if text.str.contains(r"^\d{1,18}$").all() and not text.is_null().all()
    ]
    return frame.with_columns(numbers)


def _refuse(wrong: pl.Series, column: pl.Series, place: Place, what: str) -> None:
    """Raise `DataError` for the first row where `wrong` is true."""
    rows = wrong.arg_true()
    if len(rows):
        value = "" if column[int(rows[0])] is None else f"{column[int(rows[0])]!r} "
        more = f" ({len(rows)} rows are so)" if len(rows) > 1 else ""
        raise DataError(
            f"{place(int(rows[0]))}, column {column.name!r}: {value}{what}{more}. Every row of a series needs a time, such as"
            " 2011-01-31 13:00; mend or drop the row."
        )


def _from_column(column: pl.Series, place: Place, text: str | None) -> Parsed:
    if isinstance(column.dtype, pl.Datetime) and column.dtype.time_zone:
        local = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        return Parsed(_micros(local), (f"The times of {column.name!r} have a zone; they were taken to UTC.",))
    if column.dtype.is_temporal():
        return Parsed(_micros(column))
    if column.dtype.is_numeric():
        return _from_numbers(column, place)
    return _from_texts(column.cast(pl.String).str.strip_chars(), place, text)


def _micros(column: pl.Series) -> Times:
    return column.cast(pl.Datetime("us")).to_numpy().astype("datetime64[us]")


def _from_numbers(column: pl.Series, place: Place) -> Parsed:
    """Dates written as 20110131, years, or seconds since 1970."""
    if column.dtype.is_integer() and column.name.lower() in ("year", "years", "yr"):
        return Parsed(_from_parts(column.to_frame(), [column.name], place))
    if column.dtype.is_integer() and bool(column.is_between(17_000_101, 22_001_231).all()):
        dates = column.cast(pl.String).str.to_date("%Y%m%d", strict=False)
        if not dates.null_count():
            return Parsed(_micros(dates), (f"The numbers of {column.name!r} were read as dates, such as 20110131.",))
    _refuse(~column.cast(pl.Float64).is_finite(), column, place, "is no time")
    micros = np.round(column.cast(pl.Float64).to_numpy() * 1e6).astype("int64")
    told = (f"The numbers of {column.name!r} were read as seconds since 1970.",)
    return Parsed(micros.astype("datetime64[us]"), told)


def _from_parts(frame: pl.DataFrame, columns: Sequence[str], place: Place) -> Times:
    """Years, months, days, hours, minutes and seconds, as many as there are columns."""
    years = frame[columns[0]].cast(pl.Int64).to_numpy() - 1970
    months = frame[columns[1]].cast(pl.Int64).to_numpy() if len(columns) > 1 else np.ones_like(years)
    days = frame[columns[2]].cast(pl.Int64).to_numpy() if len(columns) > 2 else np.ones_like(years)
    month = (12 * years + months - 1).astype("datetime64[M]")
    start = month.astype("datetime64[D]") + (days - 1)
    wrong = (months < 1) | (months > 12) | (start.astype("datetime64[M]") != month) | (abs(years) > 2000)
    _refuse(pl.Series(wrong), frame[columns[min(2, len(columns) - 1)]], place, "gives no date of the calendar")
    times: Times = start.astype("datetime64[us]")
    for name, unit in zip(columns[3:], UNITS, strict=False):
        times = times + _offset(frame[name], unit, place)
    return times


def _offset(column: pl.Series, unit: str, place: Place) -> Any:
    """How long after the date a row is: a time of day, or a number of hours, minutes or seconds."""
    if column.dtype == pl.Time:
        return column.cast(pl.Duration("us")).to_numpy().astype("timedelta64[us]")
    if not column.dtype.is_numeric():
        clock = _clock(column.cast(pl.String).str.strip_chars())
        _refuse(clock.is_null(), column, place, f"is no time of day and no {unit}")
        return clock.cast(pl.Duration("us")).to_numpy().astype("timedelta64[us]")
    number = column.cast(pl.Float64)
    _refuse(~number.is_between(0, _MOST[unit]), column, place, f"is no {unit} (0 to {_MOST[unit] - (unit == 'hour')})")
    return np.round(number.to_numpy() * UNITS[unit]).astype("timedelta64[us]")


def _clock(column: pl.Series) -> pl.Series:
    formats = ("%H:%M", "%H:%M:%S%.f", "%I:%M %p", "%I:%M:%S %p")
    return max(
        (column.str.to_time(f, strict=False) for f in formats), key=lambda clock: len(clock) - clock.null_count()
    )


def _from_texts(column: pl.Series, place: Place, text: str | None) -> Parsed:
    """Texts in the one format that most of them have."""
    column = with_days(column)
    text = text or find_format(column)
    parsed = read_texts(column, text)
    _refuse(parsed.is_null(), column, place, f"is no time, as {worded(text)} is")
    told = f"The times of {column.name!r} were read as {worded(text)}."
    if text in ZONED:
        told = f"The times of {column.name!r} have a zone; they were taken to UTC."
    return Parsed(_micros(parsed), () if text.startswith("%Y") and text not in ZONED else (told,), text)
