import numpy as np
import polars as pl
import pytest

from stepwell.data.series.findings import (
    calendar_columns,
    doubled_hours,
    gap_sentences,
    midnight_hint,
    runs,
    skipped_hours,
    zero_hint,
)
from stepwell.data.series.steps import Step

HOUR = Step(3_600_000_000)


def hours(start: str, count: int) -> np.ndarray:
    return np.datetime64(start, "us") + np.arange(count) * np.timedelta64(1, "h")


def test_runs_of_true_values():
    starts, lengths = runs(np.array([1, 1, 0, 0, 1, 0, 1], bool))
    assert (starts.tolist(), lengths.tolist()) == ([0, 4, 6], [2, 1, 1])
    assert runs(np.zeros(3, bool))[0].tolist() == []


@pytest.mark.parametrize(
    ("night", "hour", "found"),
    [
        ("2011-03-13", 2, True),  # in America
        ("2011-03-27", 2, True),  # in Europe
        ("2011-10-02", 2, True),  # in Australia
        ("2011-03-14", 2, False),  # a Monday
        ("2011-06-12", 2, False),  # in June
        ("2011-03-13", 12, False),  # at noon
    ],
)
def test_the_hour_that_clocks_leave_out(night, hour, found):
    present = np.ones(24, bool)
    present[hour] = False
    places = skipped_hours(hours(night, 24), present, HOUR)
    assert places.tolist() == ([hour] if found else [])


def test_four_quarters_are_an_hour_and_longer_gaps_are_none():
    times = np.datetime64("2011-03-13", "us") + np.arange(96) * np.timedelta64(15, "m")
    present = np.ones(96, bool)
    present[8:12] = False
    assert skipped_hours(times, present, Step(900_000_000)).tolist() == [8]
    present[8:16] = False
    assert skipped_hours(times, present, Step(900_000_000)).tolist() == []
    assert skipped_hours(times, present, Step(86_400_000_000)).tolist() == []


def test_the_hour_that_clocks_repeat_but_not_thrice():
    one = np.datetime64("2011-11-06T01", "us")
    assert doubled_hours(np.array([one, one])).tolist() == [False, True]
    assert doubled_hours(np.array([one, one, one])).tolist() == [False, True, False]
    monday = np.datetime64("2011-11-07T01", "us")
    assert doubled_hours(np.array([monday, monday])).tolist() == [False, False]


def test_many_gaps_are_told_by_the_longest():
    present = np.ones(100, bool)
    for start, length in ((5, 1), (20, 7), (40, 2), (60, 3)):
        present[start : start + length] = False
    notes = gap_sentences(hours("2011-06-01", 100), np.flatnonzero(present), ~present, HOUR, "last")
    assert notes[0] == (
        "13 of 100 steps have no row, in 4 gaps; the longest begin at 2011-06-01 20:00 (7 steps), 2011-06-02 16:00"
        " (2 steps), 2011-06-03 12:00 (3 steps)."
    )
    assert notes[1].startswith("What is missing was filled with the last value before")
    months = gap_sentences(hours("2011-06-01", 100), np.flatnonzero(present), ~present, Step(months=1), "season")
    assert "the value 1 year before" in months[1]


def test_missing_rows_that_may_be_zeros():
    assert "--fill zero" in zero_hint(np.array([1.0, 2.0, 3.0]), 5, "cnt")[0]
    assert zero_hint(np.array([0.0, 2.0, 3.0]), 5, "cnt") == []
    assert zero_hint(np.array([1.0, 2.5, 3.0]), 5, "cnt") == []
    assert zero_hint(np.array([1.0, 2.0, 3.0]), 0, "cnt") == []


def test_columns_that_are_the_same_all_day():
    times = hours("2011-06-01", 72)
    frame = pl.DataFrame({"holiday": np.repeat([0, 1, 0], 24), "temp": np.arange(72), "flat": np.zeros(72)})
    hint = midnight_hint(frame, times, frame.columns, HOUR)
    assert hint == [
        "holiday is the same all day: if the days ahead are known, as those of a calendar, say --known holiday."
    ]
    assert midnight_hint(frame, times, ["temp"], HOUR) == []
    assert midnight_hint(frame, times, frame.columns, Step(86_400_000_000)) == []


def test_columns_that_follow_from_the_time():
    times = hours("2011-01-01", 24 * 800)
    day = times.astype("datetime64[D]").astype(int)
    frame = pl.DataFrame(
        {
            "weekday": day % 7,
            "month": times.astype("datetime64[M]").astype(int) % 12,
            "night": np.arange(len(times)) % 24 < 6,
            "temp": np.arange(len(times)) % 1000,
        }
    )
    assert calendar_columns(frame, times, frame.columns) == {"weekday": "weekday", "month": "month", "night": "hour"}
    short = slice(0, 24 * 10)
    assert calendar_columns(frame[short], times[short], frame.columns) == {"night": "hour"}
