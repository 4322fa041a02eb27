from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest

from stepwell.core.errors import DataError
from stepwell.data.tables.read import read_table


@pytest.fixture
def path(tmp_path):
    return tmp_path / "table.parquet"


def refusal(path, **asked) -> str:
    with pytest.raises(DataError) as caught:
        read_table(path, **asked)
    return str(caught.value)


def test_a_table_comes_back(path):
    frame = pl.DataFrame(
        {"a": [1, 2], "s": ["x", None], "d": [date(2011, 1, 1)] * 2, "t": [datetime(2011, 1, 1, 5)] * 2}
    )
    frame.write_parquet(path)
    table = read_table(path)
    assert table.frame.equals(frame)
    assert (table.delimiter, table.encoding, table.header, table.notes) == (None, None, True, ())
    assert table.line(1) == 2
    assert read_table(path, columns=["s", "a"]).frame.equals(frame.select("a", "s"))


def test_types_that_text_does_not_have(path):
    pl.DataFrame(
        {
            "nan": [1.5, float("nan")],
            "level": pl.Series(["lo", "hi"], dtype=pl.Categorical),
            "price": [Decimal("1.50"), Decimal("2.25")],
            "zone": [datetime(2011, 1, 1, 5, tzinfo=UTC)] * 2,
        }
    ).with_columns(pl.col("zone").dt.convert_time_zone("Europe/Berlin")).write_parquet(path)
    table = read_table(path)
    assert table.frame.row(1) == (None, "hi", 2.25, datetime(2011, 1, 1, 5))
    assert table.notes == (
        "Column 'nan' has 1 NaN, which count as missing.",
        "Column 'zone' has times with a time zone, kept in UTC.",
    )


def test_columns_that_hold_more_than_values(path):
    pl.DataFrame({"a": [1], "list": [[1, 2]]}).write_parquet(path)
    assert "column 'list' holds List(Int64): one number, text, time or truth value a row is expected" in refusal(path)
    assert read_table(path, columns=["a"]).frame.width == 1


def test_damage(path):
    pl.DataFrame({"a": [1, 2, 3]}).write_parquet(path)
    path.write_bytes(path.read_bytes()[:-10])
    assert refusal(path).startswith(f"{path} is damaged or incomplete Parquet (")


def test_no_rows_and_no_such_column(path):
    pl.DataFrame({"temp": []}).write_parquet(path)
    assert refusal(path) == f"{path} has no rows, only 1 column."
    assert refusal(path, columns=["tmp"]).endswith("Did you mean 'temp'?")


@pytest.mark.parametrize(
    ("values", "kind", "found"),
    [
        (["1", "2.5"], "number", [1.0, 2.5]),
        ([1, 2], "text", ["1", "2"]),
        ([1.0, None], "integer", [1, None]),
        (["2011-01-31"], "date", [date(2011, 1, 31)]),
        ([date(2011, 1, 31)], "date", [date(2011, 1, 31)]),
        ([1, 0], "boolean", [True, False]),
        ([True, False], "number", [1.0, 0.0]),
    ],
)
def test_asked_types(path, values, kind, found):
    pl.DataFrame({"x": values}).write_parquet(path)
    assert read_table(path, types={"x": kind}).frame["x"].to_list() == found


@pytest.mark.parametrize(
    ("values", "kind"), [(["1", "x"], "number"), ([1.0, 2.5], "integer"), ([1, 2], "boolean"), ([5], "date")]
)
def test_values_that_are_not_of_the_asked_type(path, values, kind):
    pl.DataFrame({"x": values}).write_parquet(path)
    assert f"{path}, row {1 if kind == 'date' else 2}, column 'x': " in refusal(path, types={"x": kind})


def test_more_than_memory_holds(path, monkeypatch):
    pl.DataFrame({"a": [1, 2, 3]}).write_parquet(path)
    monkeypatch.setenv("STEPWELL_MEMORY", "1MB")
    assert "needs about 67.1 MB of memory for its column, and 1.0 MB are available" in refusal(path)


def test_markers_in_text_are_missing_values(path):
    pl.DataFrame({"s": ["x", "NA", " ? ", None], "t": ["NA", "", "y", "z"]}).write_parquet(path)
    table = read_table(path, types={"t": "text"})
    assert table.frame.to_dict(as_series=False) == {"s": ["x", None, None, None], "t": ["NA", None, "y", "z"]}
    assert table.notes == (
        "Column 's' has 2 missing values (1 × 'NA', 1 × '?').",
        "Column 't' has 1 missing value (1 empty).",
    )
