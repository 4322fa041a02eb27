"""Values as people write them, as the numbers that a graph takes.

A raw row is one float64 a column: a number as it is, a time in days since 1970, the place of a category among its column's
levels, `UNSEEN` for a category that is none of them, NaN for what is missing.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from stepwell.data.series.channels import FILLED, Channels
from stepwell.data.tables.calendar import Calendar
from stepwell.data.tables.codes import Categories
from stepwell.data.tables.encoder import Doubles, Encoder
from stepwell.data.tables.encoding import Encoding
from stepwell.data.tables.numbers import Number

DAY_US = 86_400_000_000
"""Microseconds of a day."""

UNSEEN = -1.0
"""A category that no training row had."""

Columns = Sequence[Mapping[str, Any]]
"""What the numbers of a raw row are, in order."""


def columns_of(encoding: Encoding) -> list[dict[str, Any]]:
    """What a client does with each column, in order: `{"name", "kind": "number", "level" or "time", "levels"}`."""
    return [{"name": encoder.name, **_client_side(encoder)} for encoder in encoding.encoders]


def _client_side(encoder: Encoder) -> dict[str, Any]:
    if isinstance(encoder, Calendar):
        return {"kind": "time"}
    if isinstance(encoder, Categories):
        return {"kind": "level", "levels": list(encoder.levels)}
    if isinstance(encoder, Number) and encoder.order:
        return {"kind": "level", "levels": list(encoder.order)}
    return {"kind": "number"}


def series_columns(channels: Channels) -> dict[str, Columns]:
    """The columns of a step of the past, and of one ahead."""
    own = [{"name": name, "kind": "number"} for name in (channels.target, f"{channels.target} {FILLED}")]
    ahead = columns_of(channels.ahead)
    return {"past": [*own, *columns_of(channels.past), *ahead], "ahead": [{"name": "time", "kind": "time"}, *ahead]}


def raw_rows(columns: Columns, records: Sequence[Mapping[str, Any]]) -> Doubles:
    """Raw rows `(n, columns)` of records by the names of their columns, as `examples/onnx_client.py` makes them."""
    return np.array([[_raw(column, record[column["name"]]) for column in columns] for record in records], np.float64)


def _raw(column: Mapping[str, Any], value: Any) -> float:
    if value is None or value == "":
        return float("nan")
    if column["kind"] == "time":
        return float(np.datetime64(value, "us").astype(np.int64)) / DAY_US
    if column["kind"] == "number":
        return float(value)
    text = value if isinstance(value, str) else json.dumps(value).removesuffix(".0")
    return float(column["levels"].index(text)) if text in column["levels"] else UNSEEN
