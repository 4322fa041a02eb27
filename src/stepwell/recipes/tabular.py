"""The parts of a recipe for tables: how rows are split, the network and its task, how long and how it is trained."""

from collections.abc import Mapping
from typing import Any

from torch import nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import OneCycleLR

from stepwell.core.devices import best_device, seeded
from stepwell.core.errors import DataError
from stepwell.data.splits import Split, Splits, split_by_time, split_grouped, split_random, split_stratified
from stepwell.data.tables.calendar import as_times
from stepwell.data.tables.columns import Column, check_known
from stepwell.data.tables.encoder import Noted
from stepwell.data.tables.findings import row_hashes
from stepwell.data.tables.read import TableFile
from stepwell.data.tables.reader import TableReader
from stepwell.data.tables.target import Target
from stepwell.models import TableNet
from stepwell.tasks import Binary, Multiclass, Regression
from stepwell.tasks.base import Task
from stepwell.training.experiment import Experiment

_MOST_BINS = 4096  # of all columns together: a table of thousands of columns gets few bins each, or none
_FEWEST_BINS = 4
_WARM_UP = 0.1
_UPDATES, _FEWEST_EPOCHS, _MOST_EPOCHS = 4000, 10, 150
HEADER = {"auto": None, "yes": True, "no": False}


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


def types_of(given: tuple[str, ...]) -> dict[str, str]:
    """Columns and types out of `column:type`."""
    pairs = [each.rpartition(":") for each in given]
    wrong = [each for each, (column, _, _) in zip(given, pairs, strict=True) if not column]
    if wrong:
        raise DataError(f"--types takes column:type, such as zip:text; given: {wrong[0]!r}.")
    return {column: kind for column, _, kind in pairs}


def dropped(drop: tuple[str, ...], group: str) -> tuple[str, ...]:
    """What to leave out: a group's name says nothing of new groups."""
    return drop if not group or group in drop else (*drop, group)


def split_rows(
    read: TableFile,
    target: Target,
    *,
    by_time: str,
    by_group: str,
    alike: list[Column],
    val: float,
    test: float,
    seed: int,
) -> Split:
    """By time or by groups where a column is named for it; else at random, of classes in equal proportion."""
    amounts = {"train": 1 - val - test, "val": val, "test": test}
    if by_time:
        check_known([by_time], read.frame.columns, "--time")
        return split_by_time(as_times(read.frame[by_time], Noted(read.line)).to_numpy(), **amounts)
    if by_group:
        check_known([by_group], read.frame.columns, "--group")
        return split_grouped(read.frame[by_group].cast(str).to_list(), **amounts, seed=seed)
    if alike:
        return split_grouped(row_hashes(read.frame, alike), **amounts, seed=seed)
    if target.kind == "regression":
        return split_random(len(read.frame), **amounts, seed=seed)
    return split_stratified(target.encode(read.frame).flatten(), **amounts, seed=seed)


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
        scheduler=OneCycleLR(optimizer, learning_rate, total_steps=max(epochs, 1) * updates, pct_start=_WARM_UP),
        batch_size=batch_size,
        epochs=epochs,
        seed=seed,
        reader=reader,
    )
