"""Walks down small functions, and slopes."""

from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.optim import LBFGS, SGD, Adagrad, Adam, AdamW, NAdam, RMSprop

from stepwell.core.errors import TrainingError
from stepwell.insight.functions import slopes
from stepwell.training import minimise


def bowl(point: Tensor) -> Tensor:
    """Least, 1, where every number is 3."""
    return ((point - 3) ** 2).sum() + 1


@pytest.mark.parametrize(
    ("optimizer", "rate"),
    [
        (SGD, 0.1),
        (partial(SGD, momentum=0.5, nesterov=True), 0.1),
        (Adam, 0.1),
        (AdamW, 0.1),
        (NAdam, 0.1),
        (RMSprop, 0.01),
        (Adagrad, 1.0),
        (LBFGS, 1.0),
    ],
)
def test_every_optimizer_goes_down(optimizer, rate):
    way = minimise(bowl, [0.0, 5.0], rate=rate, optimizer=optimizer, steps=800)
    assert way.point.tolist() == pytest.approx([3, 3], abs=0.05)
    assert way.value == pytest.approx(1, abs=0.01)


@given(
    st.lists(st.floats(-100, 100), min_size=1, max_size=4),
    st.floats(0.01, 0.45),
    st.integers(0, 30),
)
@settings(deadline=None, max_examples=40)
def test_trajectory_is_gradient_descent(start, rate, steps):
    way = minimise(bowl, torch.tensor(start, dtype=torch.float64), rate=rate, steps=steps)
    assert way.points.shape == way.gradients.shape == (steps + 1, len(start))
    assert way.values.shape == (steps + 1,)
    assert way.updates == steps
    torch.testing.assert_close(way.gradients, 2 * (way.points - 3))
    torch.testing.assert_close(way.points[1:], way.points[:-1] - rate * way.gradients[:-1])
    assert bool((way.values[1:] <= way.values[:-1] + 1e-9).all())


def test_start_stays_and_gives_shape_and_dtype():
    start = torch.full((2, 3), 1.0, dtype=torch.float64, requires_grad=True)
    way = minimise(bowl, start, steps=3)
    assert way.points.shape == (4, 2, 3)
    assert way.points.dtype == torch.float64
    assert start.grad is None
    assert bool((start == 1).all())
    assert not way.points.requires_grad


def test_whole_numbers_become_floats():
    assert minimise(bowl, torch.tensor([1, 2]), steps=1).points.dtype == torch.float32
    assert minimise(bowl, 1, steps=1).points.shape == (2,)


def test_inside_no_grad():
    with torch.no_grad():
        assert minimise(bowl, [0.0], steps=100).point.item() == pytest.approx(3)
        assert slopes(torch.sin, torch.zeros(1))[1].item() == 1


def test_ends_that_are_reached():
    assert minimise(bowl, [0.0], tolerance=1e-3).reason == "settled"
    assert minimise(bowl, [0.0], steps=2).reason == "steps"
    diverged = minimise(bowl, [0.0], rate=3.0)
    assert diverged.reason == "diverged"
    assert bool(torch.isfinite(diverged.points).all() and torch.isfinite(diverged.gradients).all())


def test_infinite_slope_ends_it():
    """The square root is steep without bound at 0: value finite, gradient not."""
    way = minimise(lambda x: torch.sqrt(x).sum(), [1.0], rate=2.0)  # one step of 2 · 0.5 leads to 0 exactly
    assert (way.reason, way.points.tolist()) == ("diverged", [[1.0]])


def test_lbfgs_moves_between_looks():
    """LBFGS asks for the value at several points of one step; the trajectory has the step's end alone."""
    way = minimise(bowl, [0.0, 50.0], rate=1.0, optimizer=LBFGS, steps=5, tolerance=1e-6)
    assert way.reason == "settled"
    assert way.updates < 5
    torch.testing.assert_close(way.gradients, 2 * (way.points - 3))


def test_bad_start_is_refused():
    with pytest.raises(TrainingError, match=r"At the start, \(0\), the function is inf .* Start where both are finite"):
        minimise(lambda x: (1 / x).sum(), [0.0])


def test_several_numbers_are_refused():
    with pytest.raises(TrainingError, match=r"gives 2 numbers at a point of shape \(2,\).* their sum, or their mean"):
        minimise(lambda x: x**2, [1.0, 2.0])


@pytest.mark.parametrize("function", [lambda x: torch.tensor(1.0), lambda x: (x.detach() ** 2).sum()])
def test_what_torch_cannot_follow_is_refused(function):
    with pytest.raises(TrainingError, match="cannot be followed back to the point"):
        minimise(function, [1.0])


def test_slopes_in_any_shape():
    x = torch.linspace(-3, 3, 12).reshape(3, 4)
    values, derivatives = slopes(torch.tanh, x)
    torch.testing.assert_close(values, torch.tanh(x))
    torch.testing.assert_close(derivatives, 1 - torch.tanh(x) ** 2)
    assert not values.requires_grad
    assert not x.requires_grad


def test_slopes_of_what_does_not_move():
    x = torch.tensor([-1.0, 2.0])
    for function in (torch.sign, torch.ones_like, lambda x: torch.tensor(4.0)):
        values, derivatives = slopes(function, x)
        assert values.shape == x.shape
        assert derivatives.tolist() == [0, 0]
