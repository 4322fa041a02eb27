import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.core.errors import DataError
from stepwell.data.series.steps import Step, check_regular, find_step, written
from stepwell.data.series.times import row_place

HOUR = 3_600_000_000
DAY = 24 * HOUR


def times(*texts: str) -> np.ndarray:
    return np.array(texts, "datetime64[us]")


@pytest.mark.parametrize(
    ("given_times", "step", "ahead", "seasons"),
    [
        (times("2011-01-01T00", "2011-01-01T01", "2011-01-01T03", "2011-01-01T04"), "1 hour", "+3 h", (24, 168, 8736)),
        (times("2011-01-01T00:15", "2011-01-01T00:30"), "15 minutes", "+45 min", (96, 672, 34944)),
        (times("2011-01-01", "2011-01-02"), "1 day", "+3 d", (7, 364)),
        (times("2011-01-01", "2011-01-08"), "1 week", "+3 w", (52,)),
        (times("2011-01-31", "2011-02-28", "2011-03-31"), "1 month", "+3 mo", (12,)),
        (times("2011-01-01", "2011-04-01", "2011-07-01"), "3 months", "+9 mo", (4,)),
        (times("2011-01-01", "2012-01-01", "2013-01-01"), "1 year", "+3 y", ()),
        (times("1970-01-01T00:00:00", "1970-01-01T00:00:07"), "7 seconds", "+21 s", (86_400, 4_492_800)),
    ],
)
def test_the_step_is_found_and_told(given_times, step, ahead, seasons):
    found = find_step(given_times)
    assert (str(found), found.ahead(3)) == (step, ahead)
    assert found.seasons == seasons
    assert Step.from_json(found.to_json()) == found


@given(
    st.sampled_from([Step(HOUR), Step(15 * 60_000_000), Step(DAY), Step(7 * DAY), Step(months=1), Step(months=12)]),
    st.sampled_from(["2011-01-01", "2011-01-31", "2012-02-29", "2011-06-30", "2011-03-13T02:00", "1969-07-20T20:17"]),
    st.lists(st.integers(0, 400), min_size=2, max_size=30, unique=True),
)
def test_places_and_times_are_each_others_way_back(step, start, places):
    first = np.datetime64(start, "us")
    there = step.times(first, np.array(sorted(places)))
    assert step.places(there, first).tolist() == sorted(places)
    assert (np.diff(there.astype(np.int64)) > 0).all()


def test_months_ends_stay_months_ends():
    made = Step(months=1).times(np.datetime64("2011-02-28", "us"), np.arange(3))
    assert [written(each) for each in made] == ["2011-02-28", "2011-03-31", "2011-04-30"]


def test_one_time_alone_has_no_step():
    with pytest.raises(DataError, match="at least two different times; there are 1"):
        find_step(times("2011-01-01", "2011-01-01"))


def test_times_beside_the_grid():
    step, start = Step(HOUR), np.datetime64("2011-01-01", "us")
    near = times("2011-01-01T00:00", "2011-01-01T01:05")
    assert check_regular(near, step.places(near, start), start, step, row_place) == 1
    far = times("2011-01-01T00:00", "2011-01-01T01:20")
    with pytest.raises(
        DataError, match="row 1: the time 2011-01-01 01:20 is no whole number of steps after 2011-01-01"
    ):
        check_regular(far, step.places(far, start), start, step, row_place)


def test_times_as_people_write_them():
    assert written(np.datetime64("2011-01-01T00:00:00", "us")) == "2011-01-01"
    assert written(np.datetime64("2011-01-01T07:30:00", "us")) == "2011-01-01 07:30"
    assert written(np.datetime64("2011-01-01T07:30:01", "us")) == "2011-01-01 07:30:01"
