import numpy as np
import torch

from stepwell.data.series.lags import flat_windows, lag_table, targets_of
from stepwell.data.series.windows import Windows


def source() -> Windows:
    past = torch.stack([torch.arange(40.0), -torch.arange(40.0)], 1)
    return Windows(past, torch.arange(40.0).unsqueeze(1) / 100, 8, 3)


ROWS = np.array([0, 5, 29])


def test_they_are_what_batches_hold():
    batch = source().batch(torch.from_numpy(ROWS), None)
    assert np.array_equal(targets_of(source(), ROWS), batch.targets.numpy())
    expected = torch.cat([batch.inputs["past"][:, :, 0], batch.inputs["known"].flatten(1)], 1)
    assert np.array_equal(flat_windows(source(), ROWS), expected.numpy())


def test_a_row_for_each_time_ahead():
    table = lag_table(source(), ROWS, (2, 4)).reshape(3, 3, -1)
    ahead, known, *lags, one, two, three, six, mean, other = np.moveaxis(table, -1, 0)
    time = ROWS[:, None] + 8 + np.arange(3)
    assert np.array_equal(ahead, np.tile([0, 1, 2], (3, 1)))
    np.testing.assert_allclose(known, time / 100, rtol=1e-6)
    assert len(lags) == 4  # 2, 4, 6 and 8 steps before
    assert np.array_equal(lags[0], time - np.array([2, 2, 4]))
    assert np.array_equal(lags[3], time - 8)
    assert [float(each[0, 2]) for each in (one, two, three, six)] == [7, 6, 5, 2]
    assert float(mean[0, 1]) == 3.5
    assert float(other[0, 2]) == -7


def test_what_the_window_does_not_hold_is_nan():
    table = lag_table(source(), ROWS, (8,)).reshape(3, 3, -1)
    assert np.array_equal(np.isnan(table[0, :, 2]), [False, False, False])
    wide = lag_table(Windows(torch.zeros(40, 1), torch.zeros(40, 0), 4, 6), np.array([3]), (4,))
    assert np.array_equal(np.isnan(wide[:, 1]), [False, False, False, False, False, False])
    odd = lag_table(Windows(torch.zeros(40, 1), torch.zeros(40, 0), 5, 6), np.array([3]), (3,))
    assert not np.isnan(odd[:, 1]).any()
    assert lag_table(source(), ROWS, ()).shape == (9, 8)
