import json
import math
from pathlib import Path
from time import thread_time

import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.core.errors import DataError
from stepwell.core.trees import tensors
from stepwell.data.splits import split_random
from stepwell.data.tables.columns import choose_columns
from stepwell.data.tables.fitting import fit_reader
from stepwell.data.tables.objects import table_of
from stepwell.data.tables.read import read_table
from stepwell.data.tables.reader import TableReader

ROWS = [
    {
        "temp": 20 + i % 7 / 4,
        "season": 1 + i % 4,
        "zip": f"{(37 * i) % 50:05d}",
        "day": f"2011-01-{1 + i % 28:02d}",
        "warm": i % 3 == 0,
        "cnt": i,
    }
    for i in range(60)
]


@pytest.fixture(scope="module")
def reader(tmp_path_factory) -> TableReader:
    path = tmp_path_factory.mktemp("table") / "train.csv"
    pl.DataFrame(ROWS).write_csv(path)
    file = read_table(path)
    columns = choose_columns(file.frame, target="cnt", nominal=["zip", "season"], time=["day"])
    fitted = fit_reader(
        file, columns, "cnt", "auto", lambda file, _: split_random(len(file.frame), train=0.75, val=0.25, seed=1)
    )
    return TableReader.from_json(json.loads(json.dumps(fitted[0].to_json())))


def alike(one, other) -> bool:
    return all(torch.equal(left, right) for left, right in zip(tensors(one), tensors(other), strict=True))


def in_a_file(folder: Path, rows: list[dict[str, object]]) -> Path:
    path = folder / "new.csv"
    pl.DataFrame(rows, infer_schema_length=None).write_csv(path)
    return path


def test_rows_by_column_become_what_a_file_of_them_does(reader, tmp_path):
    for rows in (ROWS[:1], ROWS[3:40], [{**ROWS[5], "temp": None, "zip": None}]):
        found = reader.of_records(rows)
        read = reader.read(in_a_file(tmp_path, rows))
        assert alike(found.inputs, read.inputs)
        assert found.rows.columns == read.rows.columns
        assert found.rows.schema == read.rows.schema


@settings(max_examples=30)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "temp": st.none() | st.floats(-1e30, 1e30) | st.integers(-(10**20), 10**20),
                "season": st.integers(0, 5),
                "zip": st.sampled_from(["00000", "00037", "12", "new", "NA", " 00037 ", "7", None]),
                "day": st.sampled_from(["2011-01-03", "2011-01-03 17:00", "2031-12-31", None]),
                "warm": st.booleans(),
            }
        ),
        min_size=1,
        max_size=5,
    )
)
def test_they_are_typed_like_a_files(reader, tmp_path_factory, rows):
    text = [
        {
            name: "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
            for name, value in row.items()
        }
        for row in rows
    ]
    read = reader.read(in_a_file(tmp_path_factory.mktemp("rows"), text))
    assert alike(reader.of_records(rows).inputs, read.inputs)


def test_texts_of_numbers_are_numbers(reader):
    as_text = {name: str(value) for name, value in ROWS[2].items()}
    assert alike(reader.of_records([as_text]).inputs, reader.of_records([ROWS[2]]).inputs)


def test_the_order_of_columns_does_not_matter(reader):
    mixed = [ROWS[2], dict(reversed(ROWS[3].items()))]
    assert alike(reader.of_records(mixed).inputs, reader.of_records(ROWS[2:4]).inputs)


def test_what_is_unusual_is_noted(reader):
    found = reader.of_records([{**ROWS[0], "zip": "99999", "temp": None, "wind": 3}])
    said = "\n".join(found.notes)
    assert "column 'wind' was left out: no training row had it" in said
    assert '"99999", unseen in training' in said
    assert "temp: 1 row has no value" in said
    assert not reader.of_records(ROWS[:3]).notes


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([], "There are no rows"),
        ([{}], "lacks 'temp', 'season', 'zip', 'day', 'warm'"),
        (
            [{**{k: v for k, v in ROWS[0].items() if k != "temp"}, "tmep": 3}],
            "lacks 'temp'; .* It has 'tmep', which no training row had. Did you mean 'tmep'",
        ),
        ([ROWS[0], {k: v for k, v in ROWS[1].items() if k != "zip"}], "Row 1 lacks the column 'zip', unlike row 0"),
        ([ROWS[0], {**ROWS[1], "more": 1}], "Row 1 has the column 'more', unlike row 0"),
        ([ROWS[0], {**ROWS[1], "temp": "warm"}], "Column 'temp' has the text 'warm' in row 1"),
        ([{**ROWS[0], "temp": [1]}], "Row 0 has list in the column 'temp'; a number"),
        ([{**ROWS[0], "temp": math.inf}], "Row 0 has inf in the column 'temp'"),
        ([{**ROWS[0], "temp": "inf"}], "'temp' is infinite in row 0"),
        ([{**ROWS[0], "day": "yesterday"}], "'yesterday' in row 0, which is no date"),
    ],
)
def test_what_cannot_be_read_is_told(reader, rows, says):
    with pytest.raises(DataError, match=says):
        reader.of_records(rows)


@pytest.mark.parametrize(
    ("lacking", "says"), [(0, "Row 1 has the column 'tex0'"), (1, "Row 1 lacks the column 'tem0'")]
)
def test_many_columns_are_compared_once(lacking, says):
    first = {f"tem{number}": 1 for number in range(10_000)}
    second = {**dict(list(first.items())[lacking:]), **{f"tex{number}": 1 for number in range(10_000)}}
    began = thread_time()
    with pytest.raises(DataError, match=says):
        table_of([first, second], {})
    assert thread_time() - began < 0.5, "a search for each of them takes seconds"


def test_more_columns_than_a_table_has_are_refused():
    with pytest.raises(DataError, match=r"Row 0 has 10,001 columns; 10,000 are the most\. Leave out"):
        table_of([{f"a{number}": 1 for number in range(10_001)}], {})


def test_long_names_are_cut_in_messages():
    for rows in ([{"a" * 500: 1}, {"b" * 500: 1}], [{"a" * 500: [1]}]):
        with pytest.raises(DataError) as caught:
            table_of(rows, {})
        assert len(str(caught.value)) < 400


def test_columns_have_the_types_that_are_asked_for():
    frame, _ = table_of([{"code": "007", "n": 1}, {"code": "12", "n": 2.5}], {"code": "text"})
    assert frame["code"].to_list() == ["007", "12"]
    assert frame["n"].to_list() == [1.0, 2.5]
