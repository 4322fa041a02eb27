"""Times as numbers: places in the day, the week and the year as points on a circle, and a trend."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl

from stepwell.core.errors import DataError
from stepwell.data.tables.encoder import FAR, Doubles, Encoder, Floats, Noted, count_rows
from stepwell.data.tables.formats import find_format, read_texts, worded
from stepwell.data.tables.values import complete
from stepwell.data.tables.values import times as iso_times

PERIODS = {"hour": 1.0, "weekday": 7.0, "day of year": 365.2425}
"""Periods in days, counted from Monday, 5 January 1970 (the hour and the weekday) or from 1 January 1970."""

MONDAY = 4.0
_DAY = 86_400_000_000  # microseconds
_MOST_OF_A_PERIOD = 0.75


def text_format(values: pl.Series) -> str:
    """The format of times that are texts, such as `%d.%m.%Y`; empty where they are as ISO 8601 has them, or no texts."""
    if values.dtype != pl.String or complete(iso_times(values)[0], values):
        return ""
    return find_format(values.drop_nulls())


def as_times(values: pl.Series, noted: Noted, text: str = "") -> pl.Series:
    """Values as times without a zone, missing ones null. Texts are read as ISO 8601 has them, or in the format `text`.

    Raises `DataError` for another text, with its line.
    """
    if values.dtype == pl.Null:
        return values.cast(pl.Datetime("us"))
    if values.dtype == pl.Time:
        return pl.select(pl.lit(date(1970, 1, 5)).dt.combine(pl.lit(values))).to_series().alias(values.name)
    if values.dtype == pl.String:
        return _parsed(values, noted, text)
    if not values.dtype.is_temporal() or values.dtype == pl.Duration:
        raise DataError(f"Column {values.name!r} holds {values.dtype}, and no dates or times.")
    if isinstance(values.dtype, pl.Datetime) and values.dtype.time_zone:
        values = values.dt.replace_time_zone(None)
    return values.cast(pl.Datetime("us"))


def _parsed(values: pl.Series, noted: Noted, text: str) -> pl.Series:
    # No other format is guessed: 01/02/2024 is a day in January for some and one in February for others.
    times = iso_times(values)[0].cast(pl.Datetime("us"))
    if text:
        times = times.fill_null(read_texts(values, text))
    if times.null_count() > values.null_count():
        row = int((times.is_null() & values.is_not_null()).arg_true()[0])
        raise DataError(
            f"Column {values.name!r} has {values[row]!r} in {noted.place(row)}, which is no date or time. Write them all as"
            f" 2024-01-31 or 2024-01-31 17:05{f', or as in training, {worded(text)}' if text else ''}."
        )
    return times


@dataclass(frozen=True)
class Calendar(Encoder):
    """A column of times as the sine and cosine of its places in `periods`, and a standardised trend in days.

    Of the periods hour (of the day, with minutes), weekday and day of the year those are kept that vary in the training
    rows and that these span at least three quarters of. `mean` and `scale` are those of the trend, in days since 1970.
    Missing times are zeros; `missing` tells that some training rows had none, which is a feature of its own. `text` is the
    format of training rows that were texts other than those of ISO 8601.
    """

    kind: ClassVar[str] = "calendar"
    name: str
    periods: tuple[str, ...]
    mean: float
    scale: float
    low: float
    high: float
    missing: bool
    text: str = ""

    @classmethod
    def fit(cls, values: pl.Series, noted: Noted) -> Self:
        """Of a column's training rows."""
        text = text_format(values)
        days = _days(values, noted, text)
        known = days[~np.isnan(days)]
        if not len(known):
            return cls(values.name, (), 0.0, 1.0, 0.0, 0.0, True)
        low, high = float(known.min()), float(known.max())
        periods = tuple(name for name in PERIODS if _varies(name, known))
        scale = float(known.std())
        return cls(values.name, periods, float(known.mean()), scale or 1.0, low, high, len(known) < len(days), text)

    @property
    def names(self) -> tuple[str, ...]:
        """The features."""
        waves = [f"{self.name} {period} ({wave})" for period in self.periods for wave in ("sin", "cos")]
        return (*waves, f"{self.name} trend", *([f"{self.name} is missing"] if self.missing else []))

    def encode(self, values: pl.Series, noted: Noted) -> Floats:
        """`(n, features)`."""
        days = _days(values, noted, self.text)
        absent = np.isnan(days)
        self._note(days, absent, noted)
        angles = [2 * np.pi * _phase(period, days) for period in self.periods]
        columns = [wave(angle) for angle in angles for wave in (np.sin, np.cos)]
        columns.append((days - self.mean) / self.scale)
        coded = np.nan_to_num(np.column_stack(columns), nan=0.0)
        return np.column_stack([coded, absent] if self.missing else [coded]).astype(np.float32)

    def _note(self, days: Doubles, absent: Any, noted: Noted) -> None:
        if absent.any() and not self.missing:
            noted.add(f"{self.name}: {count_rows(int(absent.sum()))} no time, which no training row lacked")
        reach = FAR * (self.high - self.low)
        far = int(((days < self.low - reach) | (days > self.high + reach)).sum())
        if far:
            span = f"{_written(self.low)} to {_written(self.high)}"
            noted.add(f"{self.name}: {count_rows(far)} a time far outside that of the training rows, {span}")

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {**vars(self), "periods": list(self.periods)}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Self:
        """What `to_json` wrote."""
        return cls(**{**plain, "periods": tuple(plain["periods"])})


def _days(values: pl.Series, noted: Noted, text: str) -> Doubles:
    """Days since 1970, with their fraction; NaN where there is no time."""
    micros = as_times(values, noted, text).to_physical()
    return (micros.cast(pl.Float64) / _DAY).fill_null(float("nan")).to_numpy()


def _phase(period: str, days: Doubles) -> Doubles:
    """Places in a period, 0 to 1. A weekday is a whole day, so that Monday is one place and not a way to Tuesday."""
    if period == "hour":
        return days % 1
    whole = np.floor(days)
    since = whole - MONDAY if period == "weekday" else whole
    return (since / PERIODS[period]) % 1


def _varies(period: str, known: Doubles) -> bool:
    place = _phase(period, known)
    span = float(known.max() - known.min())
    return span >= _MOST_OF_A_PERIOD * PERIODS[period] and float(np.ptp(place)) > 0


def _written(days: float) -> str:
    return str(np.datetime64(round(days * _DAY), "us").astype("datetime64[m]")).replace("T", " ").removesuffix(" 00:00")
