from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.core.errors import DataError
from stepwell.data.series.timeline import true_calendar

START = datetime(2011, 3, 1)


def hours(count: int, start: datetime = START) -> pl.DataFrame:
    """`count` hours with the target 0, 1, 2, …, and a column of text."""
    times = [start + timedelta(hours=hour) for hour in range(count)]
    texts = [f"text {hour}" for hour in range(count)]
    return pl.DataFrame({"t": times, "y": np.arange(count, dtype=np.float64), "kind": texts})


def without(frame: pl.DataFrame, *rows: int) -> pl.DataFrame:
    return frame.with_row_index().filter(~pl.col("index").is_in(rows)).drop("index")


def test_regular_rows_stay_as_they_are():
    frame = hours(60)
    line = true_calendar(frame, ["t"], "y")
    assert line.frame.equals(frame)
    assert not line.filled.any()
    assert line.notes == ()
    assert (str(line.step), len(line)) == ("1 hour", 60)
    assert line.times.tolist() == frame["t"].to_list()


@settings(max_examples=50, deadline=None)
@given(st.sets(st.integers(25, 58), max_size=15), st.randoms(use_true_random=False))
def test_any_rows_dropped_and_shuffled_come_back_marked(dropped, random):
    rows = [row for row in range(60) if row not in dropped]
    random.shuffle(rows)
    line = true_calendar(hours(60)[rows], ["t"], "y")
    assert np.flatnonzero(line.filled).tolist() == sorted(dropped)
    assert line.times.tolist() == hours(60)["t"].to_list()
    values = line.frame["y"].to_numpy()
    expected = np.arange(60.0)
    for row in sorted(dropped):
        expected[row] = expected[row - 24]
    assert values.tolist() == expected.tolist()


def test_nothing_is_filled_from_the_future():
    """A change of later rows changes no earlier step."""
    frame = without(hours(60), 30, 31, 45)
    other = frame.with_columns(pl.when(pl.col("t") >= START + timedelta(hours=46)).then(-1.0).otherwise("y").alias("y"))
    one, two = (true_calendar(each, ["t"], "y").frame["y"][:46].to_list() for each in (frame, other))
    assert one == two


@pytest.mark.parametrize(("fill", "value"), [("season", 6.0), ("last", 29.0), ("zero", 0.0)])
def test_ways_to_fill(fill, value):
    line = true_calendar(without(hours(60), 30, 31), ["t"], "y", fill=fill)
    assert line.frame["y"][30] == value
    assert line.frame["kind"][30:32].to_list() == ["text 29", "text 29"]
    assert line.notes[0] == "2 of 60 steps have no row; the gap begins at 2011-03-02 06:00."
    assert "windows whose horizon touches it are not scored" in line.notes[1]


def test_a_missing_target_is_filled_and_marked():
    frame = hours(60).with_columns(pl.when(pl.col("y") == 30).then(None).otherwise("y").alias("y"))
    line = true_calendar(frame, ["t"], "y")
    assert np.flatnonzero(line.filled).tolist() == [30]
    assert line.notes[0] == "1 row has no target."


def test_unsorted_rows_are_sorted_and_told():
    line = true_calendar(hours(60)[[1, 0, *range(2, 60)]], ["t"], "y")
    assert line.frame["y"].is_sorted()
    assert line.notes == ("The rows were not in the order of time (row 1 is the first out of it); they were sorted.",)


def test_times_that_occur_twice_are_refused_or_averaged():
    twice = pl.concat([hours(60), hours(60)[[7]].with_columns(y=pl.lit(9.0))])
    with pytest.raises(DataError, match=r"row 60: the time 2011-03-01 07:00 occurs again, with another y; 1 row is so"):
        true_calendar(twice, ["t"], "y")
    line = true_calendar(twice, ["t"], "y", duplicates="mean")
    assert (len(line), line.frame["y"][7], line.frame["kind"][7]) == (60, 8.0, "text 7")
    assert "1 row repeats a time with another value; they were averaged." in line.notes


def test_rows_that_repeat_themselves_are_taken_once():
    line = true_calendar(pl.concat([hours(60), hours(60)[[7, 8]]]), ["t"], "y")
    assert line.frame["y"].to_list() == list(range(60))
    assert "2 rows repeat a time and its value; each was taken once." in line.notes


def test_the_hour_that_clocks_leave_out_is_told_and_filled():
    frame = without(hours(400), 24 * 12 + 2)  # 13 March 2011, a Sunday, 02:00
    line = true_calendar(frame, ["t"], "y")
    assert "2011-03-13 02:00 is missing, as when daylight-saving time begins at that hour." in line.notes
    assert line.filled.sum() == 1


def test_the_hour_that_clocks_repeat_is_averaged_whatever_is_said_of_duplicates():
    frame = hours(400, datetime(2011, 10, 25))
    night = 24 * 12 + 1  # 6 November 2011, a Sunday, 01:00
    frame = pl.concat([frame[: night + 1], frame[[night]].with_columns(y=pl.lit(0.0)), frame[night + 1 :]])
    line = true_calendar(frame, ["t"], "y")
    assert "2011-11-06 01:00 occurs twice, as when daylight-saving time ends; the two were averaged." in line.notes
    assert line.frame["y"][night] == night / 2
    assert not line.filled.any()


def test_months_with_a_gap():
    months = [datetime(1949 + at // 12, at % 12 + 1, 1) for at in range(30) if at != 20]
    line = true_calendar(pl.DataFrame({"t": months, "y": [at for at in range(30) if at != 20]}), ["t"], "y")
    assert (str(line.step), len(line), line.frame["y"][20]) == ("1 month", 30, 8.0)


def test_dates_and_hours_in_two_columns():
    frame = hours(60).select(day=pl.col("t").dt.date(), hr=pl.col("t").dt.hour(), y="y")
    assert true_calendar(frame, ["day", "hr"], "y").times.tolist() == hours(60)["t"].to_list()


def test_hours_and_targets_with_leading_zeros():
    frame = hours(60).select(
        day=pl.col("t").dt.date(),
        hr=pl.col("t").dt.strftime("%H"),
        y=pl.col("y").cast(pl.Int64).cast(pl.String).str.zfill(4),
    )
    line = true_calendar(frame, ["day", "hr"], "y")
    assert line.times.tolist() == hours(60)["t"].to_list()
    assert line.frame["y"].to_list() == hours(60)["y"].to_list()


@pytest.mark.parametrize(
    ("frame", "target", "said"),
    [
        (hours(60), "z", "no column 'z' to forecast"),
        (hours(60), "kind", "'kind' is String, and a forecast is of numbers"),
        (hours(60).with_columns(y=pl.lit(None, pl.Float64)), "y", "no value in any of 60 rows"),
        (hours(60).with_columns(y=pl.lit(None, pl.String)), "y", "no value in any of 60 rows"),
        (hours(60).with_columns(y=pl.lit("2,339,000")), "y", "of numbers.* '2,339,000' may be a number"),
        (hours(60)[:1], "y", "at least two different times"),
        (without(hours(60), *range(3, 58)), "y", "there are 60 steps of 1 hour, but only 5 rows"),
    ],
)
def test_what_is_no_series(frame, target, said):
    with pytest.raises(DataError, match=said):
        true_calendar(frame, ["t"], target)
