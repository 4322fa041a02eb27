"""Which rate losses speak for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.training.range_test import rates_between, smooth
from stepwell.training.suggestion import Suggestion, suggest_rate

RATES = rates_between(1e-6, 1.0, 120)


def _suggested(losses: np.ndarray, rates: np.ndarray = RATES, *, diverged: bool = False) -> Suggestion:
    return suggest_rate(rates[: len(losses)], losses, smooth(losses, 0.8), diverged=diverged)


def _step_down(middle: float, high: float = 2.3, low: float = 0.3) -> np.ndarray:
    """A loss that falls about a rate, over a decade."""
    return low + (high - low) / (1 + (RATES / middle) ** 3)


@given(st.floats(1e-4, 0.03), st.floats(0.1, 1e4))
def test_finds_the_middle_of_a_fall_whatever_the_loss_is_measured_in(middle, unit):
    found = _suggested(unit * _step_down(middle))
    assert found.rate is not None
    assert middle / 1.5 < found.rate < middle * 1.5


@given(st.integers(0, 1000), st.floats(1e-3, 0.03))
def test_noise_moves_it_a_little(seed, middle):
    noise = np.random.default_rng(seed).normal(0, 0.05, len(RATES))
    found = _suggested(_step_down(middle) + noise)
    assert found.rate is not None
    assert middle / 4 < found.rate < middle * 4


def test_noise_alone_is_hardly_ever_a_fall():
    """One test in a hundred may be fooled."""
    curves = (1 + np.random.default_rng(seed).normal(0, 0.3, len(RATES)) for seed in range(200))
    assert sum(_suggested(curve).rate is not None for curve in curves) <= 2


def test_a_loss_that_breaks_soon_after_gives_a_tenth_of_the_rate_there():
    losses = _step_down(0.05)[:112]
    found = _suggested(np.append(losses, 50.0), diverged=True)
    last = RATES[112]
    assert found.rate == float(f"{last / 10:.1e}")
    assert f"breaks at {last:.2g}: a tenth of that" in found.why


def test_a_negative_loss_may_fall_too():
    assert _suggested(_step_down(0.01) - 5).rate == pytest.approx(0.01, rel=0.5)


def test_says_where_it_was_still_falling_and_where_it_ended():
    assert "still falling at 1:" in _suggested(_step_down(0.3)).why
    assert "Beyond that it does not fall" in _suggested(_step_down(0.001) + 0.5 * RATES).why


@pytest.mark.parametrize(
    ("losses", "diverged", "words"),
    [
        (np.ones(5), False, "5 losses are too few"),
        (np.append(np.ones(5), np.nan), True, "broke after 5 of the steps"),
        (np.full(60, np.nan), True, "broke after 0 of the steps"),
        (np.ones(120), False, "hardly falls between 1e-06 and 1 (from 1 to 1), so there is nothing to choose by"),
        (
            np.append(np.ones(100), 50.0),
            True,
            "nothing to choose by but that it breaks at 0.11: stay below a tenth of that",
        ),
        (np.geomspace(1, 100, 120), True, "only rises between 1e-06 and 1, from 1"),
    ],
)
def test_no_suggestion_has_its_reason(losses, diverged, words):
    found = _suggested(losses, diverged=diverged)
    assert found.rate is None
    assert words in found.why


def test_two_digits_are_given():
    assert _suggested(_step_down(0.0123456)).rate == pytest.approx(0.012, rel=0.3)
    assert len(f"{_suggested(_step_down(0.0123456)).rate:g}".replace("0", "").replace(".", "")) <= 2
