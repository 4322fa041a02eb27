"""Columns from which the target can be computed: what is known of it only after it is."""

from collections.abc import Sequence
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl

from stepwell.data.tables.codes import Codes, codes_of, levels_of
from stepwell.data.tables.column import Column
from stepwell.data.tables.encoder import Doubles
from stepwell.data.tables.target import Target

_NEARLY_ALL = {"regression": 0.98, "binary": 0.95, "multiclass": 0.95}
_GROUPS = {"regression": (64, 3), "binary": (256, 1), "multiclass": (256, 1)}  # at most, and rows of one at least
_FEWEST_ROWS = 50
_LEAST_SAMPLE, _MOST_SAMPLE, _MOST_VALUES = 1000, 10_000, 2_000_000
_PROBED, _MOST_SUMMED = 8, 300  # rows that sift the pairs of columns, and columns of which pairs are made


def lone_predictors(frame: pl.DataFrame, rows: Codes, columns: Sequence[Column], target: Target) -> dict[str, float]:
    """The columns of which each predicts the target nearly alone, and how well: 1 is always, 0 no better than a constant.

    `rows` are the training rows. A column is cut into groups of neighbouring values; each group's mean rank of the target,
    or its most frequent class, learnt on every other row of a sample, is judged on the rows between. The score is R², or the
    share of the most frequent class's mistakes that is mended. Fewer than 50 rows, or a lone column, say nothing.
    """
    used = [column for column in columns if column.encoding]
    if len(rows) < _FEWEST_ROWS or len(used) < 2:
        return {}
    sample = frame.select(*(c.name for c in used), target.name)[rows[_spaced(len(rows), _MOST_VALUES // len(used))]]
    aims = target.encode(sample).numpy().reshape(-1)
    judge = (
        partial(_rank_score, _ranks(aims)) if target.kind == "regression" else partial(_class_score, aims.astype(int))
    )
    scores = {column.name: judge(_groups(sample[column.name], *_GROUPS[target.kind])) for column in used}
    return {name: score for name, score in scores.items() if score >= _NEARLY_ALL[target.kind]}


def _spaced(rows: int, due: int) -> Codes:
    """Evenly spaced rows, an even number of them, about as many as are due."""
    count = min(rows, max(_LEAST_SAMPLE, min(due, _MOST_SAMPLE)))
    return np.linspace(0, rows - 1, count).astype(np.int64)


def _groups(values: pl.Series, most: int, least: int) -> Codes:
    """A small number for each row: of its category, or of its place among the quantiles; missing ones are a group."""
    if not (values.dtype.is_numeric() or values.dtype.is_temporal()):
        return codes_of(values, levels_of(values)) + 1
    numbers = (values.to_physical() if values.dtype.is_temporal() else values).cast(pl.Float64).to_numpy()
    ordered = np.sort(numbers[::2])
    size = max(least, len(ordered) // most)
    edges = np.unique(ordered[size::size])
    return np.searchsorted(edges, numbers, side="right")


def _rank_score(ranks: Doubles, groups: Codes) -> float:
    known, held, size = groups[::2], groups[1::2], int(groups.max()) + 1
    count = np.bincount(known, minlength=size)
    sums = np.bincount(known, ranks[::2], minlength=size)
    means = np.where(count > 0, sums / np.maximum(count, 1), ranks[::2].mean())
    return float(1 - ((ranks[1::2] - means[held]) ** 2).sum() / ((ranks[1::2] - ranks[::2].mean()) ** 2).sum())


def _class_score(classes: Codes, groups: Codes) -> float:
    size, kinds = int(groups.max()) + 1, int(classes.max()) + 1
    counts = np.bincount(groups[::2] * kinds + classes[::2], minlength=size * kinds).reshape(size, kinds)
    best = int(counts.sum(0).argmax())
    said = np.where(counts.sum(1) > 0, counts.argmax(1), best)
    wrong, plain = (said[groups[1::2]] != classes[1::2]).mean(), (classes[1::2] != best).mean()
    return float(1 - wrong / plain) if plain else 0.0


def _ranks(values: Doubles) -> Doubles:
    """Mean ranks: equal values have equal ranks."""
    _, member, count = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(count) - (count - 1) / 2)[member]


def exact_sums(
    frame: pl.DataFrame, rows: Codes, columns: Sequence[Column], target: Target
) -> list[tuple[str, str, str]]:
    """Pairs of numeric columns whose sum or difference is the target in all training rows `rows`: `(first, "+", second)`.

    Of more than 300 numeric columns the first 300 are looked at.
    """
    types = frame.schema
    names = [c.name for c in columns if c.encoding and types[c.name].is_numeric()][:_MOST_SUMMED]
    if target.kind != "regression" or len(names) < 2 or len(rows) < _FEWEST_ROWS:
        return []
    probed = frame[rows[np.linspace(0, len(rows) - 1, _PROBED).astype(np.int64)]]
    x, y = probed.select(pl.col(names).cast(pl.Float64)).to_numpy(), _doubles(probed[target.name])
    sums = _fitting(x, x, y)
    found = [(names[i], "+", names[j]) for i, j in combinations(range(len(names)), 2) if sums[i, j]]
    found += [(names[i], "-", names[j]) for i, j in np.argwhere(_fitting(x, -x, y)) if i != j]
    return [one for one in found if _always(frame, rows, one, target.name)]


def _fitting(a: Doubles, b: Doubles, y: Doubles) -> Any:
    """Which pairs of columns sum to the target in the probed rows; a mask `(columns, columns)`."""
    fits = np.ones((a.shape[1], b.shape[1]), bool)
    for row in range(len(y)):
        fits &= _near(a[row][:, None] + b[row][None, :], y[row])
    return fits


def _always(frame: pl.DataFrame, rows: Codes, found: tuple[str, str, str], target: str) -> bool:
    """Whether it holds in every row, and neither column is idle."""
    a, b, y = (_doubles(frame[name][rows]) for name in (found[0], found[2], target))
    total = a + b if found[1] == "+" else a - b
    return bool(_near(total, y).all() and np.any(a) and np.any(b))


def _doubles(values: pl.Series) -> Doubles:
    return values.cast(pl.Float64).to_numpy()


def _near(a: Any, b: Any) -> Any:
    return np.isclose(a, b, rtol=1e-6, atol=1e-9)
