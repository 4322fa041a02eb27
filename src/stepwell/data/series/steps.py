"""The step of a series: how far its rows are apart, and places on the grid that it makes."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from stepwell.core.errors import DataError
from stepwell.data.series.times import Times

Places = np.ndarray[Any, np.dtype[np.int64]]

_SECOND = 1_000_000
_MINUTE, _HOUR, _DAY, _WEEK = 60 * _SECOND, 3600 * _SECOND, 86_400 * _SECOND, 7 * 86_400 * _SECOND
_UNITS = (
    ("week", "w", _WEEK),
    ("day", "d", _DAY),
    ("hour", "h", _HOUR),
    ("minute", "min", _MINUTE),
    ("second", "s", _SECOND),
    ("millisecond", "ms", 1000),
    ("microsecond", "µs", 1),
)
_MONTH_DAYS = (27.9, 366.1)
_SEASONS = (_DAY, _WEEK, 52 * _WEEK)  # a year as whole weeks, so that weekdays meet weekdays


@dataclass(frozen=True)
class Step:
    """A fixed time (`micros`, in microseconds), or a number of calendar `months` (12 are a year)."""

    micros: int = 0
    months: int = 0

    def __str__(self) -> str:
        if self.months:
            count, unit = (self.months // 12, "year") if self.months % 12 == 0 else (self.months, "month")
            return f"{count} {unit}{'s' if count > 1 else ''}"
        count, unit, _ = self._unit
        return f"{count} {unit}{'s' if count > 1 else ''}"

    @property
    def _unit(self) -> tuple[int, str, str]:
        return next((self.micros // size, name, short) for name, short, size in _UNITS if self.micros % size == 0)

    @property
    def whole_days(self) -> bool:
        """Whether it is a number of days, or of months: from a midnight it leads to another."""
        return self.micros % _DAY == 0

    def ahead(self, steps: int) -> str:
        """So many steps from now, briefly: `+3 h`."""
        if self.months:
            years = self.months % 12 == 0
            return f"+{steps * self.months // (12 if years else 1)} {'y' if years else 'mo'}"
        count, _, short = self._unit
        return f"+{steps * count} {short}"

    def times_longer(self, count: int) -> "Step":
        """A step of `count` of these."""
        return Step(count * self.micros, count * self.months)

    @property
    def seasons(self) -> tuple[int, ...]:
        """A day, a week and a year in steps, as far as they are whole numbers of at least two steps."""
        if self.months:
            return (12 // self.months,) if 12 % self.months == 0 and self.months <= 6 else ()
        whole = [season // self.micros for season in _SEASONS if season % self.micros == 0]
        return tuple(season for season in whole if season >= 2)

    def places(self, times: Times, start: np.datetime64) -> Places:
        """The number of steps from `start` to each time, rounded to the nearest."""
        if self.months:
            return np.round((_month(times) - _month(start)) / self.months).astype(np.int64)
        return np.round(_since(times, start) / self.micros).astype(np.int64)

    def times(self, start: np.datetime64, places: Places) -> Times:
        """The times so many steps from `start`. From a month's last day they are the last days of their months."""
        if not self.months:
            fixed: Times = start.astype("datetime64[us]") + (places * self.micros).astype("timedelta64[us]")
            return fixed
        month = start.astype("datetime64[M]")
        months = month + places * self.months
        last = ((months + 1).astype("datetime64[D]") - months.astype("datetime64[D]")).astype(np.int64) - 1
        day = (start.astype("datetime64[D]") - month.astype("datetime64[D]")).astype(np.int64)
        of_start = ((month + 1).astype("datetime64[D]") - month.astype("datetime64[D]")).astype(np.int64) - 1
        within = last if day == of_start else np.minimum(day, last)
        clock = start - start.astype("datetime64[D]")
        moved: Times = (months.astype("datetime64[D]") + within).astype("datetime64[us]") + clock
        return moved

    def to_json(self) -> dict[str, int]:
        """As plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, plain: Mapping[str, int]) -> "Step":
        """What `to_json` wrote."""
        return cls(**plain)


def find_step(times: Times) -> Step:
    """The step of times in rising order: their most frequent difference; calendar months where these fit better.

    Raises `DataError` where there are fewer than two different times.
    """
    differences, counts = np.unique(np.diff(times.astype(np.int64)), return_counts=True)
    differences, counts = differences[differences > 0], counts[differences > 0]
    if not len(differences):
        raise DataError(f"A series needs at least two different times; there are {len(np.unique(times))}.")
    step = int(differences[counts.argmax()])
    if _MONTH_DAYS[0] * _DAY <= step <= _MONTH_DAYS[1] * _DAY and (months := _months(times)):
        return Step(months=months)
    return Step(micros=step)


def _months(times: Times) -> int:
    """The months between neighbours, where all times are the same day of a month or all the last; else 0."""
    days = times.astype("datetime64[D]")
    first = times.astype("datetime64[M]").astype("datetime64[D]")
    is_last = (days + 1).astype("datetime64[M]") != days.astype("datetime64[M]")
    if len(np.unique(days - first)) > 1 and not is_last.all():
        return 0
    apart = np.diff(_month(times))
    values, counts = np.unique(apart[apart > 0], return_counts=True)
    return int(values[counts.argmax()]) if len(values) else 0


def _month(times: Any) -> Places:
    return np.asarray(times).astype("datetime64[M]").astype(np.int64)


def _since(times: Times, start: np.datetime64) -> Places:
    return times.astype(np.int64) - int(start.astype("datetime64[us]").astype(np.int64))


def check_regular(times: Times, places: Places, start: np.datetime64, step: Step, place: Any) -> int:
    """The number of rows that stand beside the grid by up to a quarter of a step, and are moved onto it.

    Raises `DataError`, with the first row, where one is further off: then there is no common step.
    """
    if step.months:
        return 0
    off = np.abs(_since(times, start) - places * step.micros)
    wrong = np.flatnonzero(off > step.micros / 4)
    if len(wrong):
        row = int(wrong[0])
        raise DataError(
            f"{place(row)}: the time {written(times[row])} is no whole number of steps after {written(start)}; the most"
            f" frequent step is {step}. {len(wrong)} rows are so, and windows need equal steps: average the rows to a"
            " coarser step first, such as hours or days."
        )
    return int((off > 0).sum())


def written(time: Any) -> str:
    """A time as people write it, without a midnight or seconds that are zero."""
    text = str(np.datetime64(time, "us").astype("datetime64[ms]")).replace("T", " ").removesuffix(".000")
    return text.removesuffix(" 00:00:00").removesuffix(":00") if " " in text else text
