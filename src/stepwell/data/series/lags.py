"""Windows as tables: a row for each window, or for each time ahead, of values some steps before; for simple models."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from stepwell.data.series.windows import Windows

Floats = np.ndarray[Any, np.dtype[np.float32]]
Rows = np.ndarray[Any, np.dtype[np.int64]]

_RECENT = (1, 2, 3, 6)
_MOST_SEASONS = 14


def targets_of(source: Windows, rows: Rows) -> Floats:
    """The values to forecast: `(rows, H)`."""
    series = source.past[:, 0].numpy()
    return np.ascontiguousarray(sliding_window_view(series, source.horizon)[rows + source.window])


def flat_windows(source: Windows, rows: Rows) -> Floats:
    """Each window's values of the target, then what is known ahead: `(rows, W + H·K)`."""
    series, known = source.past[:, 0].numpy(), source.known.numpy()
    past = sliding_window_view(series, source.window)[rows]
    ahead = known[rows[:, None] + source.window + np.arange(source.horizon)].reshape(len(rows), -1)
    return np.concatenate([past, ahead], 1)


def lag_table(source: Windows, rows: Rows, seasons: Sequence[int]) -> Floats:
    """A row for each time ahead, `(rows · H, features)`: how far ahead it is, what is known of it, the values of the same time
    one, two, three … shortest seasons before, the last values, the mean of the window, and the last of each other channel.

    Values from before the window are NaN.
    """
    past, known = source.past.numpy(), source.known.numpy()
    window, ahead = source.window, np.arange(source.horizon)
    first = rows[:, None] + window  # (n, 1)
    shape = (len(rows), len(ahead))
    series = past[:, 0]
    columns = [np.broadcast_to(ahead, shape).astype(np.float32)]
    columns += [known[first + ahead, channel] for channel in range(known.shape[1])]
    columns += [_lagged(series, first, ahead, lag, window) for lag in _lags(seasons, window)]
    each = [series[first - lag] for lag in _RECENT if lag <= window]
    each.append(sliding_window_view(series, window)[rows].mean(1, keepdims=True))
    each += [past[first - 1, channel] for channel in range(1, past.shape[1])]
    columns += [np.broadcast_to(column, shape) for column in each]
    return np.stack(columns, -1, dtype=np.float32).reshape(-1, len(columns))


def _lags(seasons: Sequence[int], window: int) -> list[int]:
    """The shortest season and its multiples that fit the window."""
    season = min(seasons, default=0)
    return [season * count for count in range(1, min(window // season, _MOST_SEASONS) + 1)] if season else []


def _lagged(series: Any, first: Any, ahead: Any, lag: int, window: int) -> Any:
    """The values `lag` steps before each time ahead, or as many more seasons of it as are needed to be known."""
    before = lag * (ahead // lag + 1) - ahead
    values = series[np.maximum(first - before, 0)]
    return np.where(before <= window, values, np.nan)
