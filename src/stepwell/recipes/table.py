"""A table of your own: one column predicted from the others."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

from torch import nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import OneCycleLR

from stepwell.core.devices import best_device, seeded
from stepwell.core.errors import DataError
from stepwell.data.splits import Split, split_by_time, split_grouped, split_random, split_stratified
from stepwell.data.tables.calendar import as_times
from stepwell.data.tables.columns import check_known, choose_columns
from stepwell.data.tables.encoder import Noted
from stepwell.data.tables.fitting import fit_reader
from stepwell.data.tables.read import TableFile, read_table
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
_HEADER = {"auto": None, "yes": True, "no": False}


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


def _types(given: tuple[str, ...]) -> dict[str, str]:
    """Columns and types out of `column:type`."""
    pairs = [each.rpartition(":") for each in given]
    wrong = [each for each, (column, _, _) in zip(given, pairs, strict=True) if not column]
    if wrong:
        raise DataError(f"--types takes column:type, such as zip:text; given: {wrong[0]!r}.")
    return {column: kind for column, _, kind in pairs}


def _split(
    read: TableFile, target: Target, *, by_time: str, by_group: str, val: float, test: float, seed: int
) -> Split:
    """By time or by groups where a column is named for it; else at random, of classes in equal proportion."""
    amounts = {"train": 1 - val - test, "val": val, "test": test}
    if by_time:
        check_known([by_time], read.frame.columns, "--time")
        return split_by_time(as_times(read.frame[by_time], Noted(read.line)).to_numpy(), **amounts)
    if by_group:
        check_known([by_group], read.frame.columns, "--group")
        return split_grouped(read.frame[by_group].cast(str).to_list(), **amounts, seed=seed)
    if target.kind == "regression":
        return split_random(len(read.frame), **amounts, seed=seed)
    return split_stratified(target.encode(read.frame).flatten(), **amounts, seed=seed)


def table(
    file: Annotated[Path, "a CSV or Parquet file; delimiter, header and types are found"],
    *,
    target: Annotated[str, "the column to predict"],
    task: Annotated[
        Literal["auto", "regression", "binary", "multiclass"], "what to predict; auto: by its values"
    ] = "auto",
    drop: Annotated[tuple[str, ...], "columns to leave out"] = (),
    continuous: Annotated[tuple[str, ...], "columns that are numbers"] = (),
    ordinal: Annotated[tuple[str, ...], "columns whose values have an order: size:small<medium<large"] = (),
    ordinal_as: Annotated[Literal["number", "category", "cumulative"], "how ordinal columns are encoded"] = "number",
    nominal: Annotated[tuple[str, ...], "columns that are categories without an order"] = (),
    time: Annotated[str, "a column of dates; the rows are then split by it, the latest held out"] = "",
    group: Annotated[str, "a column whose equal values stay on one side of the split: patients, shops"] = "",
    types: Annotated[tuple[str, ...], "columns of another type than is found: zip:text,born:date"] = (),
    delimiter: Annotated[str | None, "what separates the fields, where finding it goes wrong"] = None,
    header: Annotated[Literal["auto", "yes", "no"], "whether the first line holds the columns' names"] = "auto",
    encoding: Annotated[str | None, "the file's text encoding, where finding it goes wrong"] = None,
    val: Annotated[float, "share of the rows that choose the best epoch"] = 0.15,
    test: Annotated[float, "share of the rows for the report, which choose nothing"] = 0.15,
    hidden: Annotated[tuple[int, ...], "widths of the hidden layers"] = (256, 256),
    members: Annotated[int, "networks that share their weights and are averaged"] = 4,
    bins: Annotated[int, "bends of each number's embedding; 0: numbers go in as they are"] = 32,
    dropout: Annotated[float, "share of hidden values that are dropped in training"] = 0.25,
    learning_rate: Annotated[float, "largest step size of AdamW, which rises to it and falls again"] = 2e-3,
    weight_decay: Annotated[float, "pull of the weights towards zero"] = 3e-3,
    batch_size: Annotated[int, "rows of an update"] = 128,
    epochs: Annotated[int | None, "passes over the training rows; else as many as make about 4,000 updates"] = None,
    seed: Annotated[int, "decides the split, the initial weights, the order and the dropout"] = 0,
) -> Experiment:
    """Predict one column of a table from the others: yours, in a CSV or Parquet file.

    Each column's kind is guessed and shown, and can be overruled by a flag. Numbers are embedded piecewise, categories are
    one-hot or embedded; all statistics are those of the training rows. The report compares the network with a linear model
    and with gradient boosting on the same rows.
    """
    read = read_table(file, delimiter=delimiter, header=_HEADER[header], encoding=encoding, types=_types(types))
    columns = choose_columns(
        read.frame, target=target, drop=drop, continuous=continuous, ordinal=ordinal, nominal=nominal, time=time or None,
        ordinal_as=ordinal_as,
    )  # fmt: skip
    divided = partial(_split, by_time=time, by_group=group, val=val, test=test, seed=seed)
    reader, data = fit_reader(read, columns, target, task, divided)
    settings = {"hidden": hidden, "members": members, "bins": bins, "dropout": dropout, "seed": seed}
    model, meaning = model_of(reader, settings)
    optimizer = AdamW(model.parameters(), lr=learning_rate, weight_decay=weight_decay)
    updates = -(-len(data.train) // batch_size)
    epochs = epochs or _epochs(updates)
    return Experiment(
        data=data,
        model=model,
        task=meaning,
        optimizer=optimizer,
        scheduler=OneCycleLR(optimizer, learning_rate, total_steps=epochs * updates, pct_start=_WARM_UP),
        batch_size=batch_size,
        epochs=epochs,
        seed=seed,
        reader=reader,
    )
