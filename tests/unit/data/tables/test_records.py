import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.core.errors import DataError
from stepwell.data.tables.records import WHITESPACE, Record, filled, records, rectangle

PATH = Path("table.csv")


def lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def refusal(text: str, width: int, delimiter: str = ",", header: Record | None = None) -> str:
    with pytest.raises(DataError) as caught:
        list(rectangle(PATH, lines(text), delimiter, width, header))
    return str(caught.value)


def test_records_know_their_lines():
    found = list(records(PATH, lines('a,"b\nc"\n\n"d",e\n'), ","))
    assert found == [Record(1, 2, ["a", "b\nc"]), Record(3, 3, []), Record(4, 4, ["d", "e"])]
    assert [record.empty for record in found] == [False, True, False]


@given(rows=st.lists(st.lists(st.text("a,\"\n ;'", max_size=4), min_size=1, max_size=3)))
def test_lines_of_records_add_up(rows):
    out = io.StringIO()
    csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(rows)
    text = out.getvalue()
    found = list(records(PATH, lines(text), ","))
    assert [record.fields for record in found] == rows
    assert "".join("".join(lines(text)[record.line - 1 : record.end]) for record in found) == text
    assert list(filled(PATH, lines(text), ",")) == [record for record in found if "".join(record.fields).strip()]


def test_runs_of_blanks_are_one_delimiter():
    found = records(PATH, lines(' 1  2\t3 \n\n "a b"  c d\n'), WHITESPACE)
    assert [record.fields for record in found] == [["1", "2", "3"], [], ["a b", "c", "d"]]


def test_a_rectangle_leaves_out_the_header_and_nothing_else():
    rows = list(rectangle(PATH, lines("\na,b\n\n1,2\n,\n"), ",", 2, Record(2, 2, ["a", "b"])))
    assert [(row.line, row.empty) for row in rows] == [(3, True), (4, False), (5, True)]


def test_the_first_ragged_row_is_named():
    assert refusal("1,2\n\n3\n4\n", 2).startswith("table.csv, line 3: 1 field ('3'), but the first row has 2.")
    long = refusal("a,b\n" + "x" * 100 + ",1,2\n", 2, header=Record(1, 1, ["a", "b"]))
    assert f"line 2: 3 fields ('{'x' * 58}…), but the header (line 1) has 2." in long
    assert "That line is divided by ',', those below it by ';'" in refusal("a,b\n1;2\n", 1, ";", Record(1, 1, ["a,b"]))
    assert "2 delimiters (a tab)" in refusal("1\t2\n", 3, "\t")
    assert "2 delimiters (a blank)" in refusal("1 2\n", 3, WHITESPACE)


@pytest.mark.parametrize("text", ['1,2\n3,"4\n5,6\n', '1,2\n3,"4', '1,2\n3,"4\n', '1,2\n3,"4""\n'])
def test_quotes_that_are_never_closed(text):
    assert refusal(text, 2) == (
        'table.csv, line 2: a field that begins here reads on to the end. A quote (") without its partner does that: close '
        "it, or remove it."
    )


@pytest.mark.parametrize("text", ['1,2\n3,"4"\n', '1,2\n3,"4"', '1,2\n3,4"\n', '1,2\n"3\n","4\n5"'])
def test_quotes_that_are_closed(text):
    assert len(list(rectangle(PATH, lines(text), ",", 2, None))) == 2


def test_fields_that_never_end():
    text = refusal('1,2\n3,"4\n' + "5,6\n" * 40_000, 2)
    assert text.startswith("table.csv, line 2: a field that begins here is more than 128 KiB long")
