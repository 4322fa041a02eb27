"""What of a model is exported, by the kind of its reader: where raw values can be prepared in the graph, they are."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from stepwell.core.trees import Tree, rows
from stepwell.data.series.reader import SeriesReader
from stepwell.data.series.waves import waves
from stepwell.data.tables.decoding import decode, odd_rows
from stepwell.data.tables.encoding import Encoding
from stepwell.data.tables.reader import TableReader
from stepwell.deploy.calls import Numbers
from stepwell.deploy.card import Array
from stepwell.deploy.export.graph import Graph, Subject
from stepwell.deploy.export.preparing import Prepared, PreparedSeries
from stepwell.deploy.export.raw import DAY_US, Columns, columns_of, raw_rows, series_columns
from stepwell.deploy.servable import ALONE, Servable, as_numpy
from stepwell.training.step import concatenate

ROWS = "rows"
"""The input of a table's graph: raw rows, whose columns `model.json` describes."""

_ANY_TIME = "2024-02-28 22:00"  # from which the hours lead into another day, week and month


def subject_of(servable: Servable, least: int) -> Subject:
    """What of a model is exported, with at least `least` rows to compare it by: few examples are taken several times."""
    make = _KINDS.get(type(servable.reader), _of_arrays)
    graph, arrays, model_inputs, columns = make(servable)
    both = _repeated({"arrays": dict(arrays), "model": model_inputs}, least)
    found = as_numpy(both["arrays"], ALONE)
    inputs = tuple(Array(name, str(array.dtype), array.shape[1:]) for name, array in found.items())
    return Subject(
        servable=servable, graph=graph.eval(), inputs=inputs, arrays=found, model_inputs=both["model"], columns=columns
    )


Parts = tuple[Graph, Mapping[str, Tensor], Tree, Mapping[str, Columns]]
"""The graph, rows as it takes them, the same as the model takes them, and the columns of raw inputs."""


def _repeated(tree: Tree, least: int) -> Tree:
    return concatenate([tree] * -(-least // rows(tree)))


def _of_arrays(servable: Servable) -> Parts:
    graph = Graph(servable.model, servable.task, servable.examples)
    arrays = {name: torch.from_numpy(array) for name, array in as_numpy(servable.examples, ALONE).items()}
    return graph, arrays, servable.examples, {}


def _of_table(servable: Servable) -> Parts:
    """The graph begins with the table's encoding; its rows are the examples, and two of what is seldom in a table."""
    assert isinstance(servable.reader, TableReader)
    encoding = servable.reader.encoding
    if not encoding.encoders:
        return _of_arrays(servable)
    columns, odd = columns_of(encoding), odd_rows(encoding)
    records, inputs = _records(servable, encoding)
    raw = torch.from_numpy(raw_rows(columns, [*records, *odd.to_dicts()]))
    features = concatenate([inputs, encoding.encode(odd).inputs])
    graph = Graph(servable.model, servable.task, servable.examples, Prepared(encoding))
    return graph, {ROWS: raw}, features, {ROWS: columns}


def _records(servable: Servable, encoding: Encoding) -> tuple[Sequence[Mapping[str, Any]], Tree]:
    """The examples as their file has them, and as inputs. What a run does not keep of a wide file is found from the inputs."""
    if servable.raw and all(set(encoding.columns) <= set(record) for record in servable.raw):
        return servable.raw, servable.examples
    frame = decode(encoding, servable.examples)
    return frame.to_dicts(), encoding.encode(frame).inputs


def _of_series(servable: Servable) -> Parts:
    """The graph begins with the encoding of the columns and the circles of the calendar."""
    reader = servable.reader
    assert isinstance(reader, SeriesReader)
    channels, past, known = reader.channels, servable.examples["past"], servable.examples["known"]
    starts = [np.datetime64(str(raw.get("from", _ANY_TIME)), "us") for raw in servable.raw or [{}] * len(past)]
    times = np.stack([reader.step.times(start, np.arange(reader.horizon)) for start in starts])
    circles = torch.from_numpy(waves(times.reshape(-1), channels.circles)).view(*times.shape, -1)
    ends, head = circles.shape[2], past.shape[2] - len(channels.ahead.names)
    behind = [past[:, :, :2].double(), _raw(channels.past, past[:, :, 2:head]), _raw(channels.ahead, past[:, :, head:])]
    days = torch.from_numpy(times.astype(np.int64) / DAY_US).unsqueeze(2)
    arrays = {"past": torch.cat(behind, 2), "ahead": torch.cat([days, _raw(channels.ahead, known[:, :, ends:])], 2)}
    inputs = {"past": past, "known": torch.cat([circles, known[:, :, ends:]], 2)}
    graph = Graph(servable.model, servable.task, servable.examples, PreparedSeries(channels))
    return graph, arrays, inputs, series_columns(channels)


def _raw(encoding: Encoding, features: Tensor) -> Tensor:
    """Features `(rows, steps, features)` as raw values `(rows, steps, columns)`."""
    if not encoding.encoders:
        return features.double()
    frame = decode(encoding, features.flatten(0, 1))
    raw: Numbers = raw_rows(columns_of(encoding), frame.to_dicts())
    return torch.from_numpy(raw).view(*features.shape[:2], -1)


_KINDS: Mapping[type, Callable[[Servable], Parts]] = {TableReader: _of_table, SeriesReader: _of_series}
