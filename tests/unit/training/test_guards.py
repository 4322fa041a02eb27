"""Guard rails: what cannot work is told before it has cost an hour, in a sentence that says how to mend it."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
import toys
from torch import Tensor, nn
from torch.optim import SGD

import stepwell as sw
from stepwell.core.errors import DataError, ModelError, StepwellError, TaskError, TrainingError
from stepwell.data import Batch
from stepwell.training.guards import check_batch

X, Y = toys.table()


def splits(x: Tensor = X, y: Tensor | None = Y) -> sw.Splits:
    return sw.Splits(train=sw.ArraySource(x, y), val=sw.ArraySource(x, y))


def two(last: nn.Module | None = None, outputs: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, outputs), *([last] if last else []))


def with_value(tensor: Tensor, row: int, value: float) -> Tensor:
    tensor = tensor.clone()
    tensor[row, 1] = value
    return tensor


def sigmoid_by_function() -> nn.Module:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(3, 1)

        def forward(self, x: Tensor) -> Tensor:
            return torch.sigmoid(self.layer(x)).squeeze(-1)

    return Model()


FLOATS = (Y > 0).float()
BINARY, MULTI = sw.Binary(), sw.Multiclass(classes=3)
ROWS: dict[str, tuple[type[StepwellError], str, Callable[[], sw.Experiment]]] = {
    "sigmoid before logits": (
        TaskError,
        "The model ends in nn.Sigmoid, so its outputs are probabilities, but the loss expects logits",
        lambda: toys.experiment(two(nn.Sigmoid()), data=splits(y=FLOATS[:, None]), task=BINARY),
    ),
    "torch.sigmoid before logits": (
        TaskError,
        "The model ends in nn.Sigmoid",
        lambda: toys.experiment(sigmoid_by_function(), data=splits(y=FLOATS), task=BINARY),
    ),
    "softmax before logits": (
        TaskError,
        "The model ends in nn.Softmax",
        lambda: toys.experiment(two(nn.Softmax(dim=1), 3), data=splits(), task=MULTI),
    ),
    "logits before probabilities": (
        TaskError,
        "they are logits. Say outputs='logits'",
        lambda: toys.experiment(two(), data=splits(y=FLOATS[:, None]), task=sw.Binary(outputs="probabilities")),
    ),
    "logits before log-probabilities": (
        TaskError,
        "their exponentials do not sum to 1: they are logits",
        lambda: toys.experiment(
            two(None, 3), data=splits(), task=sw.Multiclass(classes=3, outputs="log_probabilities")
        ),
    ),
    "targets that broadcast": (
        TaskError,
        "does not broadcast them against each other: give the targets a last dimension, targets.unsqueeze(-1).",
        lambda: toys.experiment(two(), data=splits(y=X[:, 0]), task=sw.Regression()),
    ),
    "integer targets of a regression": (
        TaskError,
        "The targets are torch.int64; this loss needs floating numbers: targets.float().",
        lambda: toys.experiment(two(), data=splits(y=Y[:, None]), task=sw.Regression()),
    ),
    "double targets of a regression": (
        TaskError,
        "The outputs are torch.float32, the targets torch.float64; make the data and the model alike.",
        lambda: toys.experiment(two(), data=splits(y=X[:, :1].double()), task=sw.Regression()),
    ),
    "floating class numbers": (
        TaskError,
        "The targets are torch.float32; class numbers are int64: targets.long().",
        lambda: toys.experiment(two(None, 3), data=splits(y=Y.float()), task=MULTI),
    ),
    "one-hot targets": (
        TaskError,
        "not one-hot",
        lambda: toys.experiment(two(None, 3), data=splits(y=nn.functional.one_hot(Y, 3)), task=MULTI),
    ),
    "a class that does not exist": (
        TaskError,
        "There is a target 2, but 2 classes are numbered 0 to 1.",
        lambda: toys.experiment(two(None, 2), data=splits(), task=sw.Multiclass(classes=2)),
    ),
    "another number of outputs": (
        TaskError,
        "The model gives 4 numbers a row, but there are 3 classes.",
        lambda: toys.experiment(two(None, 4), data=splits(), task=MULTI),
    ),
    "NaN in the inputs": (
        DataError,
        "inputs column 1: 1 row (17)",
        lambda: toys.experiment(data=splits(with_value(X, 17, math.nan))),
    ),
    "infinity in the targets": (
        DataError,
        "targets column 1: 1 row (4)",
        lambda: toys.experiment(two(None, 3), data=splits(y=with_value(X, 4, math.inf)), task=sw.Regression()),
    ),
    "no targets": (
        DataError,
        "The data has inputs but no targets, so there is nothing to learn. Give both: ArraySource(x, y).",
        lambda: toys.experiment(data=splits(y=None)),
    ),
    "an empty split": (DataError, "val has no rows. Give it some, or leave it out.", lambda: empty("val")),
    "an empty training split": (DataError, "train has no rows.", lambda: empty("train")),
    "data that is no source": (
        DataError,
        "train is a Tensor; a Source or DataLoader is due: as_source(data).",
        lambda: toys.experiment(data=sw.Splits(train=X)),  # type: ignore[arg-type]
    ),
    "a batch larger than the data": (
        DataError,
        "A batch of 99 rows is larger than the training split of 26, and drop_last drops it.",
        lambda: toys.experiment(batch_size=99, drop_last=True),
    ),
    "an optimizer of another model": (
        ModelError,
        "The optimizer holds 4 of 4 parameters that are not this model's (shapes (8, 3), (8,), (3, 8)), so the model",
        lambda: toys.experiment(toys.network(), optimizer=SGD(toys.network().parameters(), lr=0.1)),
    ),
    "a model that was changed after its optimizer": (ModelError, "The optimizer holds 2 of 4 parameters", lambda: changed()),
    "no trainable parameter": (
        ModelError,
        "Sequential has no trainable parameter. Unfreeze some with parameter.requires_grad_(True).",
        lambda: toys.experiment(toys.network().requires_grad_(False), optimizer=None),
    ),
    "a model without parameters": (
        ModelError,
        "ReLU has no trainable parameter.",
        lambda: toys.experiment(nn.ReLU(), optimizer=None),
    ),
    "an optimizer of frozen parameters": (
        ModelError,
        "The optimizer holds frozen parameters only, so nothing would learn. Give it trainable ones.",
        lambda: half_frozen(),
    ),
    "an optimizer that needs a closure": (
        TrainingError,
        "LBFGS computes the loss several times a step, which a step of a batch does not.",
        lambda: closure(),
    ),
    "a schedule that is shorter than the budget": (
        TrainingError,
        "The OneCycleLR was made for 13 steps, the budget has 14. Make it with total_steps=14.",
        lambda: one_cycle(13),
    ),
    "a model without data": (
        ModelError,
        "The model has shapes but no data (device 'meta'). Fill it first: model.to_empty(device='cpu').",
        lambda: toys.experiment(nn.Linear(3, 3, device="meta")),
    ),
}  # fmt: skip


def empty(side: str) -> sw.Experiment:
    data = {"train": sw.ArraySource(X, Y), "val": sw.ArraySource(X, Y), side: sw.ArraySource(X[:0], Y[:0])}
    return toys.experiment(data=sw.Splits(**data))


def closure() -> sw.Experiment:
    model = toys.network()
    return toys.experiment(model, optimizer=torch.optim.LBFGS(model.parameters()))


def one_cycle(steps: int) -> sw.Experiment:
    model = toys.network()
    optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=steps)
    return toys.experiment(model, optimizer=optimizer, scheduler=scheduler)


def changed() -> sw.Experiment:
    model = toys.network()
    optimizer = SGD(model.parameters(), lr=0.1)
    model[3] = nn.Linear(8, 3)
    return toys.experiment(model, optimizer=optimizer)


def half_frozen() -> sw.Experiment:
    model = toys.network()
    model[0].requires_grad_(False)
    return toys.experiment(model, optimizer=SGD(model[0].parameters(), lr=0.1))


@pytest.mark.parametrize("row", ROWS)
def test_what_cannot_work_is_refused_before_the_first_update(row: str) -> None:
    kind, text, build = ROWS[row]
    recorder = toys.Recorder()
    with pytest.raises(StepwellError) as caught:
        sw.fit(build(), hooks=[recorder])
    assert type(caught.value) is kind
    assert text in str(caught.value)
    assert not any(event == "step_end" for event, _ in recorder._events)


def test_a_schedule_as_long_as_the_budget_is_enough() -> None:
    assert sw.fit(one_cycle(14)).step == 14


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta", "NAdam", "RAdam", "Rprop"])
def test_the_other_optimizers_of_torch_train(name: str) -> None:
    model = toys.network()
    before = toys.weights(model)
    sw.fit(toys.experiment(model, optimizer=getattr(torch.optim, name)(model.parameters()), epochs=1))
    assert toys.weights(model) != before


def test_frozen_parts_and_optimizers_of_a_part_are_fine() -> None:
    model = toys.network()
    model[0].requires_grad_(False)
    before = model[0].weight.clone()
    sw.fit(toys.experiment(model, optimizer=SGD(model.parameters(), lr=0.1)))
    sw.fit(toys.experiment(model, optimizer=SGD(model[3].parameters(), lr=0.1)))
    assert torch.equal(model[0].weight, before)


def test_the_default_optimizer_is_adamw_of_what_is_trainable() -> None:
    model = toys.network()
    model[0].requires_grad_(False)
    made = toys.experiment(model, optimizer=None).made_optimizer
    assert isinstance(made, torch.optim.AdamW)
    assert [p.shape for p in made.param_groups[0]["params"]] == [p.shape for p in model[3].parameters()]


def test_a_bad_validation_is_refused_before_training_too() -> None:
    data = sw.Splits(train=sw.ArraySource(X, Y), val=sw.ArraySource(X, Y + 1))
    recorder = toys.Recorder()
    with pytest.raises(TaskError, match="There is a target 3"):
        sw.fit(toys.experiment(data=data), hooks=[recorder])
    assert recorder._events == []


def test_a_source_that_cannot_be_read_at_once_is_checked_with_its_first_batch() -> None:
    rows = [(x, int(y) + 3) for x, y in zip(X, Y, strict=True)]
    with pytest.raises(TaskError, match="There is a target"):
        sw.fit(toys.experiment(data=sw.Splits(train=sw.as_source(rows))))


def test_a_model_on_another_device_than_the_data_is_told() -> None:
    batch = Batch(torch.ones(2, 3, device="meta"), torch.zeros(2, dtype=torch.int64), torch.arange(2))
    with pytest.raises(
        ModelError, match=r"The model is on cpu, the data on meta\. Move the model, model\.to\('meta'\)"
    ):
        check_batch(toys.network(), MULTI, batch)


@pytest.mark.parametrize("mode", [True, False])
def test_the_check_leaves_no_trace(mode: bool) -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Dropout(0.5)).train(mode)
    before, generator = toys.weights(model), torch.get_rng_state()
    check_batch(model, MULTI, Batch(X, Y, torch.arange(len(X))))
    assert toys.weights(model) == before
    assert torch.equal(torch.get_rng_state(), generator)
    assert all(module.training is mode for module in model.modules())
    assert all(p.grad is None for p in model.parameters())


def test_the_check_works_where_gradients_are_off() -> None:
    with torch.no_grad(), pytest.raises(TaskError, match="The model ends in nn.Softmax"):
        check_batch(two(nn.Softmax(dim=1), 3), MULTI, Batch(X, Y, torch.arange(len(X))))


def test_settings_of_an_experiment_are_frozen() -> None:
    experiment: Any = toys.experiment()
    with pytest.raises(AttributeError):
        experiment.batch_size = 5
