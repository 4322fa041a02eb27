"""A series of your own: its next values from its last ones."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from torch import nn
from torch.optim import AdamW

from stepwell.core.devices import best_device, seeded
from stepwell.data.series.fitting import fit_reader
from stepwell.data.series.reader import SeriesReader
from stepwell.data.series.windows import Windows, split_windows
from stepwell.data.splits import Splits
from stepwell.data.tables.read import TableFile, read_table
from stepwell.models import Forecaster
from stepwell.recipes.settings import check_settings
from stepwell.recipes.tabular_flags import check_named
from stepwell.tasks import Regression
from stepwell.tasks.base import Task
from stepwell.training.experiment import Experiment
from stepwell.training.schedules import one_cycle

_WARM_UP = 0.2


def model_of(reader: SeriesReader, parameters: Mapping[str, Any]) -> tuple[nn.Module, Task]:
    """The network and the task for a reader, with a run's `hidden`, `blocks`, `pooled`, `dropout`, `loss` and `seed`."""
    sizes = {name: parameters[name] for name in ("hidden", "blocks", "pooled", "dropout")}
    past, known = len(reader.channels.past_names), len(reader.channels.known_names)
    with seeded(parameters["seed"]):
        model = Forecaster(
            past, known, reader.window, reader.horizon, **sizes, mean=reader.mean, std=reader.std, floor=reader.floor
        )
    names = tuple(reader.step.ahead(step) for step in range(1, reader.horizon + 1))
    return model.to(best_device()), Regression(kind=parameters["loss"], delta=reader.std / 2, names=names)


def series_data(reader: SeriesReader, *, val: float, test: float, stride: int) -> Splits:
    """The windows of the series that a reader was fitted to, cut by time: the last steps are test, those before val."""
    assert reader.timeline is not None
    numbers = reader.channels.numbers(reader.timeline)
    split = split_windows(reader.timeline.filled, reader.window, reader.horizon, val=val, test=test, stride=stride)
    return split.apply(Windows(numbers.past, numbers.known, reader.window, reader.horizon))


def _read(file: Path, time: tuple[str, ...], target: str) -> TableFile:
    read = read_table(file)
    check_named(read, time, "Which column holds the time?", "--time")
    check_named(read, target, "Which column is to be forecast?", "--target")
    return read


def series(
    file: Annotated[Path, "CSV or Parquet file, one row a time"],
    *,
    time: Annotated[tuple[str, ...], "columns of the time: one, or a date and an hour: dteday,hr"] = (),
    target: Annotated[str, "column to forecast; without it, those that there are are named"] = "",
    window: Annotated[int, "steps of the past that the network looks at"] = 168,
    horizon: Annotated[int, "steps to forecast"] = 24,
    known: Annotated[tuple[str, ...], "columns that are known ahead, such as holidays"] = (),
    drop: Annotated[tuple[str, ...], "columns to leave out"] = (),
    period: Annotated[int, "steps after which the series repeats itself, for the naive forecast; 0: found"] = 0,
    duplicates: Annotated[Literal["refuse", "mean"], "what to do with times that occur twice"] = "refuse",
    fill: Annotated[
        Literal["season", "last", "zero"], "what stands for a missing value: an earlier one, or zero"
    ] = "season",
    val: Annotated[float, "share of the steps that choose the best epoch"] = 0.1,
    test: Annotated[float, "share of the steps, the last, that the report judges by"] = 0.1,
    stride: Annotated[int, "steps between training windows"] = 1,
    hidden: Annotated[int, "width of the network"] = 128,
    blocks: Annotated[int, "residual blocks"] = 2,
    pooled: Annotated[
        int, "weighted means that are taken of each further column's past; 0: the target's past alone"
    ] = 4,
    dropout: Annotated[float, "share of the network's inputs and hidden numbers that are left out in training"] = 0.1,
    loss: Annotated[Literal["l1", "huber", "mse"], "error: absolute, squared where small, or squared"] = "l1",
    learning_rate: Annotated[float, "highest step size of AdamW"] = 1e-3,
    weight_decay: Annotated[float, "pull of the weights towards zero"] = 0.01,
    batch_size: Annotated[int, "windows of an update"] = 64,
    epochs: Annotated[int, "passes over the training windows"] = 12,
    seed: Annotated[int, "decides the initial weights and the order"] = 42,
) -> Experiment:
    """Forecast the next steps of a series from its last ones, and from what is known ahead.

    Times are put on a regular calendar; gaps are filled from the past, marked and reported. Windows never cross from
    training to held-out steps.
    """
    check_settings(
        hidden=hidden, dropout=dropout, learning_rate=learning_rate, weight_decay=weight_decay, val=val, test=test,
        batch_size=batch_size, epochs=epochs,
    )  # fmt: skip
    reader = fit_reader(
        _read(file, time, target), time, target, window=window, horizon=horizon, val=val, test=test, drop=drop, known=known,
        period=period, duplicates=duplicates, fill=fill,
    )  # fmt: skip
    data = series_data(reader, val=val, test=test, stride=stride)
    settings = {"hidden": hidden, "blocks": blocks, "pooled": pooled, "dropout": dropout, "loss": loss, "seed": seed}
    model, task = model_of(reader, settings)
    optimizer = AdamW(model.parameters(), lr=learning_rate, weight_decay=weight_decay)
    steps = epochs * -(-len(data.train) // batch_size)
    return Experiment(
        data=data,
        model=model,
        task=task,
        optimizer=optimizer,
        scheduler=one_cycle(optimizer, learning_rate, steps, _WARM_UP),
        batch_size=batch_size,
        epochs=epochs,
        reader=reader,
        seed=seed,
    )
