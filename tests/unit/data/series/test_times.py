from datetime import date, datetime, time, timedelta, timezone

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.core.errors import DataError
from stepwell.data.series.times import parse_times


def parsed(columns: dict[str, list[object]], *names: str) -> list[str]:
    times = parse_times(pl.DataFrame(columns), names or tuple(columns)).times
    return [str(each) for each in times.astype("datetime64[s]")]


@pytest.mark.parametrize(
    ("given_text", "read"),
    [
        ("2011-01-31 13:05", "2011-01-31T13:05:00"),
        ("2011-01-31T13:05:09", "2011-01-31T13:05:09"),
        ("2011-01-31 13:05:09.25", "2011-01-31T13:05:09"),
        (" 2011/01/31 13:05 ", "2011-01-31T13:05:00"),
        ("31.1.2011", "2011-01-31T00:00:00"),
        ("1/31/2011 1:05 PM", "2011-01-31T13:05:00"),
        ("31/1/2011 13:05", "2011-01-31T13:05:00"),
        ("2011-01", "2011-01-01T00:00:00"),
        ("20110131", "2011-01-31T00:00:00"),
        ("2011-01-31T13:05:00Z", "2011-01-31T13:05:00"),
        ("2011-01-31T13:05:00+02:00", "2011-01-31T11:05:00"),
    ],
)
def test_texts_in_many_formats(given_text, read):
    assert parsed({"when": [given_text]}) == [read]


@pytest.mark.parametrize(
    "columns",
    [
        {"day": ["2011-01-31"], "hr": [13]},
        {"day": [date(2011, 1, 31)], "hr": [13.0]},
        {"day": [date(2011, 1, 31)], "clock": ["13:00"]},
        {"day": [date(2011, 1, 31)], "clock": ["1:00 PM"]},
        {"day": [date(2011, 1, 31)], "clock": [time(13)]},
        {"y": [2011], "m": [1], "d": [31], "h": [13]},
        {"day": [20110131], "h": [13]},
        {"s": [1296478800]},
        {"t": [datetime(2011, 1, 31, 13)]},
        {"t": [datetime(2011, 1, 31, 14, tzinfo=timezone(timedelta(hours=1)))]},
    ],
)
def test_columns_of_many_kinds(columns):
    assert parsed(columns) == ["2011-01-31T13:00:00"]


def test_hour_24_is_the_next_midnight_and_years_are_years():
    assert parsed({"day": ["2011-01-31"], "hr": [24]}) == ["2011-02-01T00:00:00"]
    assert parsed({"year": [1999, 2000]}) == ["1999-01-01T00:00:00", "2000-01-01T00:00:00"]


def test_of_two_formats_the_one_in_which_times_rise_evenly():
    days_first = [f"{day}/1/2011" for day in range(1, 12)]
    assert parsed({"t": days_first})[-1] == "2011-01-11T00:00:00"
    months_first = [f"1/{day}/2011" for day in range(1, 12)]
    assert parsed({"t": months_first})[-1] == "2011-01-11T00:00:00"


def test_a_format_that_is_given_is_kept():
    found = parse_times(pl.DataFrame({"t": [f"{day}/1/2011" for day in range(1, 12)]}), ["t"])
    again = parse_times(pl.DataFrame({"t": ["1/2/2011"]}), ["t"], text=found.text)
    assert str(again.times[0].astype("datetime64[D]")) == "2011-02-01"
    assert found.notes == ("The times of 't' were read as day/month/year.",)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1)), min_size=1, max_size=20))
def test_iso_texts_come_back(times):
    texts = [f"{each:%Y-%m-%d %H:%M:%S}".rjust(19, "0") for each in times]
    assert parsed({"t": texts}) == [each.replace(" ", "T") for each in texts]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"t": ["2011-01-01", "soon"]}, "row 1, column 't': 'soon' is no time, as year-month-day is"),
        ({"t": ["never", "soon"]}, "row 0, column 't': 'never' is no time"),
        ({"t": ["2011-01-01", None]}, "row 1, column 't': is empty"),
        ({"t": [1.0, float("nan")]}, "row 1, column 't': nan is no time"),
        ({"d": ["2011-01-01"] * 2, "h": [3, 25]}, r"row 1, column 'h': 25 is no hour \(0 to 23\)"),
        ({"d": ["2011-01-01"] * 2, "h": ["3:00", "x"]}, "row 1, column 'h': 'x' is no time of day and no hour"),
        ({"y": [2011], "m": [2], "d": [30]}, "row 0, column 'd': 30 gives no date of the calendar"),
        ({"y": [2011], "m": [13], "d": [1]}, "column 'd': 1 gives no date of the calendar"),
    ],
)
def test_what_is_no_time_is_named(columns, said):
    with pytest.raises(DataError, match=said):
        parse_times(pl.DataFrame(columns), list(columns))


def test_unknown_and_no_columns():
    frame = pl.DataFrame({"dteday": ["2011-01-01"], "hr": [0]})
    with pytest.raises(
        DataError, match="no column 'hour' to take the time from; there are dteday, hr. Did you mean 'hr'"
    ):
        parse_times(frame, ["dteday", "hour"])
    with pytest.raises(DataError, match="--time COLUMN"):
        parse_times(frame, [])


def test_the_place_is_the_files():
    with pytest.raises(DataError, match="^bikes.csv, line 3, column 't'"):
        parse_times(pl.DataFrame({"t": ["2011-01-01", "x"]}), ["t"], lambda row: f"bikes.csv, line {row + 2}")


def test_notes_say_how_numbers_and_zones_were_read():
    assert "seconds since 1970" in parse_times(pl.DataFrame({"t": [0, 60]}), ["t"]).notes[0]
    assert "taken to UTC" in parse_times(pl.DataFrame({"t": ["2011-01-31T13:05:00+02:00"]}), ["t"]).notes[0]
    assert parse_times(pl.DataFrame({"t": [0.5]}), ["t"]).times[0] == np.datetime64("1970-01-01T00:00:00.5")
