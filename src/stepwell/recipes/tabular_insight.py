"""What a network made of each column of a table: how much it needs it, and how its prediction changes with it."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import polars as pl
import torch

from stepwell.core.trees import Tree
from stepwell.data.checks import CHECK_KEY
from stepwell.data.tables.reader import TableReader
from stepwell.insight.dependence import grid_of, partial_dependence
from stepwell.insight.importance import permutation_importance
from stepwell.insight.outputs import outputs_of
from stepwell.insight.scores import score_of
from stepwell.tasks import Multiclass
from stepwell.training.evaluation import predict
from stepwell.training.experiment import Experiment

_ROWS, _CURVE_ROWS = 2000, 300
_SHOWN = 6
_MOST_COLUMNS = 60  # whose importance is looked at
_MOST_LEVELS = 12


def insight(experiment: Experiment, side: str) -> dict[str, Any]:
    """`importance` of the columns, and the `dependence` of the prediction on the most important ones; see the report."""
    reader = experiment.reader
    assert isinstance(reader, TableReader)
    source = getattr(experiment.data, side)
    rows = _sample(len(source), _ROWS)
    batch = source.batch(rows, CHECK_KEY)
    groups = dict(list(reader.encoding.places().items())[:_MOST_COLUMNS])
    found = permutation_importance(
        partial(outputs_of, experiment.model), batch.inputs, batch.targets, groups, score_of(experiment.task)
    )
    shown: dict[str, Any] = {"importance": found.to_json()}
    if reader.frame is not None:
        frame = reader.frame[batch.index[_sample(len(rows), _CURVE_ROWS)].numpy()]
        names = [column.column for column in found.columns if column.increase > 0][:_SHOWN]
        shown["dependence"] = [_curve(experiment, reader, frame, name) for name in names]
    return shown


def _sample(length: int, most: int) -> torch.Tensor:
    """Row numbers, evenly spaced, at most so many."""
    return torch.arange(0, length, max(1, -(-length // most)))


def _curve(experiment: Experiment, reader: TableReader, frame: pl.DataFrame, column: str) -> dict[str, Any]:
    task = experiment.task
    values = _values(frame[column])
    output, of = _likeliest(experiment, reader, frame) if isinstance(task, Multiclass) else (0, reader.target.spoken)
    says = partial(predict, experiment.model, task)
    shown = [value if isinstance(value, (int, float)) else str(value) for value in values]
    found = partial_dependence(
        says, _variants(reader, frame, column, values), shown, column=column, of=of, output=output
    )
    return found.to_json()


def _likeliest(experiment: Experiment, reader: TableReader, frame: pl.DataFrame) -> tuple[int, str]:
    """The class that the model expects most rows in, which is the one whose probability is drawn."""
    means = predict(experiment.model, experiment.task, reader.encoding.encode(frame).inputs).mean(0)
    best = int(means.argmax())
    return best, f"probability of {reader.target.classes[best]}"


def _values(column: pl.Series) -> list[Any]:
    """The values at which to look: a grid of numbers, evenly spaced times, or the most frequent categories."""
    known = column.drop_nulls()
    if known.dtype.is_numeric():
        grid = grid_of(known.to_numpy())
        return (
            [int(value) for value in grid]
            if known.dtype.is_integer() and len(grid) == known.n_unique()
            else grid.tolist()
        )
    if known.dtype.is_temporal():
        return [known.sort()[int(place)] for place in np.linspace(0, len(known) - 1, 20)]
    counts = known.value_counts(sort=True).head(_MOST_LEVELS)
    return sorted(counts[column.name].to_list())


def _variants(reader: TableReader, frame: pl.DataFrame, column: str, values: list[Any]) -> Iterator[Tree]:
    """The rows' inputs, with the column set to each of the values before it is encoded."""
    for value in values:
        changed = frame.with_columns(pl.lit(value).cast(frame.schema[column]).alias(column))
        yield reader.encoding.encode(changed).inputs
