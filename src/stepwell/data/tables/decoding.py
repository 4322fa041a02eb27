"""The way back from a network's inputs to rows of a table, as far as there is one."""

import numpy as np
import polars as pl
from torch import Tensor

from stepwell.core.trees import Tree
from stepwell.data.tables.calendar import Calendar
from stepwell.data.tables.codes import Categories, Codes
from stepwell.data.tables.encoder import Encoder, Floats
from stepwell.data.tables.encoding import Encoding
from stepwell.data.tables.numbers import Number

UNSEEN = "no category of the training rows"
_MINUTE = 60_000_000
_MINUTES_A_DAY = 1440


def decode(encoding: Encoding, inputs: Tree) -> pl.DataFrame:
    """Rows that become `inputs` when they are encoded: numbers, names of categories, times.

    Times are rounded to minutes: a float32 trend keeps no more of a few years, and less of decades. A category that was
    unseen in training has the name `UNSEEN`; where the inputs do not tell it from a missing one, it is missing.
    """
    tree = {"numbers": inputs} if isinstance(inputs, Tensor) else inputs
    numbers: Floats = tree["numbers"].numpy()
    codes = iter(tree["codes"].t().numpy() if "codes" in tree else ())
    columns, head = [], 0
    for encoder in encoding.encoders:
        if isinstance(encoder, Categories) and encoder.embedded:
            columns.append(_named(encoder, next(codes) - 1))
        else:
            columns.append(_decoded(encoder, numbers[:, head : head + len(encoder.names)]))
        head += len(encoder.names)
    return pl.DataFrame(columns)


def odd_rows(encoding: Encoding) -> pl.DataFrame:
    """Two rows, one without any value, and one of categories that were unseen in training and otherwise empty."""
    return pl.DataFrame([_odd(encoder) for encoder in encoding.encoders])


def _odd(encoder: Encoder) -> pl.Series:
    if isinstance(encoder, Calendar):
        return pl.Series(encoder.name, [None, None], pl.Datetime("us"))
    if isinstance(encoder, Number) and not encoder.order:
        return pl.Series(encoder.name, [None, None], pl.Float64)
    return pl.Series(encoder.name, [None, UNSEEN], pl.String)


def _decoded(encoder: Encoder, features: Floats) -> pl.Series:
    if isinstance(encoder, Categories):
        return _named(encoder, _levels(encoder, features))
    wide = features.astype(np.float64)
    if isinstance(encoder, Calendar):
        days = wide[:, 2 * len(encoder.periods)] * encoder.scale + encoder.mean
        micros = np.round(days * _MINUTES_A_DAY).astype(np.int64) * _MINUTE
        return _without(pl.Series(encoder.name, micros).cast(pl.Datetime("us")), encoder.missing, features)
    assert isinstance(encoder, Number)
    values = wide[:, 0] * encoder.scale + encoder.mean
    if not encoder.order:
        return _without(pl.Series(encoder.name, values), encoder.missing, features)
    places = np.round(values).astype(np.int64)
    return _without(pl.Series(encoder.name, [encoder.order[p] for p in places]), encoder.missing, features)


def _without(values: pl.Series, missing: bool, features: Floats) -> pl.Series:
    """The values, null where the last feature, if it is one that says so, is 1."""
    return values.set(pl.Series(features[:, -1] == 1), None) if missing else values


def _levels(encoder: Categories, features: Floats) -> Codes:
    """The place of each row's level, -1 for none."""
    shown = len(encoder.names) - encoder.missing
    hidden = len(encoder.levels) - shown  # the first of two levels has no feature where the second is a flag
    weights = np.ones(shown) if encoder.how == "cumulative" else np.arange(shown) + 1
    found = (features[:, :shown] @ weights).astype(np.int64) - 1
    places = np.where(found < 0, 0 if hidden else -1, found + hidden)
    known: Codes = np.where(features[:, -1] == 1, -2, places) if encoder.missing else places
    return known


def _named(encoder: Categories, places: Codes) -> pl.Series:
    names = [encoder.levels[int(p)] if p >= 0 else UNSEEN if p == -1 and not encoder.embedded else None for p in places]
    return pl.Series(encoder.name, names, pl.String)
