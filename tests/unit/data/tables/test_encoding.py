import datetime as dt
import json

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from stepwell.core.errors import DataError
from stepwell.core.trees import tensors
from stepwell.data.tables.column import Column
from stepwell.data.tables.encoding import Encoding

quick = settings(max_examples=40, deadline=None)

NUMBER = ("continuous", "number")
ONEHOT = ("nominal", "onehot")
FLAG = ("nominal", "number")
CODES = ("nominal", "embedding")


def column(name, kind, order=()) -> Column:
    return Column(name, kind[0], kind[1], "for a test", order=order)


def fitted(frame, rows=None, **kinds) -> Encoding:
    columns = [column(name, kind) for name, kind in kinds.items()]
    return Encoding.fit(frame, columns, np.arange(len(frame)) if rows is None else np.asarray(rows))


def encoded(frame, rows=None, **kinds) -> torch.Tensor:
    return fitted(frame, rows, **kinds).encode(frame).inputs


@pytest.fixture
def bikes() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    return pl.DataFrame(
        {
            "temp": rng.normal(20, 5, 60),
            "season": [1 + i % 4 for i in range(60)],
            "holiday": [i % 2 for i in range(60)],
            "station": [f"s{i % 30}" for i in range(60)],
            "day": [dt.date(2024, 1, 1) + dt.timedelta(7 * i) for i in range(60)],
        }
    )


ALL = {"temp": NUMBER, "season": ONEHOT, "holiday": FLAG, "day": ("time", "calendar")}


def test_names_say_what_a_feature_is(bikes):
    names = ("temp", "season=1", "season=2", "season=3", "season=4", "holiday=1")
    assert fitted(bikes, **ALL).names == (*names, "day day of year (sin)", "day day of year (cos)", "day trend")


def test_inputs_are_one_float32_table(bikes):
    encoding = fitted(bikes, **ALL)
    inputs, notes = encoding.encode(bikes)
    assert inputs.dtype == torch.float32
    assert inputs.shape == (60, encoding.features)
    assert notes == ()
    assert encoding.levels == encoding.embedded == ()


def test_embedded_columns_become_codes_beside_the_numbers(bikes):
    encoding = fitted(bikes, station=CODES, temp=NUMBER)
    inputs = encoding.encode(bikes).inputs
    assert set(inputs) == {"numbers", "codes"}
    assert inputs["numbers"].shape == (60, 1)
    assert inputs["codes"].dtype == torch.int64
    assert encoding.levels == (31,)
    assert sorted(set(inputs["codes"][:, 0].tolist())) == list(range(1, 31))
    assert fitted(bikes, station=CODES).encode(bikes).inputs["numbers"].shape == (60, 0)


def test_places_say_where_a_column_lies(bikes):
    assert fitted(bikes, **ALL).places() == {
        "temp": (0,),
        "season": (1, 2, 3, 4),
        "holiday": (5,),
        "day": (6, 7, 8),
    }
    assert fitted(bikes, season=ONEHOT, station=CODES, temp=NUMBER).places() == {
        "season": {"numbers": (0, 1, 2, 3)},
        "station": {"codes": (0,)},
        "temp": {"numbers": (4,)},
    }


def test_every_feature_has_the_column_that_it_comes_from(bikes):
    encoding = fitted(bikes, **ALL)
    assert encoding.sources() == ("temp", *["season"] * 4, "holiday", *["day"] * 3)
    assert encoding.counts() == {"season": 4, "holiday": 2}
    assert encoding.columns == tuple(ALL)


def test_numbers_are_those_of_sklearns_scaler(bikes):
    rows = np.arange(0, 60, 2)
    ours = encoded(bikes, rows, temp=NUMBER)
    scaler = StandardScaler().fit(bikes[rows].select("temp").to_numpy())
    theirs = scaler.transform(bikes.select("temp").to_numpy()).astype(np.float32)
    torch.testing.assert_close(ours, torch.from_numpy(theirs), rtol=1e-6, atol=1e-7)


def test_one_hot_is_that_of_sklearn(bikes):
    rows = np.arange(0, 60, 4)  # spring only, so that the other seasons are unseen
    theirs = OneHotEncoder(handle_unknown="ignore", sparse_output=False).fit(bikes[rows].select("season").to_numpy())
    ours = encoded(bikes, rows, season=ONEHOT)
    assert torch.equal(ours, torch.from_numpy(theirs.transform(bikes.select("season").to_numpy())).float())


def test_only_training_rows_count():
    frame = pl.DataFrame({"a": [1.0, 2.0, 3.0, 1000.0], "b": ["x", "y", "x", "z"]})
    changed = pl.DataFrame({"a": [1.0, 2.0, 3.0, -5.0], "b": ["x", "y", "x", "q"]})
    kinds = {"a": NUMBER, "b": ONEHOT}
    assert fitted(frame, [0, 1, 2], **kinds) == fitted(changed, torch.tensor([0, 1, 2]), **kinds)


def test_a_constant_column_is_zero_and_safe():
    frame = pl.DataFrame({"a": [0.1] * 7})
    assert torch.equal(encoded(frame, a=NUMBER), torch.zeros(7, 1))
    assert fitted(frame, a=NUMBER).bins(8) == [[-0.5, 0.5]]


def test_missing_numbers_get_the_training_median_and_a_feature_of_their_own():
    frame = pl.DataFrame({"a": [1.0, None, 3.0, float("nan"), 8.0]})
    encoding = fitted(frame, a=NUMBER)
    assert encoding.names == ("a", "a is missing")
    filled = np.array([1, 3, 3, 3, 8.0])
    expected = np.column_stack([(filled - filled.mean()) / filled.std(), [0, 1, 0, 1, 0]])
    np.testing.assert_allclose(encoding.encode(frame).inputs.numpy(), expected, rtol=1e-6, atol=1e-7)


def test_missing_values_where_training_rows_had_none_are_noted():
    train, new = pl.DataFrame({"a": [1.0, 2.0, 9.0], "b": ["x", "y", "z"]}), pl.DataFrame({"a": [None], "b": [None]})
    inputs, notes = fitted(train, a=NUMBER, b=ONEHOT).encode(new.cast({"a": pl.Float64, "b": pl.String}))
    assert notes == (
        "a: 1 row has no value, which no training row lacked; the median 2 stands in",
        "b: 1 row has no value, which no training row lacked",
    )
    assert inputs[0, 1:].tolist() == [0, 0, 0]


def test_a_new_table_may_lack_all_values_of_a_column():
    train = pl.DataFrame({"a": [1.0, 2.0, None], "b": ["x", None, "y"]})
    new = pl.DataFrame({"a": [None, None], "b": [None, None]})
    assert new.schema["a"] == pl.Null
    inputs, notes = fitted(train, a=NUMBER, b=ONEHOT).encode(new)
    assert inputs[:, 1].tolist() == inputs[:, 4].tolist() == [1, 1]
    assert notes == ()


def test_unseen_categories_are_zeros_and_noted():
    train = pl.DataFrame({"w": [1, 2, 3, 4]})
    new = pl.DataFrame({"w": [5, 5, 1, 6, 5, 7, 8]})
    inputs, notes = fitted(train, w=ONEHOT).encode(new)
    assert inputs.sum(1).tolist() == [0, 0, 1, 0, 0, 0, 0]
    assert notes[0] == 'w: 3 rows have the category "5", unseen in training'
    assert len(notes) == 4
    assert notes[-1] == "w: 1 row has one of 1 more categories unseen in training"


def test_unseen_and_missing_categories_have_code_0():
    train = pl.DataFrame({"w": ["a", "b", None]})
    assert fitted(train, w=CODES).encode(pl.DataFrame({"w": ["b", "c", None]})).inputs["codes"].tolist() == [
        [2],
        [0],
        [0],
    ]


def test_values_far_outside_the_training_range_are_noted():
    encoding = fitted(pl.DataFrame({"t": [0.0, 0.5, 1.0]}), t=NUMBER)
    assert encoding.encode(pl.DataFrame({"t": [1.4, -0.4]})).notes == ()
    far = encoding.encode(pl.DataFrame({"t": [40.0, 2.0, 0.3]})).notes
    assert far == ("t: 2 rows have a value far outside the training range 0 to 1 (farthest: 40)",)


def test_text_where_numbers_are_due_is_refused_with_its_line():
    encoding = fitted(pl.DataFrame({"t": [0.0, 0.5, 1.0]}), t=NUMBER)
    new = pl.DataFrame({"t": ["1", "2.5", "warm", "cold"]})
    with pytest.raises(
        DataError, match=r"Column 't' has the text 'warm' in line 4 \(2 rows like it\); in training it held"
    ):
        encoding.encode(new, lambda row: row + 2)
    with pytest.raises(DataError, match="in row 2"):
        encoding.encode(new)
    assert encoding.encode(pl.DataFrame({"t": ["1", "0.5", None]})).inputs.shape == (3, 1)


def test_dates_where_numbers_are_due_are_refused():
    with pytest.raises(DataError, match="Column 't' holds Date; in training it held numbers"):
        fitted(pl.DataFrame({"t": [0.0, 1.0]}), t=NUMBER).encode(pl.DataFrame({"t": [dt.date(2024, 1, 1)]}))


def test_infinite_numbers_are_refused():
    frame = pl.DataFrame({"t": [0.0, 1.0, float("-inf")]})
    with pytest.raises(DataError, match="Column 't' is infinite in row 2; leave the field empty"):
        fitted(frame, t=NUMBER)


def test_lines_of_training_rows_are_those_of_the_file():
    frame = pl.DataFrame({"t": ["1", "2", "3", "x"]})
    with pytest.raises(DataError, match="'x' in line 5"):
        Encoding.fit(frame, [column("t", NUMBER)], np.array([1, 3]), lambda row: row + 2)


def test_a_column_that_is_not_there_is_named():
    with pytest.raises(DataError, match="lacks 'temp', 'season'"):
        fitted(pl.DataFrame({"temp": [1.0, 2], "season": [1, 2]}), temp=NUMBER, season=ONEHOT).encode(
            pl.DataFrame({"a": [1]})
        )


def test_categories_are_the_same_however_numbers_were_read():
    whole = fitted(pl.DataFrame({"w": [3, 1, 10]}), w=ONEHOT)
    assert whole.names == ("w=1", "w=3", "w=10")
    assert whole.encode(pl.DataFrame({"w": [10.0, 1.0, None]})).inputs.argmax(1)[:2].tolist() == [2, 0]
    assert whole.encode(pl.DataFrame({"w": ["10", "1"]})).inputs.argmax(1).tolist() == [2, 0]


def test_text_categories_are_to_be_read_as_text(bikes):
    encoding = fitted(bikes, station=CODES, season=ONEHOT)
    assert encoding.text_columns == ("station",)


def test_two_values_are_one_feature():
    frame = pl.DataFrame({"a": ["no", "yes", "yes", None]})
    assert fitted(frame, a=FLAG).names == ("a=yes", "a is missing")
    assert encoded(frame, a=FLAG).tolist() == [[0, 0], [1, 0], [1, 0], [0, 1]]
    assert encoded(frame[:1], a=FLAG).tolist() == [[1]]  # of one value alone: it is there


def test_cumulative_codes_are_ones_up_to_the_level():
    frame = pl.DataFrame({"size": ["small", "large", "medium", "small"]})
    encoding = Encoding.fit(
        frame, [column("size", ("ordinal", "cumulative"), ("small", "medium", "large"))], np.arange(4)
    )
    assert encoding.names == ("size>=small", "size>=medium", "size>=large")
    assert encoding.encode(frame).inputs.tolist() == [[1, 0, 0], [1, 1, 1], [1, 1, 0], [1, 0, 0]]


def test_an_ordered_text_is_the_number_of_its_place():
    frame = pl.DataFrame({"size": ["small", "large", "medium", "small"]})
    kind = ("ordinal", "number")
    given = Encoding.fit(frame, [column("size", kind, ("small", "medium", "large"))], np.arange(4))
    places = np.array([0, 2, 1, 0.0])
    np.testing.assert_allclose(given.encode(frame).inputs[:, 0], (places - 0.75) / places.std(), rtol=1e-6)
    assert given.encode(pl.DataFrame({"size": ["huge"]})).notes[0] == (
        "size: 1 row has a level without a place in small < medium < large: 'huge'"
    )
    by_alphabet = Encoding.fit(frame, [column("size", kind)], np.arange(4)).encode(frame).inputs[:, 0]
    assert by_alphabet.argsort()[:1].tolist() == [1]
    assert Encoding.fit(pl.DataFrame({"n": [1, 5, 2]}), [column("n", kind)], np.arange(3)).encoders[0].mean == 8 / 3


@pytest.mark.parametrize("how", ["number", "cumulative", "onehot"])
def test_an_order_that_lacks_a_level_is_refused(how):
    frame = pl.DataFrame({"size": ["small", "large", "huge"]})
    with pytest.raises(DataError, match="the order small < large, in which huge has no place"):
        Encoding.fit(frame, [column("size", ("ordinal", how), ("small", "large"))], np.arange(3))


def test_bins_rise_strictly_in_standardised_units():
    rng = np.random.default_rng(1)
    frame = pl.DataFrame({"a": rng.normal(size=5000), "c": ["x", "y"] * 2500, "b": rng.integers(0, 5, 5000)})
    encoding = fitted(frame, a=NUMBER, c=ONEHOT, b=NUMBER)
    assert encoding.numbers == (0, 3)
    smooth, coarse = encoding.bins(16)
    assert len(smooth) == 17
    assert coarse == pytest.approx(np.unique(encoding.encode(frame).inputs[:, 3]).tolist(), rel=1e-6)
    assert (np.diff(smooth) > 0).all()
    counts = np.histogram(encoding.encode(frame).inputs[:, 0].numpy(), smooth)[0]
    assert counts.min() > 300
    quantiles = np.quantile(frame["a"].to_numpy(), np.linspace(0, 1, 17))
    np.testing.assert_allclose(smooth, (quantiles - frame["a"].mean()) / frame["a"].std(ddof=0), rtol=1e-4, atol=1e-5)


texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=5)
frames = st.integers(2, 12).flatmap(
    lambda n: st.fixed_dictionaries(
        {
            "a": st.lists(st.none() | st.floats(-1e30, 1e30), min_size=n, max_size=n),
            "b": st.lists(st.none() | texts, min_size=n, max_size=n),
            "c": st.lists(st.integers(-5, 5), min_size=n, max_size=n),
            "d": st.lists(
                st.none() | st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2100, 1, 1)), min_size=n, max_size=n
            ),
            "e": st.lists(texts, min_size=n, max_size=n),
        }
    )
)
KINDS = {
    "a": NUMBER,
    "b": ONEHOT,
    "c": ("ordinal", "cumulative"),
    "d": ("time", "calendar"),
    "e": CODES,
}
SCHEMA = {"a": pl.Float64, "b": pl.String, "c": pl.Int64, "d": pl.Datetime("us"), "e": pl.String}


@quick
@given(frames, st.data())
def test_what_is_kept_encodes_the_same_bits(columns, data):
    frame = pl.DataFrame(columns, schema=SCHEMA)
    rows = data.draw(st.lists(st.integers(0, len(frame) - 1), min_size=1, unique=True))
    encoding = fitted(frame, rows, **KINDS)
    again = Encoding.from_json(json.loads(json.dumps(encoding.to_json())))
    assert again == encoding
    ours, theirs = encoding.encode(frame), again.encode(frame)
    assert ours.notes == theirs.notes
    assert all(torch.equal(a, b) for a, b in zip(tensors(ours.inputs), tensors(theirs.inputs), strict=True))
    assert bool(ours.inputs["numbers"].isfinite().all())
    assert all((np.diff(edges) > 0).all() for edges in again.bins(8))


@quick
@given(frames, st.randoms())
def test_the_order_of_rows_changes_nothing_but_their_order(columns, random):
    frame = pl.DataFrame(columns, schema=SCHEMA)
    order = list(range(len(frame)))
    random.shuffle(order)
    encoding = fitted(frame, **KINDS)
    straight, mixed = encoding.encode(frame).inputs, encoding.encode(frame[order]).inputs
    assert all(torch.equal(straight[name][order], mixed[name]) for name in ("numbers", "codes"))
