"""Tallies: what a pass adds up to, however it is grouped, cut and resumed."""

import json
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import stepwell as sw
from stepwell.core.errors import DivergedError
from stepwell.core.trees import attach_tensors, detach_tensors
from stepwell.data import Batch
from stepwell.metrics import Accuracy, Confusion
from stepwell.training.step import StepResult
from stepwell.training.tally import Tally

CPU = torch.device("cpu")
TASK = sw.Multiclass(classes=3, class_weights=(1.0, 2.0, 0.5))
G = torch.Generator().manual_seed(1)
OUTPUTS, TARGETS = torch.randn(300, 3, generator=G), torch.randint(3, (300,), generator=G)


def result(start: int, end: int) -> tuple[StepResult, Batch]:
    outputs, targets = OUTPUTS[start:end], TARGETS[start:end]
    return StepResult(TASK.loss(outputs, targets), TASK.weight(targets), outputs), Batch(outputs, targets, targets)


def fresh() -> Tally:
    return Tally(TASK, (Accuracy(), Confusion(3)), CPU)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=60))
@settings(deadline=None, max_examples=30)
def test_the_numbers_are_those_of_all_rows_at_once(sizes: list[int]) -> None:
    tally, at = fresh(), 0
    for number, size in enumerate(sizes):
        size = min(size, 300 - at)
        if size:
            tally.add(*result(at, at + size), number)
            at += size
    numbers = tally.numbers()
    outputs, targets = OUTPUTS[:at], TARGETS[:at]
    assert numbers["loss"] == pytest.approx(float(TASK.loss(outputs, targets)), rel=1e-6)
    assert numbers["accuracy"] == float((outputs.argmax(1) == targets).float().double().mean()) or math.isclose(
        numbers["accuracy"], float((outputs.argmax(1) == targets).double().mean())
    )


def test_asking_for_numbers_changes_nothing() -> None:
    asked, left = fresh(), fresh()
    for number in range(50):
        for tally in (asked, left):
            tally.add(*result(number * 4, number * 4 + 4), number)
        asked.numbers()
    assert asked.numbers() == left.numbers()
    assert torch.equal(asked.sums, left.sums)
    assert len(asked.pending) == len(left.pending)


@pytest.mark.parametrize("stop", [0, 1, 31, 32, 33, 63, 64, 65, 74])
def test_a_tally_goes_on_from_its_state_with_every_bit(stop: int) -> None:
    whole, first = fresh(), fresh()
    for number in range(75):
        whole.add(*result(number * 4, number * 4 + 4), number)
        if number < stop:
            first.add(*result(number * 4, number * 4 + 4), number)
    plain, found = detach_tensors(first.state())
    second = fresh()
    second.restore(attach_tensors(json.loads(json.dumps(plain)), found))
    for number in range(stop, 75):
        second.add(*result(number * 4, number * 4 + 4), number)
    assert second.numbers() == whole.numbers()
    assert torch.equal(second.sums, whole.sums)
    assert all(torch.equal(a, b) for a, b in zip(second.states, whole.states, strict=True))


def test_a_tally_that_goes_on_with_a_smaller_batch_keeps_its_groups() -> None:
    """How many batches are added at a time is decided by the first of the pass, not by the first after a resume."""
    large = torch.zeros(3, 2**16)
    task = sw.Regression()

    def add(tally: Tally, values: torch.Tensor) -> None:
        tally.add(StepResult(torch.tensor(0.5), len(values), values), Batch(values, values, torch.arange(3)), 1)

    whole = Tally(task, task.metrics(), CPU)
    while not whole.group or whole.pending:
        add(whole, large[:1])
    resumed = Tally(task, task.metrics(), CPU)
    resumed.restore(whole.state())
    for _ in range(whole.group + 1):
        for tally in (whole, resumed):
            add(tally, large[:1, :4])
        assert len(resumed.pending) == len(whole.pending)
    assert 1 < whole.group < 32


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("at", [0, 17, 40])
def test_a_loss_that_is_not_finite_is_told_with_its_step(bad: float, at: int) -> None:
    tally = fresh()

    def add_all() -> None:
        for number in range(1, 90):
            step, batch = result(0, 4)
            loss = torch.tensor(bad) if number >= at + 1 else step.loss
            tally.add(step._replace(loss=loss), batch, number)
        tally.check_finite()

    with pytest.raises(DivergedError, match=f"The loss became {bad} at step {at + 1}\\."):
        add_all()


def test_infinities_of_both_signs_do_not_cancel() -> None:
    tally = fresh()
    step, batch = result(0, 4)
    for number, loss in enumerate((math.inf, -math.inf), 1):
        tally.add(step._replace(loss=torch.tensor(loss)), batch, number)
    with pytest.raises(DivergedError, match="inf at step 1"):
        tally.check_finite()


def test_large_losses_that_are_finite_are_fine() -> None:
    tally = fresh()
    step, batch = result(0, 4)
    for number in range(10):
        tally.add(step._replace(loss=torch.tensor(3e38)), batch, number)
    assert tally.numbers()["loss"] == pytest.approx(3e38)


def test_nothing_seen_is_nan() -> None:
    numbers = fresh().numbers()
    assert math.isnan(numbers["loss"])
    assert math.isnan(numbers["accuracy"])
    assert math.isnan(fresh().last_loss)


def test_without_metrics_outputs_are_not_kept() -> None:
    tally = Tally(TASK, (), CPU)
    tally.add(*result(0, 4), 1)
    assert tally.pending[0][3] is None
    assert list(tally.numbers()) == ["loss"]
    assert tally.last_loss == pytest.approx(tally.numbers()["loss"])


def test_what_is_kept_is_bounded() -> None:
    tally, most = fresh(), 0
    for number in range(400):
        tally.add(*result(0, 4), number)
        most = max(most, len(tally.pending))
    assert most < 100
    big = torch.zeros(3, 2**20)
    large = Tally(sw.Regression(), sw.Regression().metrics(), CPU)
    step = StepResult(torch.tensor(0.0), 3, big)
    large.add(step, Batch(big, big, torch.arange(3)), 0)
    assert large.pending == []
