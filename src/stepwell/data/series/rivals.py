"""Simple models that learn to forecast: what a network for series has to be better than."""

from collections.abc import Sequence

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge

from stepwell.data.series.lags import flat_windows, lag_table, targets_of
from stepwell.data.series.naive import Doubles, Rows
from stepwell.data.series.windows import Windows

_MOST_VALUES = 2e7  # of a training table
_BOOSTED_ROWS = 100_000  # times ahead that gradient boosting learns from, and is asked for at once


def thinned(rows: Rows, most: float) -> Rows:
    """At most so many of the rows, evenly spaced."""
    return rows[:: max(1, -(-len(rows) // max(int(most), 1)))]


def linear(source: Windows, train: Rows, rows: Rows) -> Doubles:
    """Forecasts of some rows, `(rows, H)`, by ridge regression on the window and what is known ahead, fitted to others."""
    train = thinned(train, _MOST_VALUES / (source.window + source.horizon * source.known.shape[1]))
    model = Ridge(1.0).fit(flat_windows(source, train).astype(np.float64), targets_of(source, train))
    found: Doubles = model.predict(flat_windows(source, rows))
    return found.reshape(len(rows), source.horizon)


def boosted(source: Windows, train: Rows, rows: Rows, seasons: Sequence[int]) -> Doubles:
    """Forecasts of some rows, `(rows, H)`, by scikit-learn's gradient boosting, with its defaults, on `lag_table` of others.

    It learns from at most 100,000 times ahead, of windows that are evenly spaced.
    """
    train = thinned(train, _BOOSTED_ROWS / source.horizon)
    model = HistGradientBoostingRegressor(random_state=0)
    model.fit(lag_table(source, train, seasons), targets_of(source, train).reshape(-1))
    parts = np.array_split(rows, max(1, len(rows) * source.horizon // _BOOSTED_ROWS))
    found = np.concatenate([model.predict(lag_table(source, part, seasons)) for part in parts])
    return found.reshape(len(rows), source.horizon)
