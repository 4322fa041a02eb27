"""Forecasts that learn nothing: the last value, and the value of the same time a season ago."""

from typing import Any

import numpy as np

from stepwell.data.series.steps import Step

Doubles = np.ndarray[Any, np.dtype[np.float64]]
Rows = np.ndarray[Any, np.dtype[np.int64]]

_CLEARLY = 0.1


def autocorrelation(values: Any) -> Doubles:
    """The correlation of a series with itself, moved by 0 to half its length; the same scale for all lags, so that long
    ones, which few values support, count less. Zeros for a constant series.
    """
    centred = np.asarray(values, np.float64) - np.mean(values)
    size = 2 ** int(np.ceil(np.log2(max(2 * len(centred), 2))))
    power = np.abs(np.fft.rfft(centred, size)) ** 2
    found = np.fft.irfft(power, size)[: max(len(centred) // 2, 1)]
    return found / found[0] if found[0] > 0 else np.zeros_like(found)


def find_period(values: Any, step: Step) -> int:
    """The period of a series in steps: the one of a day, a week and a year that has the highest autocorrelation; where that
    of another lag is clearly higher, after the first fall, that lag; 1 where none is above chance.

    `values` are those of the training side, at least two periods.
    """
    found = autocorrelation(values)
    best = max((season for season in step.seasons if season < len(found)), key=lambda lag: float(found[lag]), default=0)
    below = np.flatnonzero(found < 0)
    other = int(below[0] + np.argmax(found[below[0] :])) if len(below) else 0
    if other and found[other] > (found[best] if best else 0.0) + _CLEARLY:
        best = other
    count = max(len(values), 2)
    chance = (1 + np.sqrt(2 * np.log(count))) / np.sqrt(
        count
    )  # the largest of so many correlations of noise, and one more
    return best if best and found[best] > chance else 1


def seasonal_naive(values: Any, first: Rows, horizon: int, period: int) -> Doubles:
    """The values of the same times one period before, or as many as are needed to be known: `(rows, horizon)`.

    `values` `(T,)` is the whole series; `first` are the steps at which each horizon begins, none before `period`.
    """
    ahead = np.arange(horizon)
    found: Doubles = np.asarray(values, np.float64)[first[:, None] + ahead - period * (ahead // period + 1)]
    return found


def naive(values: Any, first: Rows, horizon: int) -> Doubles:
    """The last known value for every step of the horizon: `(rows, horizon)`."""
    return seasonal_naive(values, first, horizon, 1)
