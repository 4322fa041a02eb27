import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from stepwell.metrics import MAE, R2, RMSE, Metric

CPU = torch.device("cpu")


def number(metric: Metric, predicted: torch.Tensor, truth: torch.Tensor, size: int | None = None) -> float:
    state = metric.zero(CPU)
    for batch in zip(predicted.split(size or len(truth)), truth.split(size or len(truth)), strict=True):
        metric.update(state, *batch)
    (answer,) = metric.compute(state).values()
    return answer


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 80), st.integers(1, 90), st.integers(1, 3), st.integers(0, 2**31))
def test_equal_scikit_learn_in_any_batches(rows: int, size: int, width: int, seed: int) -> None:
    predicted, truth = torch.randn(2, rows, width, generator=torch.Generator().manual_seed(seed)) * 7
    flat, wanted = predicted.double().ravel().numpy(), truth.double().ravel().numpy()
    assert number(MAE(), predicted, truth, size) == pytest.approx(mean_absolute_error(wanted, flat), rel=1e-12)
    assert number(RMSE(), predicted, truth, size) == pytest.approx(root_mean_squared_error(wanted, flat), rel=1e-12)
    r2 = r2_score(wanted, flat)
    assert 1 - number(R2(), predicted, truth, size) == pytest.approx(1 - r2, rel=1e-10)


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_r2_keeps_a_small_spread_far_from_zero(size: int) -> None:
    """A sum of squares of 1e8 rounds by two whole units; the spread here is a hundredth."""
    spread = torch.randn(1000, generator=torch.Generator().manual_seed(3), dtype=torch.float64) / 100
    truth = 1e8 + spread
    predicted = truth + 0.001
    # What float64 holds of the targets is exact again once the shift is taken off.
    wanted = r2_score((truth - 1e8).numpy(), (predicted - 1e8).numpy())
    # A batch's mean is known to half a unit in the last place, 7e-9: 7e-7 of the spread, and its square in the sum.
    assert 1 - number(R2(), predicted, truth, size) == pytest.approx(1 - wanted, rel=1e-6)
    naive = 1 - ((predicted - truth) ** 2).sum() / ((truth**2).sum() - truth.sum() ** 2 / 1000)
    assert abs(1 - float(naive) - (1 - wanted)) > 1e-3 * (1 - wanted), "the case no longer tells the rules apart"


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e8 + 1 / 3, -7e-9])
@pytest.mark.parametrize("sizes", [[1], [49], [3, 49, 100], [1] * 60, [97, 1, 1000, 5]])
def test_constant_targets_have_no_r2(constant: float, sizes: list[int]) -> None:
    """Not even through the rounding of a mean, which would make it a large negative number."""
    states = []
    whole = R2().zero(CPU)
    for size in sizes:
        truth = torch.full((size,), constant, dtype=torch.float64)
        R2().update(whole, truth + 1, truth)
        states.append(R2().zero(CPU))
        R2().update(states[-1], truth + 1, truth)
    for state in (whole, R2().merge(torch.stack([R2().zero(CPU), *states]))):
        assert math.isnan(R2().compute(state)["r2"])


def test_a_perfect_prediction() -> None:
    truth = torch.tensor([1.0, 2.0, 4.0])
    assert [number(metric, truth, truth) for metric in (MAE(), RMSE(), R2())] == [0.0, 0.0, 1.0]


@pytest.mark.parametrize("metric", [MAE(), RMSE(), R2()])
def test_nan_shows(metric: Metric) -> None:
    assert math.isnan(number(metric, torch.tensor([1.0, math.nan, 2.0]), torch.tensor([1.0, 2.0, 3.0])))


def test_short_floats_do_not_overflow() -> None:
    """The square of an error of 300 is infinite in float16."""
    truth = torch.zeros(2, dtype=torch.float16)
    assert number(RMSE(), truth + 300, truth) == 300.0


def test_merging_many_r2_states_equals_numpy() -> None:
    truth = torch.arange(1000, dtype=torch.float64) ** 2  # parts with very different means
    states = []
    for part in truth.split(37):
        states.append(R2().zero(CPU))
        R2().update(states[-1], part + 1, part)
    count, mean, spread, error = R2().merge(torch.stack(states)).tolist()
    assert (count, error) == (1000, 1000.0)
    assert mean == pytest.approx(np.mean(truth.numpy()), rel=1e-14)
    assert spread == pytest.approx(np.var(truth.numpy()) * 1000, rel=1e-13)
