import datetime as dt

import numpy as np
import polars as pl
import pytest

from stepwell.core.errors import DataError
from stepwell.data.tables.calendar import Calendar, as_times
from stepwell.data.tables.encoder import Noted

START = dt.datetime(2024, 1, 1)  # a Monday


def times(count, step, name="t") -> pl.Series:
    return pl.Series(name, [START + i * step for i in range(count)])


def fitted(values) -> Calendar:
    return Calendar.fit(values, Noted())


def feature(calendar, values, name) -> np.ndarray:
    return calendar.encode(values, Noted())[:, calendar.names.index(name)]


HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)


@pytest.mark.parametrize(
    ("count", "step", "periods"),
    [
        (24, HOUR, ("hour",)),
        (24 * 7, HOUR, ("hour", "weekday")),
        (24 * 365, HOUR, ("hour", "weekday", "day of year")),
        (731, DAY, ("weekday", "day of year")),
        (60, 7 * DAY, ("day of year",)),
        (30, DAY, ("weekday",)),
        (5, HOUR, ()),
    ],
)
def test_periods_are_those_that_vary_and_are_spanned(count, step, periods):
    assert fitted(times(count, step)).periods == periods


def test_places_lie_on_circles():
    hours = times(24 * 7, HOUR)
    calendar = fitted(hours)
    at = np.arange(24 * 7)
    np.testing.assert_allclose(feature(calendar, hours, "t hour (sin)"), np.sin(2 * np.pi * at / 24), atol=1e-6)
    np.testing.assert_allclose(feature(calendar, hours, "t hour (cos)"), np.cos(2 * np.pi * at / 24), atol=1e-6)
    weekday = feature(calendar, hours, "t weekday (sin)")
    np.testing.assert_allclose(weekday, np.sin(2 * np.pi * (at // 24) / 7), atol=1e-6)


def test_the_trend_is_the_standardised_day():
    days = times(11, DAY)
    at = np.arange(11)
    np.testing.assert_allclose(feature(fitted(days), days, "t trend"), (at - 5) / at.std(), rtol=1e-6)


def test_dates_texts_and_times_of_day_are_times():
    days = times(10, DAY)
    calendar = fitted(days)
    expected = calendar.encode(days, Noted())
    for same in (days.cast(pl.Date), days.dt.to_string("%Y-%m-%d"), days.dt.replace_time_zone("UTC")):
        np.testing.assert_array_equal(calendar.encode(same, Noted()), expected)
    clock = pl.Series("t", [dt.time(hour) for hour in range(24)])
    assert fitted(clock).periods == ("hour",)


def test_missing_times_are_zeros_with_a_feature_of_their_own():
    values = times(10, DAY).scatter(3, None)
    calendar = fitted(values)
    coded = calendar.encode(values, Noted())
    assert calendar.names[-1] == "t is missing"
    assert coded[3].tolist() == [0] * (len(calendar.names) - 1) + [1]
    assert coded[:, -1].sum() == 1
    noted = Noted()
    fitted(times(10, DAY)).encode(values, noted)
    assert noted.notes == ["t: 1 row has no time, which no training row lacked"]


def test_all_times_missing_are_zeros():
    nothing = pl.Series("t", [None, None], dtype=pl.Date)
    calendar = fitted(nothing)
    assert calendar.encode(nothing, Noted()).tolist() == [[0, 1], [0, 1]]
    assert calendar.encode(pl.Series("t", [None]), Noted()).tolist() == [[0, 1]]


def test_times_far_outside_are_noted():
    noted = Noted()
    fitted(times(10, DAY)).encode(pl.Series("t", [START + 12 * DAY, START + 400 * DAY]), noted)
    assert noted.notes == ["t: 1 row has a time far outside that of the training rows, 2024-01-01 to 2024-01-10"]


def test_text_that_is_no_time_is_refused_with_its_line():
    values = pl.Series("t", ["2024-01-01", None, "soon"])
    with pytest.raises(DataError, match="Column 't' has 'soon' in line 4, which is no date or time. Write them all as"):
        as_times(values, Noted(lambda row: row + 2))
    with pytest.raises(DataError, match="'tomorrow' in row 0"):
        as_times(pl.Series("t", ["tomorrow"]), Noted())


def test_numbers_are_no_times():
    with pytest.raises(DataError, match="Column 't' holds Int64, and no dates or times"):
        as_times(pl.Series("t", [1, 2]), Noted())


def test_texts_are_read_as_in_training_and_no_other_format_is_guessed():
    american = Calendar.fit(pl.Series("day", [f"{1 + i // 28:02}/{1 + i % 28:02}/2024" for i in range(300)]), Noted())
    iso = fitted(times(300, DAY, "day"))
    assert american.text == "%m/%d/%Y"
    second = american.encode(pl.Series("day", ["01/02/2024"]), Noted())
    np.testing.assert_array_equal(american.encode(pl.Series("day", ["2024-01-02"]), Noted()), second)
    with pytest.raises(DataError, match="'01/02/2024' in row 0, which is no date.*2024-01-31 17:05.$"):
        iso.encode(pl.Series("day", ["01/02/2024"]), Noted())
    with pytest.raises(DataError, match="or as in training, month/day/year"):
        american.encode(pl.Series("day", ["31.12.2024"]), Noted())
