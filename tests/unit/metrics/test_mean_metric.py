import math

import pytest
import torch

from stepwell.metrics import Mean

CPU = torch.device("cpu")


def test_batches_weigh_as_many_as_their_rows() -> None:
    mean, rows = Mean(), torch.tensor([1.0, 2.0, 3.0, 10.0])
    by_batch, by_row = mean.zero(CPU), mean.zero(CPU)
    mean.update(by_batch, rows[:3].mean(), weight=3)
    mean.update(by_batch, rows[3:].mean(), weight=1)
    mean.update(by_row, rows)
    assert mean.compute(by_batch) == mean.compute(by_row) == 4.0


def test_parts_merge() -> None:
    mean, parts = Mean(), [Mean().zero(CPU) for _ in range(3)]
    mean.update(parts[0], torch.tensor([1, 2]))
    mean.update(parts[1], torch.tensor(9.0), weight=0.5)
    assert mean.compute(mean.merge(torch.stack(parts))) == pytest.approx(7.5 / 2.5, rel=1e-15)


def test_nothing_has_no_mean() -> None:
    state = Mean().zero(CPU)
    Mean().update(state, torch.empty(0))
    assert math.isnan(Mean().compute(state))


def test_a_loss_that_is_nan_shows() -> None:
    state = Mean().zero(CPU)
    Mean().update(state, torch.tensor([1.0, math.nan]))
    assert math.isnan(Mean().compute(state))


def test_long_sums_keep_small_numbers() -> None:
    """In float32, adding 1 to 2**24 changes nothing."""
    state = Mean().zero(CPU)
    Mean().update(state, torch.tensor([2.0**24, 1.0, 1.0]))
    assert state.tolist() == [2.0**24 + 2, 3]


def test_neither_graph_nor_device_number_is_kept() -> None:
    state = Mean().zero(CPU)
    Mean().update(state, torch.ones(2, requires_grad=True) * 2, weight=2)
    assert not state.requires_grad
    Mean().update(Mean().zero(torch.device("meta")), torch.ones((), device="meta"), weight=3)
