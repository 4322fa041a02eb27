import numpy as np
import pytest
import torch
from scipy.special import softmax
from torch import Tensor, nn

from stepwell.core.errors import ModelError
from stepwell.deploy.export.comparing import BATCHES, Difference, difference, milliseconds
from stepwell.deploy.export.subjects import subject_of
from stepwell.tasks import Multiclass, Regression

from .conftest import of


class Given(nn.Module):
    """Gives back what it gets."""

    def forward(self, x: Tensor) -> Tensor:
        return x * 1.0


def subject(rows: list[list[float]]):
    return subject_of(of(Given(), Regression(), torch.tensor(rows)), 7)


def test_every_row_is_compared_at_every_batch_size():
    made = subject([[float(row)] for row in range(9)])
    seen: list[list[float]] = []

    def run(arrays):
        seen.append(arrays["input"].flatten().tolist())
        return [arrays["input"]]

    found = difference(made, run)
    assert found.by_batch == {1: 0.0, 2: 0.0, 7: 0.0}
    assert {len(batch) for batch in seen} == set(BATCHES)
    for size in BATCHES:
        assert {row for batch in seen if len(batch) == size for row in batch} == set(range(9))


def test_few_rows_are_taken_several_times():
    made = subject([[1.0], [2.0], [3.0]])
    assert made.rows == 9
    assert made.batch(3, 6)["input"].tolist() == [[1.0], [2.0], [3.0]]


def test_the_largest_difference_counts_and_is_weighed_by_the_largest_number():
    made = subject([[0.25], [-8.0], [1.0], [2.0], [3.0], [4.0], [5.0]])
    found = difference(made, lambda arrays: [arrays["input"] + (arrays["input"] == 3) * np.float32(0.5)])
    assert found.largest == 0.5
    assert found.tolerance == pytest.approx(100 * 2**-23 * 8)


def test_a_number_that_is_none_is_as_far_as_can_be():
    made = subject([[1.0]] * 7)
    assert difference(made, lambda arrays: [arrays["input"] * np.nan]).largest == np.inf


def test_what_sure_answers_hide_their_logarithms_show():
    """A graph with another scale of logits still gives ones and zeros, to seven digits."""
    logits = torch.tensor([[0.0, 40.0], [42.0, 0.0]] * 4)
    made = subject_of(of(Given(), Multiclass(classes=2), logits), 7)
    found = difference(made, lambda arrays: [softmax(arrays["input"] * np.float32(1.01), axis=1)])
    assert found.largest < found.tolerance / 100
    assert found.logs == pytest.approx(0.42, rel=1e-3)
    assert not found.allowed
    assert difference(made, lambda arrays: [softmax(arrays["input"], axis=1)]).allowed
    nothing = difference(made, lambda arrays: [arrays["input"] * np.float32("nan")])
    assert nothing.logs == np.inf


def test_outputs_that_cannot_be_compared_are_refused():
    with pytest.raises(ModelError, match=r"shape \(1, 1, 1\); the model's has \(1, 1\)"):
        difference(subject([[1.0]] * 7), lambda arrays: [arrays["input"][None]])
    with pytest.raises(ModelError, match="not finite for some held-out rows"):
        difference(subject([[1.0], [float("nan")]]), lambda arrays: [arrays["input"]])


def test_calls_take_turns():
    turns: list[str] = []
    found = milliseconds({"a": lambda: turns.append("a"), "b": lambda: turns.append("b")})
    assert set(found) == {"a", "b"}
    assert turns == ["a", "b"] * (len(turns) // 2)
    assert Difference({1: 0.1, 2: 0.3}, 1.0).largest == 0.3
