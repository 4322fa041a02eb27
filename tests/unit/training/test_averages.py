"""Moving averages."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from stepwell.core.errors import TrainingError
from stepwell.training.averages import adapted_gradients, average_age, beta_of, ewma

VALUES = torch.tensor([5.0, 3.0, 8.0, 1.0], dtype=torch.float64)


def test_is_the_recurrence():
    average, expected = 0.0, []
    for value in VALUES.tolist():
        average = 0.9 * average + 0.1 * value
        expected.append(average)
    torch.testing.assert_close(ewma(VALUES, 0.9), torch.tensor(expected, dtype=torch.float64))


def test_corrected_begins_with_the_first_value_and_is_a_weighted_mean():
    found = ewma(VALUES, 0.9, corrected=True)
    assert found[0] == VALUES[0]
    weights = 0.9 ** torch.arange(3, -1, -1, dtype=torch.float64)
    torch.testing.assert_close(found[-1], (weights * VALUES).sum() / weights.sum())


@given(st.floats(-1e6, 1e6), st.floats(0, 0.999), st.integers(1, 40))
def test_of_a_constant_the_corrected_average_is_the_constant(value, beta, steps):
    constant = torch.full((steps,), value, dtype=torch.float64)
    torch.testing.assert_close(ewma(constant, beta, corrected=True), constant)


@given(st.floats(0, 0.99), st.integers(2, 30))
def test_averages_each_number_of_a_tensor_by_itself(beta, steps):
    values = torch.randn(steps, 2, 3, generator=torch.Generator().manual_seed(steps), dtype=torch.float64)
    torch.testing.assert_close(ewma(values, beta)[:, 1, 2], ewma(values[:, 1, 2], beta))


def test_no_values_have_no_averages():
    assert ewma(torch.zeros(0, 3), 0.9).shape == (0, 3)


def test_periods_and_age():
    assert [beta_of(periods) for periods in (1, 19, 1999)] == pytest.approx([0, 0.9, 0.999])
    assert average_age(0.9, 1000) == pytest.approx(10)
    assert average_age(0.0, 5) == 1


def test_adapted_gradients_are_adams_updates():
    parameter = nn.Parameter(torch.zeros(3))
    gradients = torch.randn(12, 3, generator=torch.Generator().manual_seed(0))
    optimizer, places = torch.optim.Adam([parameter], lr=0.5), [parameter.detach().clone()]
    for gradient in gradients:
        parameter.grad = gradient.clone()
        optimizer.step()
        places.append(parameter.detach().clone())
    moved = -torch.stack(places).diff(dim=0) / 0.5
    torch.testing.assert_close(adapted_gradients(gradients), moved, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("beta", [1.0, -0.1, float("nan")])
def test_refuses_a_weight_outside_0_and_1(beta):
    with pytest.raises(TrainingError, match=r"it is in \[0, 1\)"):
        ewma(VALUES, beta)
    with pytest.raises(TrainingError, match=r"it is in \[0, 1\)"):
        average_age(beta, 3)


def test_refuses_periods_below_1():
    with pytest.raises(TrainingError, match="0.5 periods"):
        beta_of(0.5)
