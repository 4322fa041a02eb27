"""Every way of making a step is a row of `STEPS` and passes the same checks."""

import inspect
from collections.abc import Callable

import pytest
import torch
import toys
from torch import nn
from torch.optim import SGD, Adam

import stepwell as sw
from stepwell.core.trees import map_tensors
from stepwell.data import Batch
from stepwell.training import step as steps
from stepwell.training.step import EagerStep, EvaluationStep, Step

TASK = sw.Multiclass(classes=3, class_weights=(0.5, 2.0, 1.0))
X, Y = toys.table(12)
BATCH = Batch(X, Y, torch.arange(12))
Make = Callable[[nn.Module], Step]
# each with whether it updates the model
STEPS: dict[str, tuple[Make, bool]] = {
    "evaluation": (lambda m: EvaluationStep(m, TASK, "fp32"), False),
    "evaluation, bf16": (lambda m: EvaluationStep(m, TASK, "bf16"), False),
    "eager": (lambda m: EagerStep(m, TASK, SGD(m.parameters(), lr=0.1), seed=3), True),
    "eager, Adam": (lambda m: EagerStep(m, TASK, Adam(m.parameters(), lr=0.1), seed=3), True),
    "eager, bf16": (lambda m: EagerStep(m, TASK, SGD(m.parameters(), lr=0.1), precision="bf16"), True),
    "eager, clipped": (
        lambda m: EagerStep(m, TASK, SGD(m.parameters(), lr=0.1), clip_norm=0.1, clip_value=0.05),
        True,
    ),
    "eager, accumulated": (lambda m: EagerStep(m, TASK, SGD(m.parameters(), lr=0.1), accumulate=5), True),
}


@pytest.fixture(params=STEPS)
def row(request: pytest.FixtureRequest) -> tuple[Make, bool]:
    return STEPS[request.param]


def run(make: Make, number: int = 1, drawn: int = 0, times: int = 1) -> tuple[nn.Module, list[float]]:
    model = toys.network(dropout=0.4).train()
    step = make(model)
    losses = []
    with torch.random.fork_rng(devices=[]):
        torch.rand(drawn)
        for _ in range(times):
            losses.append(step(BATCH, number).loss.item())
    return model, losses


def test_every_step_of_the_room_has_a_row() -> None:
    kinds = {
        kind
        for name, kind in inspect.getmembers(steps, inspect.isclass)
        if name.endswith("Step") and kind is not Step and kind.__module__ == steps.__name__
    }
    assert {type(make(toys.network())) for make, _ in STEPS.values()} == kinds


def test_the_result_is_the_weighted_mean_loss_and_the_outputs(row: tuple[Make, bool]) -> None:
    make, _ = row
    model = toys.network().train()
    with torch.random.fork_rng(devices=[]):
        result = make(model)(BATCH, 1)
    assert result.loss.shape == ()
    assert result.loss.dtype == torch.float32
    assert float(result.weight) == float(TASK.weight(Y))
    assert result.outputs.shape == (12, 3)
    torch.testing.assert_close(result.loss, TASK.loss(result.outputs, Y), rtol=1e-5, atol=1e-6)


def test_only_training_steps_change_the_model(row: tuple[Make, bool]) -> None:
    make, updates = row
    model, _ = run(make)
    assert (toys.weights(model) != toys.weights(toys.network())) == updates


def test_updates_make_the_loss_smaller(row: tuple[Make, bool]) -> None:
    make, updates = row
    before = TASK.loss(toys.network()(X), Y)
    model, _ = run(make, times=40)
    after = TASK.loss(model.eval()(X), Y)
    assert bool(after < before) == updates


def test_the_same_number_is_the_same_step_to_the_bit(row: tuple[Make, bool]) -> None:
    make, updates = row
    if updates:
        one, two, other = run(make), run(make, drawn=7), run(make, number=2)
        assert toys.weights(one[0]) == toys.weights(two[0])
        assert one[1] == two[1] != other[1]


def test_the_batch_is_left_alone(row: tuple[Make, bool]) -> None:
    versions = [tensor._version for tensor in BATCH]
    run(row[0])
    assert [tensor._version for tensor in BATCH] == versions


def test_a_share_of_no_rows_weighs_nothing(row: tuple[Make, bool]) -> None:
    make, _ = row
    model = toys.network().train()
    step = make(model)
    if isinstance(step, EagerStep):
        step.clip_value = None  # there is nothing to clip where no process has rows; torch refuses that
    with torch.random.fork_rng(devices=[]):
        result = step(map_tensors(lambda t: t[:0], BATCH), 1)
    assert float(result.loss) == float(result.weight) == 0
    assert result.outputs.shape == (0, 3)
    assert toys.weights(model) == toys.weights(toys.network())
