"""The parts of a recipe for tables: the network and its task, how long and how it is trained."""

from collections.abc import Mapping
from typing import Any

from torch import nn
from torch.optim import AdamW

from stepwell.core.devices import best_device, seeded
from stepwell.data.splits import Splits
from stepwell.data.tables.reader import TableReader
from stepwell.data.tables.target import Target
from stepwell.models import TableNet
from stepwell.tasks import Binary, Multiclass, Regression
from stepwell.tasks.base import Task
from stepwell.training.experiment import Experiment
from stepwell.training.schedules import one_cycle

_MOST_BINS = 4096  # of all columns together: a table of thousands of columns gets few bins each, or none
_FEWEST_BINS = 4
_UPDATES, _FEWEST_EPOCHS, _MOST_EPOCHS = 4000, 10, 150


def model_of(reader: TableReader, parameters: Mapping[str, Any]) -> tuple[nn.Module, Task]:
    """The network and the task for what a reader found, with a run's `hidden`, `members`, `bins`, `dropout` and `seed`."""
    encoding, target = reader.encoding, reader.target
    bins = min(parameters["bins"], _MOST_BINS // max(len(encoding.numbers), 1))
    edges = dict(zip(encoding.numbers, encoding.bins(bins), strict=True)) if bins >= _FEWEST_BINS else {}
    mean, std = (target.mean, target.std) if target.kind == "regression" else (0.0, 1.0)
    with seeded(parameters["seed"]):
        model = TableNet(
            encoding.features,
            outputs=len(target.classes) if target.kind == "multiclass" else 1,
            edges=edges,
            levels=encoding.levels,
            hidden=parameters["hidden"],
            members=parameters["members"],
            dropout=parameters["dropout"],
            mean=mean,
            std=std,
        )
    return model.to(best_device()), _task(target)


def _task(target: Target) -> Task:
    if target.kind == "regression":
        return Regression(names=(target.name,))
    if target.kind == "binary":
        return Binary(classes=(target.classes[0], target.classes[1]))
    return Multiclass(classes=target.classes)


def _epochs(updates: int) -> int:
    """How many epochs of so many updates to train for, where nobody says."""
    return max(_FEWEST_EPOCHS, min(_MOST_EPOCHS, round(_UPDATES / updates)))


def trained(
    reader: TableReader,
    data: Splits,
    model: nn.Module,
    task: Task,
    *,
    learning_rate: float,
    weight_decay: float,
    batch_size: int,
    epochs: int | None,
    seed: int,
) -> Experiment:
    """The experiment of a table: AdamW with one cycle of the learning rate."""
    optimizer = AdamW(model.parameters(), lr=learning_rate, weight_decay=weight_decay)
    updates = -(-len(data.train) // batch_size)
    epochs = _epochs(updates) if epochs is None else epochs
    return Experiment(
        data=data,
        model=model,
        task=task,
        optimizer=optimizer,
        scheduler=one_cycle(optimizer, learning_rate, epochs * updates),
        batch_size=batch_size,
        epochs=epochs,
        seed=seed,
        watch=("loss", "min"),  # where one class is rare, accuracy is best before anything is learnt
        reader=reader,
    )
