"""What is unusual in a series' times, in sentences: gaps, and the hours that clocks leave out or repeat."""

from collections.abc import Sequence
from shlex import quote
from typing import Any

import numpy as np
import polars as pl

from stepwell.data.series.steps import Places, Step, written
from stepwell.data.series.times import Times

Mask = np.ndarray[Any, np.dtype[np.bool_]]

_SHOWN = 3
_SPRING, _AUTUMN = (3, 9, 10), (10, 11, 4)  # months in which clocks go forward and back, north and south
_HOURS = (0, 1, 2, 3)
_FILLS = {
    "season": "the value {season} before, so that nothing comes from the future",
    "last": "the last value before",
    "zero": "zero",
}
_RARE = 3  # missing rows that need no explanation
_DAY = 86_400_000_000


def _sunday_night(times: Times, months: tuple[int, ...]) -> Mask:
    """Which times are in the small hours of a Sunday in one of the months."""
    days = times.astype("datetime64[D]")
    sunday = (days.astype(np.int64) + 3) % 7 == 6
    month = times.astype("datetime64[M]").astype(np.int64) % 12 + 1
    hour = (times - days).astype("timedelta64[h]").astype(np.int64)
    found: Mask = sunday & np.isin(month, months) & np.isin(hour, _HOURS)
    return found


def doubled_hours(times: Times) -> Mask:
    """Which of some times in order repeat the one before, in the hour that clocks repeat when daylight-saving time ends."""
    again = np.zeros(len(times), bool)
    again[1:] = times[1:] == times[:-1]
    thrice = np.zeros(len(times), bool)
    thrice[2:] = times[2:] == times[:-2]
    return again & ~thrice & _sunday_night(times, _AUTUMN)


def skipped_hours(times: Times, present: Mask, step: Step) -> Places:
    """The places of gaps of one hour (rows absent, neighbours present) at which daylight-saving time may have begun."""
    if step.months or step.micros > 3_600_000_000 or 3_600_000_000 % step.micros:
        return np.empty(0, np.int64)
    hour = 3_600_000_000 // step.micros
    starts, lengths = runs(~present)
    of_an_hour = starts[(lengths == hour) & (starts > 0)]
    found: Places = of_an_hour[_sunday_night(times[of_an_hour], _SPRING)]
    return found


def runs(mask: Mask) -> tuple[Places, Places]:
    """The first places of the runs of true values, and their lengths."""
    edges = np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8))
    starts = np.flatnonzero(edges == 1)
    return starts, np.flatnonzero(edges == -1) - starts


def gap_sentences(times: Times, places: Places, filled: Mask, step: Step, fill: str) -> list[str]:
    """What is missing between the first and the last time, and how it was filled."""
    present = np.zeros(len(times), bool)
    present[places] = True
    skipped = skipped_hours(times, present, step)
    starts, lengths = runs(~present)
    notes = []
    if len(starts):
        notes.append(_gaps(times, starts, lengths))
    notes += [
        f"{written(times[place])} is missing, as when daylight-saving time begins at that hour."
        for place in skipped.tolist()
    ]
    empty = int((filled & present).sum())
    if empty:
        notes.append(f"{counted(empty, 'row')} {'has' if empty == 1 else 'have'} no target.")
    if filled.any():
        season = str(step.times_longer(step.seasons[0])) if step.seasons else ""
        how = _FILLS[fill].format(season=season) if step.seasons or fill != "season" else _FILLS["last"]
        notes.append(f"What is missing was filled with {how}; windows whose horizon touches it are not scored.")
    return notes


def _gaps(times: Times, starts: Places, lengths: Places) -> str:
    head = f"{int(lengths.sum())} of {len(times):,} steps have no row"
    if len(starts) == 1:
        return f"{head}; the gap begins at {written(times[starts[0]])}."
    longest = sorted(np.argsort(-lengths, kind="stable")[:_SHOWN])
    named = ", ".join(f"{written(times[starts[one]])} ({counted(lengths[one], 'step')})" for one in longest)
    return f"{head}, in {len(starts)} gaps; {'the longest' if len(starts) > _SHOWN else 'they'} begin at {named}."


def counted(count: Any, noun: str) -> str:
    """`1 row`, `3 rows`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def zero_hint(target: Any, missing: int, name: str) -> list[str]:
    """A hint where missing rows may stand for zeros: counts from 1 on, of which some are small, and rows that are missing."""
    known = target[np.isfinite(target)]
    counts = bool(np.all(known == np.round(known))) and float(np.min(known)) == 1 and len(np.unique(known)) > 2
    if missing < _RARE or not counts:
        return []
    return [
        f"{name} counts, is never below 1, and {missing} steps have no row: if these mean that nothing happened, say"
        " --fill zero."
    ]


def calendar_columns(frame: pl.DataFrame, times: Times, names: Sequence[str]) -> dict[str, str]:
    """The columns that follow from a part of the time, such as the weekday, by name, with that part. A part counts where the
    times have at least twice as many of its turns as are needed to tell a rule from chance.
    """
    parts = pl.Series("t", times).dt
    found: dict[str, str] = {}
    names = [name for name in names if frame[name].n_unique() > 1]
    days = int((times[-1] - times[0]).astype("timedelta64[D]").astype(np.int64))
    candidates = {"hour": (parts.hour(), 2), "weekday": (parts.weekday(), 14), "month": (parts.month(), 700)}
    candidates["day of the year"] = (parts.month().cast(pl.Int32) * 32 + parts.day(), 700)
    for part, (values, least) in candidates.items():
        open_names = [name for name in names if name not in found]
        if days >= least and open_names and values.n_unique() > 1:
            most = frame.select(open_names).group_by(values.alias("$part")).agg(pl.col(open_names).n_unique())
            found |= {name: part for name in open_names if most[name].max() == 1}
    return found


def midnight_hint(frame: pl.DataFrame, times: Times, names: Sequence[str], step: Step) -> list[str]:
    """A hint on columns that are the same all day, as calendars are: they may be known ahead."""
    if step.months or 2 * step.micros > _DAY or not names:
        return []
    days = frame.select(names).with_columns(pl.Series("$day", times.astype("datetime64[D]").astype(np.int64)))
    most = days.group_by("$day").agg(pl.col(names).n_unique()).select(pl.col(names).max()).row(0)
    same = [name for name, count in zip(names, most, strict=True) if count == 1 and frame[name].n_unique() > 1]
    if not same:
        return []
    return [
        f"{', '.join(same)} {'is' if len(same) == 1 else 'are'} the same all day: if the days ahead are known, as those of a"
        f" calendar, say --known {quote(','.join(same))}."
    ]
