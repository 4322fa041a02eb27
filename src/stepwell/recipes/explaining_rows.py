"""What an answer for a row of a table owes to each of its columns."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from stepwell.core.trees import Tree, between, map_tensors
from stepwell.data.tables.decoding import decode
from stepwell.data.tables.encoding import Encoding
from stepwell.data.tables.numbers import Number
from stepwell.data.tables.reader import TableReader
from stepwell.deploy.servable import Servable
from stepwell.insight.columns import Place, put
from stepwell.training.step import concatenate

_NOTHING = 1e-7  # what float32 leaves of a zero that was standardised and back


@dataclass(frozen=True, eq=False)
class _Usual:
    """The `place` of each column, a `row` of their usual values, and these `values` as people know them."""

    places: Mapping[str, Place]
    row: Tree
    values: tuple[Any, ...]


def explain_row(servable: Servable, one: Tree) -> dict[str, Any]:
    """The change of a table's answer with each column at its usual value: of numbers the training rows' median, of others what
    the kept rows have most.
    """
    assert isinstance(servable.reader, TableReader)
    encoding = servable.reader.encoding
    return _changes(servable, one, _told(encoding, one), _of_table(encoding, servable.examples))


def explain_features(servable: Servable, one: Tensor) -> dict[str, Any]:
    """The same of plain numbers `(1, features)`: each is a column, and its median among the kept rows is usual."""
    row = servable.examples.quantile(0.5, dim=0, keepdim=True)
    places: dict[str, Place] = {f"number {column + 1}": (column,) for column in range(one.shape[1])}
    values = tuple(map(_written, row[0].tolist()))
    return _changes(servable, one, tuple(map(_written, one[0].tolist())), _Usual(places, row, values))


def _of_table(encoding: Encoding, examples: Tree) -> _Usual:
    places: dict[str, Place] = dict(encoding.places())
    row = map_tensors(lambda tensor: tensor[:1].clone(), examples)
    for encoder in encoding.encoders:
        place = places[encoder.name]
        row = put(row, place, _usual(examples, place))
        if isinstance(encoder, Number):
            row = _at_median(row, place, encoder)
    return _Usual(places, row, _told(encoding, row))


def _usual(examples: Tree, place: Place) -> Tree:
    """Of the kept rows the one whose features of a column are nearest to all others': of numbers a middle one, of categories
    the most frequent.
    """
    tables = {"": examples} if isinstance(examples, Tensor) else examples
    where = {"": place} if not isinstance(place, Mapping) else place
    features = torch.cat([tables[name][:, list(columns)].double() for name, columns in where.items()], 1)
    apart = features[:, None] - features[None]
    integral = isinstance(place, Mapping) and not tables[next(iter(where))].is_floating_point()
    distance = (apart != 0).sum((1, 2)) if integral else apart.abs().sum((1, 2))
    best = int(distance.argmin())
    return between(examples, best, best + 1)


def _at_median(row: Tree, place: Place, encoder: Number) -> Tree:
    """The row with the median of the training rows in a column of numbers, and there."""
    changed = map_tensors(lambda tensor: tensor.clone(), row)
    table = changed if isinstance(changed, Tensor) else changed["numbers"]
    columns = list(place["numbers"] if isinstance(place, Mapping) else place)
    table[0, columns] = 0.0  # the feature that says it is missing, too
    table[0, columns[0]] = (encoder.median - encoder.mean) / encoder.scale
    return changed


def _told(encoding: Encoding, row: Tree) -> tuple[Any, ...]:
    return tuple(map(_written, decode(encoding, row).row(0)))


def _written(value: Any) -> Any:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return float(f"{value:.4g}") if abs(value) > _NOTHING else 0.0
    return str(value).removesuffix(" 00:00:00")


def _changes(servable: Servable, one: Tree, values: tuple[Any, ...], usual: _Usual) -> dict[str, Any]:
    """The answer as it is, and with each column in turn at its usual value; all of them go through the model together."""
    changed = [put(one, place, usual.row) for place in usual.places.values()]
    answers = servable.task.answers(servable.outputs(concatenate([one, *changed])))
    of, before = _quantity(answers[0], None)
    columns = [
        {"column": column, "value": value, "usual": middle, "change": _rounded(before - _quantity(answer, of)[1])}
        for column, value, middle, answer in zip(usual.places, values, usual.values, answers[1:], strict=True)
    ]
    label = answers[0].get("label")
    spoken = of if label is None else f"probability of {of}"
    columns.sort(key=lambda each: -abs(each["change"]))
    return {"kind": "columns", "label": label, "of": spoken, "answer": _rounded(before), "columns": columns}


def _quantity(answer: Mapping[str, Any], of: str | None) -> tuple[str, float]:
    """The probability of a class, by default of the one that won; or the first value."""
    if "probabilities" in answer:
        name = str(answer["label"]) if of is None else of
        return name, float(answer["probabilities"][name])
    name, value = next(iter(answer["values"].items()))
    return str(name), float(value)


def _rounded(value: float) -> float:
    return float(f"{value:.5g}")
