import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.data.series.naive import autocorrelation, find_period, naive, seasonal_naive
from stepwell.data.series.steps import Step

HOUR, DAY, YEAR = Step(3_600_000_000), Step(86_400_000_000), Step(months=12)


def test_autocorrelation_is_numpys():
    values = np.random.default_rng(0).normal(size=60).cumsum()
    centred = values - values.mean()
    expected = np.correlate(centred, centred, "full")[59:89] / (centred @ centred)
    np.testing.assert_allclose(autocorrelation(values), expected, atol=1e-12)
    assert autocorrelation(np.ones(10)).tolist() == [0] * 5


def test_the_day_or_the_week_of_hours():
    time = np.arange(24 * 70)
    noise = np.random.default_rng(0).normal(size=len(time)) / 5
    day = np.sin(2 * np.pi * time / 24)
    assert find_period(day + noise, HOUR) == 24
    workday = (time // 24) % 7 < 5
    assert find_period(day * workday + noise, HOUR) == 168


def test_a_period_that_no_calendar_has():
    time = np.arange(300)
    assert find_period(np.sin(2 * np.pi * time / 11) + np.random.default_rng(0).normal(size=300) / 5, YEAR) == 11


def test_no_period_in_noise_nor_in_a_constant():
    assert find_period(np.random.default_rng(1).normal(size=4000), Step(months=12)) == 1
    assert find_period(np.ones(100), DAY) == 1
    assert find_period(np.arange(3), DAY) == 1


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 20), st.integers(1, 30), st.lists(st.integers(20, 60), min_size=1, max_size=5))
def test_the_same_time_so_many_periods_before(period, horizon, first):
    values = np.arange(100.0)
    found = seasonal_naive(values, np.array(first), horizon, period)
    for row, start in enumerate(first):
        for ahead in range(horizon):
            place = int(found[row, ahead])
            assert place < start  # known when the forecast is made
            assert (start + ahead - place) % period == 0
            assert start - place <= period  # and the latest of these


def test_the_last_value():
    assert naive([3.0, 1.0, 4.0, 1.0, 5.0], np.array([2, 5]), 2).tolist() == [[1.0, 1.0], [5.0, 5.0]]
