"""How much worse a model becomes when the values of one column are exchanged between the rows."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from stepwell.core.errors import DataError
from stepwell.core.keys import Key
from stepwell.core.trees import Tree, map_tensors, rows, take
from stepwell.insight.columns import Place, put
from stepwell.insight.outputs import Predict
from stepwell.insight.scores import Score
from stepwell.training.step import concatenate

_AT_ONCE = 32768  # rows that are predicted together


@dataclass(frozen=True)
class ColumnImportance:
    """By how much exchanging a column's values made the score worse: the mean and the standard deviation (that of the
    values themselves, not of a sample) of the repeats, and each of them.
    """

    column: str
    increase: float
    std: float
    repeats: tuple[float, ...]


@dataclass(frozen=True)
class Importance:
    """The columns of a table by how much a model needs them, the most important first.

    `metric` is the score, `good` which way it is good, and `score` what it is with the columns as they are.
    """

    metric: str
    good: Literal["min", "max"]
    score: float
    columns: tuple[ColumnImportance, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain data for reports: `{"metric", "score", "columns": [{"column", "increase", "std"}, …]}`."""
        columns = [{"column": c.column, "increase": c.increase, "std": c.std} for c in self.columns]
        return {"metric": self.metric, "score": self.score, "columns": columns}


def permutation_importance(
    predict: Predict,
    inputs: Tree,
    targets: Tensor,
    groups: Mapping[str, Place],
    score: Score,
    *,
    repeats: int = 5,
    seed: int = 0,
) -> Importance:
    """Exchange each column's values between the rows, `repeats` times, and see how much worse the score becomes.

    `predict` gives the model's outputs for inputs (`partial(outputs_of, model)`), `score` comes from `score_of`. `groups`
    says where each column lies among the inputs: all features of a one-hot or calendar encoding, and an embedding's code,
    are exchanged together. The exchanges depend on the seed, the column's name and the repeat alone, so that a column's
    number does not change with the other columns. Take rows that were not trained on; equal columns share their importance
    between them, so that each may seem to have little.

    Raises `DataError` for fewer than two rows, no repeats, or a column that the inputs lack. Source: Breiman, *Random
    forests* (2001); Fisher, Rudin and Dominici, *All models are wrong, but many are useful* (2019).
    """
    count = rows(inputs)
    if count < 2 or repeats < 1:
        raise DataError(
            f"Exchanging values takes 2 rows and 1 repeat at least; given: {count} rows, {repeats} repeats."
        )
    before = score.compute(predict(inputs), targets)
    found = []
    for column, place in groups.items():
        key = Key(seed)("importance", column)
        partner = torch.stack([key(repeat).permutation(count) for repeat in range(repeats)])
        outputs = concatenate(list(_exchanged(predict, inputs, place, partner)))
        scores = [score.compute(_part(outputs, count, repeat), targets) for repeat in range(repeats)]
        found.append(_summary(column, [score.worse(before, after) for after in scores]))
    found.sort(key=lambda each: math.inf if math.isnan(each.increase) else -each.increase)
    return Importance(score.name, score.good, before, tuple(found))


def _exchanged(predict: Predict, inputs: Tree, place: Place, partner: Tensor) -> Iterator[Tree]:
    """Outputs of all repeats one behind the other, in blocks; `partner` `(repeats, rows)` is whose value a row gets."""
    count, partners = partner.shape[1], partner.reshape(-1)
    for start in range(0, len(partners), _AT_ONCE):
        place_of = torch.arange(start, min(start + _AT_ONCE, len(partners)))
        own, other = take(inputs, place_of % count), take(inputs, partners[place_of])
        yield predict(put(own, place, other))


def _part(outputs: Tree, count: int, repeat: int) -> Tree:
    return map_tensors(lambda tensor: tensor[repeat * count : (repeat + 1) * count], outputs)


def _summary(column: str, values: list[float]) -> ColumnImportance:
    return ColumnImportance(column, float(np.mean(values)), float(np.std(values)), tuple(values))
