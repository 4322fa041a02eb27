"""How a model's prediction changes with one column while the others stay as they are."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from stepwell.core.errors import DataError
from stepwell.core.trees import Tree, map_tensors, rows
from stepwell.insight.columns import Place, put
from stepwell.insight.outputs import Predict

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Dependence:
    """The prediction over a column's values `x` (numbers or texts): `y` is the mean over all rows, `low` and `high` bound the
    middle of the rows' own curves, all `(len(x),)`; `curves` `(len(x), rows)` are those.

    Curves of several slopes under a flat mean tell of a column that matters together with others.
    """

    column: str
    of: str
    x: tuple[float | str, ...]
    y: Array
    low: Array
    high: Array
    curves: Array

    def to_json(self) -> dict[str, Any]:
        """Plain data for reports: `{"column", "x", "y", "low", "high", "of"}`."""
        lists = {name: getattr(self, name).tolist() for name in ("y", "low", "high")}
        return {"column": self.column, "of": self.of, "x": list(self.x), **lists}


def partial_dependence(
    predict: Predict,
    variants: Iterable[Tree],
    x: Sequence[float | str],
    *,
    column: str,
    of: str = "prediction",
    output: int = 0,
    band: tuple[float, float] = (0.1, 0.9),
) -> Dependence:
    """Mean and spread of predictions for all rows with a column set to each of the values `x`.

    `variants` are the inputs of all rows, once for each value: those of a table whose column was set before it was encoded,
    or `variants_of(inputs, place, values)`. `predict` gives one number a row (`partial(stepwell.predict, model, task)`);
    `output` picks one of several, such as a class. `band` are the quantiles of the rows' curves.

    Raises `DataError` where there are not as many variants as values. Source: Friedman, *Greedy function approximation*
    (2001); Goldstein and others, *Peeking inside the black box* (2015).
    """
    curves = [_column(predict(inputs), output) for inputs in variants]
    if len(curves) != len(x) or not curves:
        raise DataError(f"There are {len(curves)} variants of the inputs for {len(x)} values; give one for each.")
    table = torch.stack(curves).cpu().double().numpy()
    low, high = np.quantile(table, band, axis=1)
    return Dependence(column, of, tuple(x), table.mean(axis=1), low, high, table)


def variants_of(inputs: Tree, place: Place, values: Iterable[Tree]) -> Iterator[Tree]:
    """The inputs with a column's features set to each of the values, for all rows.

    A value is a row `(1, features)` of inputs that holds the column's features, in the inputs' form; or a number, for a column
    that is one feature.
    """
    for value in values:
        yield put(inputs, place, _row(inputs, value))


def _row(inputs: Tree, value: Tree) -> Tree:
    if isinstance(value, (int, float)):
        return map_tensors(lambda tensor: torch.full_like(tensor[:1], value), inputs)
    return map_tensors(lambda tensor: tensor.reshape(1, -1), value)


def grid_of(values: npt.ArrayLike, points: int = 20, ends: tuple[float, float] = (0.05, 0.95)) -> Array:
    """Values at which to look at a column of numbers: all of them where there are no more than `points`, or else evenly
    spaced ones between the quantiles `ends`, so that a few far rows do not stretch the picture. NaN is left out.
    """
    known = np.asarray(values, dtype=np.float64).reshape(-1)
    distinct: Array = np.unique(known[np.isfinite(known)])
    if len(distinct) <= points:
        return distinct
    low, high = np.quantile(known[np.isfinite(known)], ends)
    return np.linspace(low, high, points) if high > low else distinct[:: -(-len(distinct) // points)]


def sample_of(inputs: Tree, most: int = 500) -> Tree:
    """At most that many rows of the inputs, evenly spaced: enough for means, and few enough to be quick."""
    step = max(1, -(-rows(inputs) // most))
    return map_tensors(lambda tensor: tensor[::step], inputs)


def _column(predicted: Tree, output: int) -> Tensor:
    """One number a row."""
    if not isinstance(predicted, Tensor):
        raise DataError(f"The prediction is a {type(predicted).__name__}; one tensor, rows first, is needed.")
    table = predicted.detach().reshape(len(predicted), -1)
    if not -table.shape[1] <= output < table.shape[1]:
        raise DataError(f"The model predicts {table.shape[1]} numbers a row; there is no number {output}.")
    return table[:, output]
