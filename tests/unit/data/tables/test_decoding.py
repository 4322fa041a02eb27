import datetime as dt

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from stepwell.core.trees import tensors
from stepwell.data.tables.column import Column
from stepwell.data.tables.decoding import UNSEEN, decode, odd_rows
from stepwell.data.tables.encoding import Encoding

KINDS = {
    "weight": ("continuous", "number", ()),
    "town": ("nominal", "onehot", ()),
    "floor": ("nominal", "onehot", ()),
    "member": ("nominal", "number", ()),
    "size": ("ordinal", "number", ("s", "m", "l")),
    "grade": ("ordinal", "cumulative", ("low", "mid", "high")),
    "code": ("nominal", "embedding", ()),
    "day": ("time", "calendar", ()),
}
minutes = st.integers(0, 2 * 365 * 1440).map(lambda minute: dt.datetime(2019, 1, 1) + dt.timedelta(minutes=minute))
row = st.fixed_dictionaries(
    {
        "weight": st.none() | st.floats(-1e6, 1e6, width=32),
        "town": st.none() | st.sampled_from(["Bern", "Rom", "Wien"]),
        "floor": st.none() | st.integers(1, 4),
        "member": st.none() | st.sampled_from(["no", "yes"]),
        "size": st.none() | st.sampled_from(["s", "m", "l"]),
        "grade": st.none() | st.sampled_from(["low", "mid", "high"]),
        "code": st.none() | st.sampled_from(["001", "7", "x"]),
        "day": st.none() | minutes,
    }
)
TYPES = {**dict.fromkeys(KINDS, pl.String), "weight": pl.Float64, "floor": pl.Int64, "day": pl.Datetime("us")}


def table_of(rows: list[dict[str, object]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=TYPES)


def fitted(frame: pl.DataFrame) -> Encoding:
    columns = [Column(name, kind, how, "for a test", order=order) for name, (kind, how, order) in KINDS.items()]
    return Encoding.fit(frame, columns, np.arange(len(frame)))  # type: ignore[arg-type]


@given(st.lists(row, min_size=2, max_size=12))
def test_decoded_rows_become_the_same_inputs(rows):
    encoding = fitted(table_of(rows))
    inputs = encoding.encode(table_of(rows)).inputs
    again = encoding.encode(decode(encoding, inputs)).inputs
    for one, two in zip(tensors(again), tensors(inputs), strict=True):
        torch.testing.assert_close(one, two, rtol=1e-6, atol=1e-6)


@pytest.fixture
def frame() -> pl.DataFrame:
    days = [dt.datetime(2020, 1, 1, 7, 30) + dt.timedelta(hours=31 * number) for number in range(60)]
    return table_of(
        [
            {"weight": 70.25 + n, "town": ["Rom", "Wien"][n % 2], "floor": 1 + n % 3, "member": ["no", "yes"][n % 2],
             "size": "sml"[n % 3], "grade": ["low", "mid", "high"][n % 3], "code": f"{n % 5:03d}", "day": day}
            for n, day in enumerate(days)
        ]
    )  # fmt: skip


def test_decoded_rows_are_those_that_were_encoded(frame):
    encoding = fitted(frame)
    decoded = decode(encoding, encoding.encode(frame).inputs)
    np.testing.assert_allclose(decoded["weight"], frame["weight"], rtol=1e-6)
    assert decoded["floor"].to_list() == frame["floor"].cast(pl.String).to_list()
    for name in ("town", "member", "size", "grade", "code", "day"):
        assert decoded[name].to_list() == frame[name].to_list(), name


def test_what_cannot_be_told_apart(frame):
    encoding = fitted(frame)
    odd = odd_rows(encoding)
    assert odd["town"].to_list() == [None, UNSEEN]
    assert odd["weight"].to_list() == odd["day"].to_list() == [None, None]
    decoded = decode(encoding, encoding.encode(odd).inputs)
    assert decoded["town"].to_list() == [UNSEEN, UNSEEN]  # of no town, nothing was missing in training
    assert decoded["code"].to_list() == [None, None]
    assert decoded["member"].to_list() == ["no", "no"]
