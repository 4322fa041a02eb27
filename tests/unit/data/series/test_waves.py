import numpy as np

from stepwell.data.series.steps import Step
from stepwell.data.series.waves import wave_names, waves, waves_of

HOUR, DAY = Step(3_600_000_000), Step(86_400_000_000)


def times(start: str, count: int, unit: str) -> np.ndarray:
    return (np.datetime64(start, unit) + np.arange(count)).astype("datetime64[us]")


def test_circles_that_the_times_span_and_the_step_can_tell_apart():
    assert waves_of(times("2011-01-01", 24 * 400, "h"), HOUR) == ("hour", "weekday", "day of year")
    assert waves_of(times("2011-01-01", 24 * 20, "h"), HOUR) == ("hour", "weekday")
    assert waves_of(times("2011-01-01", 400, "D"), DAY) == ("weekday", "day of year")
    assert waves_of(times("2011-01-01", 40, "M"), Step(months=1)) == ("day of year",)
    assert waves_of(times("1970-01-01", 100_000, "s"), Step(1_000_000)) == ()  # a counter of seconds
    assert waves_of(times("2011-01-01", 0, "h"), HOUR) == ()


def test_noon_midnight_and_weekdays_lie_where_they_should():
    found = waves(np.array(["2011-01-03T00", "2011-01-03T12", "2011-01-10T18"], "datetime64[us]"), ("hour", "weekday"))
    assert np.allclose(found[:, :2], [[0, 1], [0, -1], [-1, 0]], atol=1e-6)
    assert np.allclose(found[:, 2:], [[0, 1]] * 3, atol=1e-6)  # Mondays, all day long
    assert wave_names(("hour",)) == ("hour (sin)", "hour (cos)")
    assert waves(times("2011-01-01", 3, "h"), ()).shape == (3, 0)


def test_the_same_hour_has_the_same_place_and_others_have_not():
    found = waves(times("1969-12-30", 48, "h"), ("hour",))
    assert np.allclose(found[:24], found[24:], atol=1e-6)
    assert len(np.unique(found[:24].round(4), axis=0)) == 24
