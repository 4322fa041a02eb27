import numpy as np
import torch

from stepwell.data.series.lags import targets_of
from stepwell.data.series.rivals import boosted, linear, thinned
from stepwell.data.series.windows import Windows


def source() -> Windows:
    time = torch.arange(600.0)
    past = torch.stack([torch.sin(time / 12 * 2 * torch.pi) * 5 + time / 100, time], 1)
    return Windows(past, torch.empty(600, 0), 24, 6)


def test_a_line_and_a_wave_are_forecast_by_ridge_regression():
    train, rows = np.arange(400), np.arange(450, 500)
    errors = linear(source(), train, rows) - targets_of(source(), rows)
    assert errors.shape == (50, 6)
    assert np.abs(errors).max() < 0.1


def test_gradient_boosting_follows_the_wave():
    train, rows = np.arange(400), np.arange(380, 420)
    errors = boosted(source(), train, rows, (12,)) - targets_of(source(), rows)
    assert np.abs(errors).mean() < 0.5


def test_rows_are_thinned_evenly():
    assert thinned(np.arange(10), 5).tolist() == [0, 2, 4, 6, 8]
    assert thinned(np.arange(10), 4.5).tolist() == [0, 3, 6, 9]
    assert thinned(np.arange(10), 100).tolist() == list(range(10))
