"""Every task is a row of `TASKS` and passes the same checks."""

import json
from collections.abc import Callable
from dataclasses import FrozenInstanceError

import pytest
import torch
from torch import Tensor

import stepwell.tasks
from stepwell.core.errors import TaskError
from stepwell.data import Batch
from stepwell.tasks import Binary, Captioning, Multiclass, Regression, SideHeads, Task, Translation
from stepwell.training.step import StepResult
from stepwell.training.tally import Tally

ROWS = 23
Make = Callable[[torch.Generator], tuple[Tensor, Tensor]]


def binary(*shape: int, probabilities: bool = False) -> Make:
    def make(source: torch.Generator) -> tuple[Tensor, Tensor]:
        logits = 2 * torch.randn(ROWS, *shape, generator=source)
        targets = (torch.rand(ROWS, *shape, generator=source) < 0.4).float()
        return logits.sigmoid() if probabilities else logits, targets

    return make


def classes(count: int, *shape: int, log_probabilities: bool = False) -> Make:
    def make(source: torch.Generator) -> tuple[Tensor, Tensor]:
        logits = 2 * torch.randn(ROWS, count, *shape, generator=source)
        targets = torch.randint(count, (ROWS, *shape), generator=source)
        return logits.log_softmax(1) if log_probabilities else logits, targets

    return make


def values(*shape: int) -> Make:
    def make(source: torch.Generator) -> tuple[Tensor, Tensor]:
        outputs, targets = 2 * torch.randn(2, ROWS, *shape, generator=source)
        return outputs, targets

    return make


def game(source: torch.Generator) -> tuple[Tensor, Tensor]:
    return torch.rand(ROWS, 10, generator=source), torch.randint(50, (ROWS,), generator=source)


def said(source: torch.Generator) -> tuple[Tensor, Tensor]:
    outputs = 2 * torch.randn(ROWS, 5, 7, generator=source)
    return outputs, torch.randint(7, (ROWS, 5), generator=source)


WEIGHTS = (0.2, 3.0, 1.0)
TASKS: dict[str, tuple[Task, Make]] = {
    "binary": (Binary(), binary()),
    "binary, a column": (Binary(classes=("no", "yes")), binary(1)),
    "binary, positive weight": (Binary(positive_weight=4.0), binary(1)),
    "binary, true weighted mean": (Binary(positive_weight=4.0, weighted_mean=True), binary()),
    "binary, probabilities": (Binary(outputs="probabilities", positive_weight=2.0), binary(probabilities=True)),
    "multiclass": (Multiclass(classes=3), classes(3)),
    "multiclass, two": (Multiclass(classes=("a", "b")), classes(2)),
    "multiclass, weights": (Multiclass(classes=3, class_weights=WEIGHTS), classes(3)),
    "multiclass, log-probabilities": (
        Multiclass(classes=3, outputs="log_probabilities", class_weights=WEIGHTS),
        classes(3, log_probabilities=True),
    ),
    "regression": (Regression(), values()),
    "regression, a column": (Regression(names=("height",)), values(1)),
    "regression, l1": (Regression(kind="l1"), values(2)),
    "regression, huber": (Regression(kind="huber", delta=0.7), values(2, 3)),
    "side heads": (SideHeads(task=Multiclass(classes=3, class_weights=WEIGHTS)), classes(3)),
    "translation": (Translation(), game),
    "translation, all of it": (Translation(kinds=("cat", "dog"), cycle=3.0, identity=1.5), game),
    "captioning": (Captioning(words=("<end>", "<unknown>", "a", "cat", "dog", "on", "the")), said),
}


@pytest.fixture(params=TASKS)
def row(request: pytest.FixtureRequest) -> tuple[Task, Tensor, Tensor]:
    task, make = TASKS[request.param]
    return task, *make(torch.Generator().manual_seed(21))


def test_every_public_task_has_a_row() -> None:
    public = {getattr(stepwell.tasks, name) for name in stepwell.tasks.__all__}
    kinds = {thing for thing in public if isinstance(thing, type) and issubclass(thing, Task) and thing is not Task}
    assert {type(task) for task, _ in TASKS.values()} == kinds


def test_the_loss_is_the_sum_of_the_losses_over_the_weight(row: tuple[Task, Tensor, Tensor]) -> None:
    task, outputs, targets = row
    losses = task.losses(outputs, targets)
    assert losses.shape == (ROWS,)
    assert bool((losses >= 0).all())
    assert task.loss(outputs, targets).shape == ()
    torch.testing.assert_close(losses.sum() / task.weight(targets), task.loss(outputs, targets), rtol=1e-5, atol=1e-6)


def test_means_of_parts_weighted_by_their_weight_are_the_mean_of_all(row: tuple[Task, Tensor, Tensor]) -> None:
    task, outputs, targets = row
    parts = list(zip(outputs.split(5), targets.split(5), strict=True))
    total = sum(task.loss(*part) * task.weight(part[1]) for part in parts)
    weight = sum(task.weight(part) for _, part in parts)
    torch.testing.assert_close(total / weight, task.loss(outputs, targets), rtol=1e-5, atol=1e-6)
    assert float(weight) == pytest.approx(float(task.weight(targets)))


def test_rows_do_not_see_each_other(row: tuple[Task, Tensor, Tensor]) -> None:
    task, outputs, targets = row
    order = torch.randperm(ROWS, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(task.losses(outputs[order], targets[order]), task.losses(outputs, targets)[order])
    torch.testing.assert_close(task.predict(outputs[order]), task.predict(outputs)[order])
    alone = torch.cat([task.losses(outputs[n : n + 1], targets[n : n + 1]) for n in range(ROWS)])
    torch.testing.assert_close(alone, task.losses(outputs, targets))


def test_the_loss_has_a_gradient_that_makes_it_smaller(row: tuple[Task, Tensor, Tensor]) -> None:
    task, outputs, targets = row
    outputs = outputs.clone().requires_grad_()
    loss = task.loss(outputs, targets)
    (slope,) = torch.autograd.grad(loss, outputs)
    assert bool(torch.isfinite(slope).all())
    assert bool(task.loss((outputs - 1e-3 * slope).detach(), targets) < loss)


def test_good_outputs_and_targets_are_taken(row: tuple[Task, Tensor, Tensor]) -> None:
    task, outputs, targets = row
    task.check_targets(targets)
    task.check_outputs(outputs, targets)
    task.check_outputs(outputs.requires_grad_() * 1.0, targets)


def test_targets_that_would_broadcast_are_refused(row: tuple[Task, Tensor, Tensor]) -> None:
    task, outputs, targets = row
    for wrong in (targets.unsqueeze(-1), targets[:1], targets[:-1], targets.unsqueeze(0)):
        for check in (task.losses, task.loss, task.check_outputs):
            with pytest.raises(TaskError, match="The outputs have the shape"):
                check(outputs, wrong)


def test_targets_of_another_kind_are_refused(row: tuple[Task, Tensor, Tensor]) -> None:
    task, _, targets = row
    wrong = [targets.long(), targets.bool()] if targets.is_floating_point() else [targets.float(), targets.int()]
    for other in wrong:
        with pytest.raises(TaskError, match=r"The targets are torch\.\w+; .*: targets\.(float|long)\(\)\."):
            task.check_targets(other)


def test_checks_and_losses_leave_their_arguments_alone(row: tuple[Task, Tensor, Tensor]) -> None:
    task, outputs, targets = row
    versions = outputs._version, targets._version
    task.check_targets(targets)
    task.check_outputs(outputs, targets)
    task.loss(outputs, targets)
    task.losses(outputs, targets)
    task.answers(outputs)
    task.predict(outputs)
    assert (outputs._version, targets._version) == versions


def test_half_precision_is_taken_and_computed_in_float32(row: tuple[Task, Tensor, Tensor]) -> None:
    task, outputs, targets = row
    half = outputs.bfloat16()
    task.check_outputs(half, targets)
    assert task.loss(half, targets).dtype == torch.float32
    torch.testing.assert_close(task.loss(half, targets), task.loss(half.float(), targets))


def test_the_loss_never_waits_for_the_device(row: tuple[Task, Tensor, Tensor]) -> None:
    """Meta tensors hold no data, so reading a number from one raises, as synchronising with a device would cost."""
    task, outputs, targets = row
    outputs, targets = outputs.to("meta"), targets.to("meta")
    assert task.loss(outputs, targets).device.type == "meta"
    assert torch.as_tensor(task.weight(targets)).numel() == 1


def test_predictions_and_answers_have_one_a_row(row: tuple[Task, Tensor, Tensor]) -> None:
    task, outputs, targets = row
    assert task.predict(outputs).shape == outputs.shape
    answers = task.answers(outputs)
    assert len(answers) == ROWS
    assert json.loads(json.dumps(answers)) == answers
    assert all(isinstance(task.name_target(target), str) for target in targets)
    if not isinstance(task, Regression | Translation | Captioning):
        for answer in answers:
            assert answer["label"] in answer["probabilities"]
            assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-5)
        labels = task.view("labels", outputs)
        assert [task.name_target(label) for label in labels] == [answer["label"] for answer in answers]


def test_metrics_can_be_computed_and_hold_what_is_watched(row: tuple[Task, Tensor, Tensor]) -> None:
    task, outputs, targets = row
    result = StepResult(task.loss(outputs, targets), task.weight(targets), outputs)
    batch = Batch(outputs, targets, torch.arange(ROWS))
    for metrics in (task.metrics(), task.train_metrics(), task.final_metrics()):
        tally = Tally(task, metrics, torch.device("cpu"))
        tally.add(result, batch, 1)
        numbers = tally.numbers()
        assert all(type(number) is float for number in numbers.values())
        assert metrics == task.train_metrics() or task.watch[0] in numbers
    assert task.watch[1] in ("min", "max")


def test_settings_cannot_be_changed(row: tuple[Task, Tensor, Tensor]) -> None:
    with pytest.raises((FrozenInstanceError, AttributeError)):
        row[0].outputs = "other"  # type: ignore[attr-defined]
