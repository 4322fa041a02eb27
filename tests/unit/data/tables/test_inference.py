from datetime import date, datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.data.tables.inference import join, understand
from stepwell.data.tables.values import MISSING, ZEROS, Odd, Values


def one(texts: list[str], kind: str | None = None, comma: bool = False) -> Values:
    return understand(pl.DataFrame({"x": texts}), {} if kind is None else {"x": kind}, comma)["x"]


@pytest.mark.parametrize(
    ("texts", "values", "dtype"),
    [
        (["1", "-2", "+3", " 4 "], [1, -2, 3, 4], pl.Int64),
        (["1", "2.5", "1e3", ".5", "-0"], [1.0, 2.5, 1000.0, 0.5, -0.0], pl.Float64),
        (["true", "FALSE", ""], [True, False, None], pl.Boolean),
        (["2011-01-31", "2011/2/1"], [date(2011, 1, 31), date(2011, 2, 1)], pl.Date),
        (["2011-01-31", "2011-01-31 10:00"], [datetime(2011, 1, 31), datetime(2011, 1, 31, 10)], pl.Datetime("us")),
        (["2011-01-31T10:00:00.25"], [datetime(2011, 1, 31, 10, 0, 0, 250_000)], pl.Datetime("us")),
        (["1", "x"], ["1", "x"], pl.String),
        (["yes", "no"], ["yes", "no"], pl.String),
        (["12345678901234567890", "1"], ["12345678901234567890", "1"], pl.String),
        (["NA", "?"], [None, None], pl.String),
        (["04907", "10115", ""], ["04907", "10115", None], pl.String),
        (["007", "1.5"], ["007", "1.5"], pl.String),
        (["0", "0.5", "-0.25"], [0.0, 0.5, -0.25], pl.Float64),
    ],
)
def test_the_narrowest_type(texts, values, dtype):
    series = one(texts).series
    assert series.to_list() == values
    assert series.dtype == dtype


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1))
def test_whole_numbers_come_back(numbers):
    assert one([str(number) for number in numbers]).series.to_list() == numbers


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False).filter(lambda number: number != int(number)), min_size=1)
)
def test_numbers_come_back_to_the_bit(numbers):
    assert one([repr(number) for number in numbers]).series.to_list() == numbers


@pytest.mark.parametrize("marker", MISSING)
def test_markers(marker):
    values = one(["1", marker, "2"])
    assert values.series.to_list() == [1, None, 2]
    assert values.missing == {marker: 1}


@pytest.mark.parametrize(
    ("texts", "kind", "values"),
    [
        (["1", "2.0", "?"], "integer", [1, 2, None]),
        (["1", "2"], "number", [1.0, 2.0]),
        (["1", "0", "Yes", "f"], "boolean", [True, False, True, False]),
        (["2011-01-31"], "date", [date(2011, 1, 31)]),
        (["1", "NA", ""], "text", ["1", "NA", None]),
    ],
)
def test_asked_types(texts, kind, values):
    found = one(texts, kind)
    assert found.series.to_list() == values
    assert found.odd is None


@pytest.mark.parametrize(
    ("texts", "kind", "odd"),
    [
        (["1", "2.5", "x"], "integer", Odd("integer", 2, 1, "2.5")),
        (["x", "1"], "number", Odd("number", 1, 0, "x")),
        (["nobody", "true"], "boolean", Odd("boolean", 1, 0, "nobody")),
        (["2011-02-30", "1.2.2011"], "date", Odd("date", 2, 0, "2011-02-30")),
        (["99999999999999999999"], "integer", Odd("integer", 1, 0, "99999999999999999999")),
    ],
)
def test_values_of_another_type_are_told(texts, kind, odd):
    assert one(texts, kind).odd == odd


def test_what_keeps_a_column_from_being_numbers():
    assert one(["1", "2", "abc", "d"]).odd == Odd("number", 2, 2, "abc")
    assert one(["1", "abc", "d"]).odd is None
    assert one(["2011-01-01", "never", "2011-01-03"]).odd == Odd("date", 1, 1, "never")
    assert one(["2011-01-01", "2011-13-03", "2011-01-03"]).odd == Odd("date", 1, 1, "2011-13-03")


def test_decimal_commas_only_where_they_are_meant():
    assert one(["7,5", "8"], comma=True).series.to_list() == [7.5, 8.0]
    assert one(["8", "7,5"], comma=True).notes == ("decimal commas were read as points",)
    assert one(["1.234,5", "-7,25"], comma=True).series.to_list() == [1234.5, -7.25]
    assert one(["7,5", "8.5"], comma=True).series.dtype == pl.String
    assert one(["7,5", "8"], comma=False).series.dtype == pl.String


@pytest.mark.parametrize(
    ("text", "what"), [("01.02.2020", "date"), ("1,234", "thousands"), ("5 %", "unit"), ("$7.50", "unit")]
)
def test_what_people_read_as_something_else(text, what):
    (note,) = one([text, "x"]).notes
    assert repr(text) in note
    assert what in note


KINDS = st.sampled_from(
    ["", "1", "007", "2", "2.5", "x", "NA", "2011-01-01", "2011-01-01 10:00", "true", "false", "7,5", "9" * 20]
)


@settings(max_examples=50)
@given(texts=st.lists(KINDS, min_size=1, max_size=12), size=st.integers(1, 5), comma=st.booleans())
def test_slabs_that_join_are_the_whole(texts, size, comma):
    joined = join([one(texts[start : start + size], comma=comma) for start in range(0, len(texts), size)])
    whole = one(texts, comma=comma)
    if joined is not None:
        assert joined.series.equals(whole.series, check_dtypes=True)
        assert joined.missing == whole.missing


def test_leading_zeros_are_told_and_can_be_overruled():
    assert one(["1", "007"]).notes == (ZEROS,)
    assert one(["1", "007"], "integer").series.to_list() == [1, 7]
    assert join([one(["1"]), one(["007"])]) is None
    assert join([one(["007"]), one(["x"])]) is None
    assert join([one(["007"]), one(["010"])]).notes == (ZEROS,)


def test_slabs_that_do_not_go_together():
    assert join([one(["1"]), one(["x"])]) is None
    assert join([one(["7,5"], comma=True), one(["7.5"], comma=True)]) is None
    assert join([one(["1"]), one([""]), one(["2.5"])]).series.to_list() == [1.0, None, 2.5]


def test_rows_of_odd_values_count_from_the_start():
    joined = join([one(["1", "2"], "number"), one(["3", "x", "y"], "number"), one(["z"], "number")])
    assert joined.odd == Odd("number", 3, 3, "x")


def test_columns_are_understood_one_by_one():
    found = understand(pl.DataFrame({"a": ["1"], "b": ["x"], "c": ["2.5"], "d": [""]}), {"a": "text", "z": "number"})
    assert list(found) == ["a", "b", "c", "d"]
    assert [values.series.dtype for values in found.values()] == [pl.String, pl.String, pl.Float64, pl.String]
    assert [values.series.name for values in found.values()] == ["a", "b", "c", "d"]
