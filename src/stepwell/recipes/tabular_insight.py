"""What a network made of each column of a table: how much it needs it, and how its prediction changes with it."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import polars as pl
import torch
from torch import Tensor

from stepwell.core.trees import Tree, map_tensors, take
from stepwell.data.checks import CHECK_KEY
from stepwell.data.tables.encoding import Encoding
from stepwell.data.tables.reader import TableReader
from stepwell.insight.columns import put
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
        few = _sample(len(rows), _CURVE_ROWS)
        frame, inputs = reader.frame[batch.index[few].numpy()], take(batch.inputs, few)
        names = [column.column for column in found.columns if column.increase > 0][:_SHOWN]
        shown["dependence"] = [_curve(experiment, reader, frame, inputs, name) for name in names]
    return shown


def _sample(length: int, most: int) -> torch.Tensor:
    """Row numbers, evenly spaced, at most so many."""
    return torch.arange(0, length, max(1, -(-length // most)))


def _curve(
    experiment: Experiment, reader: TableReader, frame: pl.DataFrame, inputs: Tree, column: str
) -> dict[str, Any]:
    task, says = experiment.task, partial(predict, experiment.model, experiment.task)
    output, of = _likeliest(reader, says(inputs)) if isinstance(task, Multiclass) else (0, reader.target.spoken)
    values = _values(frame[column])
    shown = [value if isinstance(value, (int, float)) else str(value) for value in values]
    variants = _variants(reader, inputs, pl.Series(column, values, frame.schema[column]))
    return partial_dependence(says, variants, shown, column=column, of=of, output=output).to_json()


def _likeliest(reader: TableReader, probabilities: Tensor) -> tuple[int, str]:
    """The class that the model expects most rows in, which is the one whose probability is drawn."""
    best = int(probabilities.mean(0).argmax())
    return best, f"probability of {reader.target.classes[best]}"


def _values(column: pl.Series) -> list[Any]:
    """The values at which to look: a grid of numbers, evenly spaced times, or the most frequent categories."""
    known = column.drop_nulls()
    if known.dtype.is_numeric():
        grid = grid_of(known.to_numpy())
        return sorted({round(value) for value in grid}) if known.dtype.is_integer() else list(grid.tolist())
    if known.dtype.is_temporal():
        return [known.sort()[int(place)] for place in np.linspace(0, len(known) - 1, 20)]
    counts = known.value_counts(sort=True).head(_MOST_LEVELS)
    return sorted(counts[column.name].to_list())


def _variants(reader: TableReader, inputs: Tree, values: pl.Series) -> Iterator[Tree]:
    """The rows' inputs, with what a column becomes set to that of each of the values."""
    place = reader.encoding.places()[values.name]
    alone = Encoding(tuple(each for each in reader.encoding.encoders if each.name == values.name))
    features = _named(alone.encode(values.to_frame()).inputs)
    for number in range(len(values)):
        row = map_tensors(lambda tensor: tensor[:1].clone(), inputs)
        for name, where in (place if isinstance(place, Mapping) else {"numbers": place}).items():
            _named(row)[name][:, list(where)] = features[name][number]
        yield put(inputs, place, row)


def _named(inputs: Tree) -> dict[str, Tensor]:
    """Encoded inputs by name, also where no column is embedded."""
    return {"numbers": inputs} if isinstance(inputs, Tensor) else dict(inputs)
