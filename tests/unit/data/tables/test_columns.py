import datetime as dt

import numpy as np
import polars as pl
import pytest

from stepwell.core.errors import DataError
from stepwell.data.tables.columns import Column, choose_columns
from stepwell.data.tables.flags import whole_names
from stepwell.data.tables.summaries import summaries

ROWS = 240
EVERY = range(ROWS)


def table(**columns) -> pl.DataFrame:
    return pl.DataFrame({**columns, "y": [0.5 * i for i in EVERY]})


def chosen(values, name="x", **flags) -> Column:
    """What a column becomes beside a plain number, which keeps the table from being empty."""
    frame = table(**{name: values, "other": np.linspace(0.1, 5, ROWS)})
    return next(column for column in choose_columns(frame, target="y", **flags) if column.name == name)


def cycled(*values):
    return [values[i % len(values)] for i in EVERY]


@pytest.mark.parametrize(
    ("values", "kind", "encoding", "why"),
    [
        ([i / 7 for i in EVERY], "continuous", "number", "numbers from 0 to 34.1429"),
        ([(i * i) % 1009 for i in EVERY], "continuous", "number", "whole numbers from 0 to 1007"),
        (
            cycled(1, 2, 3, 4),
            "nominal",
            "onehot",
            "whole numbers with 4 values: taken as categories, one-hot; --continuous x if their distances mean something",
        ),
        (cycled(*range(1, 13)), "nominal", "onehot", "whole numbers with 12 values: taken as categories, one-hot"),
        (cycled(*range(24)), "nominal", "onehot", "the whole numbers 0 to 23, as the hours of a day"),
        (cycled(*range(17)), "continuous", "number", "whole numbers from 0 to 16"),
        (cycled(1.0, 2.0, None, 4.0), "nominal", "onehot", "whole numbers with 3 values"),
        (cycled(0, 1), "nominal", "number", "two values, 0 and 1: taken as 0 and 1"),
        (cycled("no", "yes"), "nominal", "number", "two values, 'no' and 'yes': taken as 0 and 1"),
        (cycled(True, False), "nominal", "number", "two values, False and True: taken as 0 and 1"),
        (cycled("a", "b", "c"), "nominal", "onehot", "text with 3 levels: one-hot"),
        (cycled(*(f"town {i}" for i in range(40))), "nominal", "embedding", "text with 40 levels: an embedding"),
        ([f"row {i}" for i in EVERY], "dropped", None, "a different text in every row: looks like an identifier, dropped"),
        ([f"t {i // 2 * 2 if i % 3 else i}" for i in EVERY], "dropped", None, "too few rows a value to learn from, dropped"),
        (EVERY, "dropped", None, "the numbers 0 to 239, each once: looks like a row number, dropped; --continuous x keeps it"),
        ([7] * ROWS, "dropped", None, "the same value in every row, 7; dropped"),
        ([None] * ROWS, "dropped", None, "no value in any row; dropped"),
        ([float("nan")] * ROWS, "dropped", None, "no value in any row; dropped"),
        ([[1, 2]] * ROWS, "dropped", None, "which a table's network does not take; dropped"),
        ([dt.date(2024, 1, 1) + dt.timedelta(i) for i in EVERY], "time", "calendar", "times from 2024-01-01 to 2024-08-27"),
        ([dt.timedelta(hours=i * i) for i in EVERY], "continuous", "number", "spans of time, in seconds"),
        (pl.Series(cycled("s", "m", "l"), dtype=pl.Categorical), "nominal", "onehot", "text with 3 levels"),
        (cycled(5, None), "nominal", "onehot", "whole numbers with 1 value"),
    ],
)  # fmt: skip
def test_a_guess_has_a_kind_an_encoding_and_a_reason(values, kind, encoding, why):
    column = chosen(values)
    assert (column.kind, column.encoding, column.asked) == (kind, encoding, False)
    assert why in column.why


def test_few_rows_a_value_make_a_number_and_no_categories():
    frame = pl.DataFrame({"x": [1, 2, 3, 4] * 3, "y": np.arange(12.0) ** 2})
    assert [column.kind for column in choose_columns(frame, target="y")] == ["continuous"]


@pytest.mark.parametrize("name", ["PassengerId", "user_id", "ID", "customer uuid"])
def test_different_numbers_under_an_identifiers_name_are_dropped(name):
    numbers = [3 * i * i + 17 for i in EVERY]
    assert chosen(numbers, name=name).kind == "dropped"
    assert chosen(numbers, name="paid").kind == "continuous"


def test_a_row_number_in_a_small_table_is_a_number():
    frame = pl.DataFrame({"x": range(12), "y": range(12, 24)})
    assert choose_columns(frame, target="y")[0].kind == "continuous"


@pytest.mark.parametrize(
    ("flags", "kind", "encoding"),
    [
        ({"continuous": ["x"]}, "continuous", "number"),
        ({"ordinal": ["x"]}, "ordinal", "number"),
        ({"ordinal": ["x"], "ordinal_as": "category"}, "ordinal", "onehot"),
        ({"ordinal": ["x"], "ordinal_as": "cumulative"}, "ordinal", "cumulative"),
        ({"nominal": ["x"]}, "nominal", "onehot"),
        ({"drop": ["x"]}, "dropped", None),
    ],
)
def test_flags_overrule_the_guess(flags, kind, encoding):
    column = chosen(cycled(*range(17)), **flags)
    assert (column.kind, column.encoding, column.asked) == (kind, encoding, True)
    assert "as --" in column.why


def test_many_categories_that_a_flag_names_are_embedded():
    assert chosen(cycled(*range(60)), nominal=["x"]).encoding == "embedding"
    assert chosen(cycled(*range(60)), ordinal=["x"], ordinal_as="category").encoding == "embedding"


def test_an_ordinal_text_says_its_order():
    sizes = cycled("small", "large", "medium")
    given = chosen(sizes, ordinal=["x:small<medium< large"])
    assert given.order == ("small", "medium", "large")
    assert "in the order small < medium < large" in given.why
    assert "of the alphabet; --ordinal 'x:least<…<greatest' gives another" in chosen(sizes, ordinal=["x"]).why


def test_a_colon_in_a_name_is_no_order():
    assert chosen(cycled(1, 2, 3), name="a:b", ordinal=["a:b"]).order == ()


def test_a_time_may_be_text():
    column = chosen(cycled("2024-01-01", "2024-02-01", "2024-03-01"), time="x")
    assert (column.kind, column.encoding) == ("time", "calendar")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (
            {"target": "why"},
            r"--target names 'why', which is no column of the table\. Did you mean|--target names 'why'",
        ),
        (
            {"target": "y", "drop": ["temq"]},
            r"--drop names 'temq', .* Did you mean 'temp'\? Its columns: temp, town, y\.",
        ),
        (
            {"target": "y", "nominal": ["town"], "drop": ["town"]},
            "--drop and --nominal both name 'town'; keep it in one",
        ),
        ({"target": "y", "continuous": ["y"]}, "--continuous names 'y', which is the target and so no input"),
        (
            {"target": "y", "continuous": ["town"]},
            "--continuous names 'town', which holds text, such as 'a', and no numbers",
        ),
        (
            {"target": "y", "time": "temp"},
            r"--time names 'temp', which holds numbers, such as 0\.0, and no dates or times",
        ),
        ({"target": "y", "ordinal": ["twon:a<b"]}, r"--ordinal names 'twon', .* Did you mean 'town'\?"),
        (
            {"target": "y", "ordinal": ["temp"], "ordinal_as": "numbers"},
            "--ordinal-as is 'numbers'.* Did you mean 'number'",
        ),
        ({"target": "y", "drop": ["temp", "town"]}, "No column is left to learn from. temp: dropped, as --drop says"),
    ],
)
def test_flags_that_do_not_fit_are_refused(flags, message):
    frame = table(temp=[i / 3 for i in EVERY], town=cycled("a", "b", "c"))
    with pytest.raises(DataError, match=message):
        choose_columns(frame, **flags)


def test_long_tables_are_named_in_part():
    frame = pl.DataFrame({f"c{i}": [1.0, 2.0] for i in range(40)})
    with pytest.raises(DataError, match="c0, .*c11 and 28 more"):
        choose_columns(frame, target="z")


def test_columns_keep_the_tables_order_and_the_target_is_none_of_them():
    frame = table(b=[i / 3 for i in EVERY], a=cycled("p", "q", "r")).select("b", "y", "a")
    assert [column.name for column in choose_columns(frame, target="y")] == ["b", "a"]


def test_summaries_count_missing_and_distinct_values():
    frame = pl.DataFrame({"a": [1.0, None, float("nan"), 1.0], "b": ["x", "y", None, "x"], "c": [1, 2, 3, 3]})
    found = {summary.name: summary for summary in summaries(frame)}
    assert [(s.missing, s.distinct, s.known) for s in found.values()] == [(2, 1, 2), (1, 2, 3), (0, 3, 4)]
    assert [(s.low, s.high, s.whole) for s in found.values()] == [(1.0, 1.0, True), ("x", "y", False), (1, 3, True)]


def test_thousands_of_columns_are_chosen_in_one_go():
    frame = pl.DataFrame({f"c{i}": np.random.default_rng(i).normal(size=30) for i in range(2000)})
    columns = choose_columns(frame, target="c0")
    assert len(columns) == 1999
    assert {column.kind for column in columns} == {"continuous"}


def test_names_in_reasons_can_be_typed():
    assert chosen([f"row {i}" for i in EVERY], name="order id").why.endswith("--nominal 'order id' keeps it")
    with pytest.raises(DataError, match="Say --nominal 'the town' or --drop 'the town'"):
        chosen(cycled("a", "b"), name="the town", continuous=["the town"])


def test_names_with_commas_are_found_in_what_a_flag_was_split_to():
    assert chosen(cycled(*range(17)), name="Datum, Zeit", nominal=["Datum", " Zeit"]).asked
    sizes = cycled("small", "large")
    assert chosen(sizes, name="size,cm", ordinal=["size", "cm:small<large"]).order == ("small", "large")
    assert whole_names(["a", "b", "c"], ["a", "b", "a,b", "c"]) == ("a", "b", "c")
    assert whole_names(["a", "b", "z"], ["a", "a,b"]) == ("a,b", "z")


def test_numbered_columns_are_explained():
    frame = pl.DataFrame({"column_1": [1.0, 2.0], "column_2": [3.0, 4.0]})
    with pytest.raises(
        DataError, match=r"No header was found in the first line, .* numbered \(--header yes to use it\)"
    ):
        choose_columns(frame, target="price")
