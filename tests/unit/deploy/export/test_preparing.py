"""The preparing graphs give what the encoders of the data room give, bit by bit but for times."""

import datetime as dt

import numpy as np
import polars as pl
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from stepwell.core.trees import tensors
from stepwell.data.series.reader import SeriesReader
from stepwell.data.tables.column import Column
from stepwell.data.tables.decoding import odd_rows
from stepwell.data.tables.encoding import Encoding
from stepwell.deploy.export.preparing import Prepared, PreparedSeries
from stepwell.deploy.export.raw import columns_of, raw_rows, series_columns
from stepwell.deploy.export.subjects import subject_of

KINDS = {
    "weight": ("continuous", "number", ()),
    "town": ("nominal", "onehot", ()),
    "floor": ("nominal", "onehot", ()),
    "member": ("nominal", "number", ()),
    "size": ("ordinal", "number", ("s", "m", "l")),
    "grade": ("ordinal", "cumulative", ("1", "2", "3")),
    "code": ("nominal", "embedding", ()),
    "day": ("time", "calendar", ()),
}
_ROUNDING = 2 * np.spacing(2**15)  # days: polars divides microseconds by multiplying, which rounds once more
row = st.fixed_dictionaries(
    {
        "weight": st.none() | st.floats(-1e9, 1e9),
        "town": st.none() | st.sampled_from(["Bern", "Rom", "Wien", "1.0"]),
        "floor": st.none() | st.sampled_from([1.0, 2.0, 2.5]),
        "member": st.none() | st.booleans(),
        "size": st.none() | st.sampled_from(["s", "m", "l"]),
        "grade": st.none() | st.integers(1, 3),
        "code": st.none() | st.sampled_from(["001", "7", "x"]),
        "day": st.none() | st.datetimes(dt.datetime(1960, 1, 1), dt.datetime(2030, 1, 1)),
    }
)
TYPES = {"weight": pl.Float64, "town": pl.String, "floor": pl.Float64, "member": pl.Boolean, "size": pl.String,
         "grade": pl.Int64, "code": pl.String, "day": pl.Datetime("us")}  # fmt: skip


def columns() -> list[Column]:
    return [Column(name, kind, how, "for a test", order=order) for name, (kind, how, order) in KINDS.items()]


@settings(max_examples=40, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(st.lists(row, min_size=2, max_size=9), st.lists(row, min_size=1, max_size=9))
def test_a_table_is_prepared_as_its_encoding_prepares_it(known, new):
    """Rows that the encoding was fitted to, others (with categories it has not seen), and rows of nothing."""
    frame = pl.DataFrame(known, schema=TYPES)
    encoding = Encoding.fit(frame, columns(), np.arange(len(frame)))
    for rows in (frame, pl.DataFrame(new, schema=TYPES), odd_rows(encoding)):
        raw = torch.from_numpy(raw_rows(columns_of(encoding), rows.to_dicts()))
        prepared, encoded = Prepared(encoding)(raw), encoding.encode(rows).inputs
        assert torch.equal(prepared["codes"], encoded["codes"])
        times = [
            place for place, name in enumerate(encoding.names) if name.startswith("day ") and "missing" not in name
        ]
        same = [place for place in range(encoding.features) if place not in times]
        assert torch.equal(prepared["numbers"][:, same], encoded["numbers"][:, same])
        off = 2 * np.pi * _ROUNDING + (_ROUNDING / encoding.encoders[-1].scale)  # type: ignore[attr-defined]
        torch.testing.assert_close(
            prepared["numbers"][:, times], encoded["numbers"][:, times], rtol=1.2e-7, atol=1.2e-7 + off
        )


def test_a_client_writes_values_as_it_likes(tables):
    reader = tables("paid").reader
    names = columns_of(reader.encoding)
    assert [column["kind"] for column in names] == ["number", "level", "level", "level", "level", "level", "time"]
    one = {"age": 41, "floor": 2, "town": "Rom", "code": "007", "size": "large", "member": True, "joined": "2011-01-31"}
    two = {**one, "age": "41", "floor": 2.0, "member": "true", "joined": "2011-01-31 00:00"}
    three = {**one, "joined": dt.datetime(2011, 1, 31), "age": 41.0}
    raw = raw_rows(names, [one, two, three])
    assert (raw == raw[0]).all()
    assert raw[0, -1] == (dt.date(2011, 1, 31) - dt.date(1970, 1, 1)).days
    nothing = raw_rows(names, [dict.fromkeys(one), dict.fromkeys(one, "")])
    assert np.isnan(nothing).all()
    assert raw_rows(names, [{**one, "town": "Paris"}])[0, 2] == -1


def test_a_series_is_prepared_as_its_channels_prepare_it(hours):
    reader = hours.reader
    assert isinstance(reader, SeriesReader)
    subject = subject_of(hours, 7)
    arrays = {name: torch.from_numpy(array) for name, array in subject.arrays.items()}
    prepared = PreparedSeries(reader.channels)(**arrays)
    assert torch.equal(prepared["past"], hours.examples["past"])
    torch.testing.assert_close(prepared["known"], hours.examples["known"], rtol=0, atol=1.2e-7)
    told = {name: [column["name"] for column in each] for name, each in series_columns(reader.channels).items()}
    assert told == {"past": ["y", "y was filled", "wind", "sky", "event"], "ahead": ["time", "event"]}
    assert [tensor.dtype for tensor in tensors(prepared)] == [torch.float32, torch.float32]


def test_a_series_of_nothing_but_itself(hours):
    from dataclasses import replace

    reader = hours.reader
    assert isinstance(reader, SeriesReader)
    alone = replace(reader.channels, past=Encoding(()), ahead=Encoding(()))
    past, ahead = torch.rand(3, 4, 2, dtype=torch.float64), torch.rand(3, 2, 1, dtype=torch.float64)
    prepared = PreparedSeries(alone)(past, ahead)
    assert torch.equal(prepared["past"], past.float())
    assert prepared["known"].shape == (3, 2, 2 * len(alone.circles))
    without = PreparedSeries(replace(alone, circles=()))(past, ahead)
    assert without["known"].shape == (3, 2, 0)
