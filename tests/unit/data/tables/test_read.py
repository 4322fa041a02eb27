import csv
import gzip
import os
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.core.errors import DataError
from stepwell.data.tables import body
from stepwell.data.tables.read import read_table

SHARED = Path(os.environ.get("STEPWELL_DATA") or Path(__file__).parents[4] / ".." / "shared" / "data")


def shared(name: str) -> Path:
    if not (SHARED / name).exists():
        pytest.skip(f"{name} is not in the data folder; set STEPWELL_DATA to a folder that has it")
    return SHARED / name


def file(tmp_path: Path, text: str | bytes, name: str = "table.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def refusal(path: Path, **asked) -> str:
    with pytest.raises(DataError) as caught:
        read_table(path, **asked)
    return str(caught.value).replace(str(path.parent), "FOLDER")


def test_a_plain_table(tmp_path):
    table = read_table(file(tmp_path, "a,b, c \n1,2.5,x\n3,4,y\n"))
    assert table.frame.equals(pl.DataFrame({"a": [1, 3], "b": [2.5, 4.0], "c": ["x", "y"]}))
    assert (table.delimiter, table.encoding, table.header, table.notes) == (",", "utf-8", True, ())
    assert [table.line(0), table.line(1)] == [2, 3]


def test_bikes_by_hour():
    table = read_table(shared("bike-sharing/hour.csv"))
    reference = pl.read_csv(shared("bike-sharing/hour.csv"), try_parse_dates=True)
    assert table.frame.equals(reference)
    assert table.frame.schema == reference.schema
    assert table.frame.shape == (17379, 17)
    assert table.notes == ()
    assert table.line(17378) == 17380


def test_the_books_bikes_have_no_gap():
    table = read_table(shared("bike-sharing/hour-fixed.csv"))
    assert table.frame.shape == (17520, 17)
    assert table.frame["dteday"].dtype == pl.Date


def test_wine():
    table = read_table(shared("wine/winequality-white.csv"))
    assert table.delimiter == ";"
    assert table.frame.equals(pl.read_csv(shared("wine/winequality-white.csv"), separator=";"))


def test_chosen_columns_only(tmp_path):
    path = file(tmp_path, "a,b,c\n1,2,3\n4,5,\n")
    assert read_table(path, columns=["c", "a"]).frame.equals(pl.DataFrame({"a": [1, 4], "c": [3, None]}))
    assert read_table(path, columns="b").frame.to_dict(as_series=False) == {"b": [2, 5]}


def test_a_file_without_header(tmp_path):
    table = read_table(file(tmp_path, "\n5.1,3.5,setosa\n\n4.9,3.0,other\n"))
    assert table.frame.columns == ["column_1", "column_2", "column_3"]
    assert not table.header
    assert (
        table.notes[0]
        == "The first line seems to hold values and no names: the columns are called column_1 … column_3."
    )
    assert [table.line(0), table.line(1)] == [2, 4]


def test_what_is_said_is_not_guessed(tmp_path):
    path = file(tmp_path, "1;2\n3;4\n")
    assert read_table(path, header=True).frame.to_dict(as_series=False) == {"1": [3], "2": [4]}
    assert read_table(path, delimiter=";", header=False).notes == ()
    assert read_table(file(tmp_path, "a:b\n1:2\n"), delimiter=":").frame.columns == ["a", "b"]


@pytest.mark.parametrize(("delimiter", "shown"), [(",", ","), (";", ";"), ("\t", "\t"), ("|", "|"), ("  ", " ")])
def test_delimiters(tmp_path, delimiter, shown):
    lines = [["a", "b", "c"], ["1", "2.5", "7"], ["3", "4.5", "8"]]
    table = read_table(file(tmp_path, "".join(f"{delimiter.join(line)}\n" for line in lines)))
    assert table.delimiter == shown
    assert table.frame.rows() == [(1, 2.5, 7), (3, 4.5, 8)]


def test_missing_values_are_counted_by_their_markers(tmp_path):
    table = read_table(file(tmp_path, "a,b,c\n1,NA,x\n?,,None\n3,4,-\n"))
    assert table.frame.rows() == [(1, None, "x"), (None, None, None), (3, 4, None)]
    assert table.notes == (
        "Column 'a' has 1 missing value (1 × '?').",
        "Column 'b' has 2 missing values (1 empty, 1 × 'NA').",
        "Column 'c' has 2 missing values (1 × 'None', 1 × '-').",
    )


def test_a_text_column_may_hold_the_word_na(tmp_path):
    table = read_table(file(tmp_path, "country,x\nNA,1\n,2\nDE,3\n"), types={"country": "text"})
    assert table.frame["country"].to_list() == ["NA", None, "DE"]


def test_a_column_without_any_value(tmp_path):
    table = read_table(file(tmp_path, "a,b\n1,\n2,\n"))
    assert table.frame["b"].null_count() == 2
    assert table.notes == ("Column 'b' has 2 missing values (2 empty), which is all of them.",)


def test_dates_and_times(tmp_path):
    table = read_table(
        file(
            tmp_path,
            "d,t,z\n2011-01-01,2011-01-01 01:00,2011-01-01T01:00:00Z\n2011/01/02,2011-01-02T01:00:30,2011-01-02T01:00:00+02:00\n",
        )
    )
    assert table.frame.rows() == [
        (date(2011, 1, 1), datetime(2011, 1, 1, 1), datetime(2011, 1, 1, 1)),
        (date(2011, 1, 2), datetime(2011, 1, 2, 1, 0, 30), datetime(2011, 1, 1, 23)),
    ]
    assert table.notes == ("Column 'z': times with an offset from UTC are kept in UTC.",)


def test_decimal_commas(tmp_path):
    table = read_table(file(tmp_path, "a;b\n7,5;1\n1.003,25;2\n8;3\n"))
    assert table.frame["a"].to_list() == [7.5, 1003.25, 8.0]
    assert table.notes == ("Column 'a': decimal commas were read as points.",)


def test_one_word_among_numbers_is_told(tmp_path):
    table = read_table(file(tmp_path, 'x,y\n1,"a\nb"\n2,c\nabc,d\n4,e\n'))
    assert table.frame["x"].dtype == pl.String
    assert table.notes == ("Column 'x' is text, since 1 value of it is not a number: the first is 'abc' in line 5.",)


@pytest.mark.parametrize(
    ("raw", "encoding"),
    [
        ("größe,b\n1,ü\n".encode(), "utf-8"),
        ("größe,b\n1,ü\n".encode("utf-8-sig"), "utf-8-sig"),
        ("größe,b\n1,ü\n".encode("utf-16"), "utf-16"),
        ("größe,b\r\n1,ü\r\n".encode("utf-16"), "utf-16"),
        ("größe,b\n1,ü\n".encode("cp1252"), "cp1252"),
        (gzip.compress("größe,b\n1,ü\n".encode(), mtime=0), "utf-8"),
        ("größe,b\r1,ü\r".encode(), "utf-8"),
    ],
)
def test_encodings(tmp_path, raw, encoding):
    table = read_table(file(tmp_path, raw))
    assert table.encoding == encoding
    assert table.frame.to_dict(as_series=False) == {"größe": [1], "b": ["ü"]}
    assert table.line(0) == 2


def test_windows_letters_are_told(tmp_path):
    table = read_table(file(tmp_path, "a\nx\nü\n".encode("cp1252")))
    assert table.notes == (
        "The file is not UTF-8 (line 3: byte 0xFC) and was read as Windows-1252. If letters look wrong, name its encoding.",
    )


def test_names_are_made_unique(tmp_path):
    table = read_table(file(tmp_path, "a,a,b,,a_2\n1,2,3,4,5\n"))
    assert table.frame.columns == ["a", "a_3", "b", "column_4", "a_2"]
    assert table.notes[0] == "Column 2 repeats the name 'a': it is called 'a_3'."
    assert table.notes[1] == "Column 4 has no name: it is called 'column_4'."


def test_quotes_line_ends_and_blank_lines(tmp_path):
    table = read_table(file(tmp_path, 'id,text\n\n1,"two\nlines, ""quoted"""\n,\n2,plain\n3,"a\n\n\nb"\n\n4,z\n\n'))
    assert table.frame["text"].to_list() == ['two\nlines, "quoted"', "plain", "a\n\n\nb", "z"]
    assert [table.line(row) for row in range(4)] == [3, 6, 7, 12]
    assert table.notes == ("4 empty rows were left out.",)
    with pytest.raises(DataError, match="has no row 4"):
        table.line(4)


def test_quotes_where_no_standard_has_them(tmp_path):
    table = read_table(file(tmp_path, 'a, b\n1, "x, y"\n2,5" pipe\n3,"5"x\n'))
    assert table.frame["b"].to_list() == ["x, y", '5" pipe', "5x"]


def test_ragged_rows_are_named_by_line(tmp_path):
    assert refusal(file(tmp_path, 'a,b,c\n1,"2\n2",3\n\n4,5\n')) == (
        "FOLDER/table.csv, line 5: 2 fields ('4', '5'), but the header (line 1) has 3. Write every field, also the "
        "empty ones: 3 fields are divided by 2 delimiters (',')."
    )
    assert refusal(file(tmp_path, "1,2\n3,4,5\n6,7\n")) == (
        "FOLDER/table.csv, line 2: 3 fields ('3', '4', '5'), but the first row has 2. If one of its fields holds the "
        "delimiter (','), put that in quotes; if not, a column has no name above."
    )
    assert "ends with a delimiter (',') too many" in refusal(file(tmp_path, "a,b\n1,2,\n"))
    assert "If line 1 is not the header, but a heading or a comment" in refusal(
        file(tmp_path, "# made\na,b\n1,2\n3,4\n")
    )
    assert "are divided by ';', those above by ','" in refusal(file(tmp_path, "a,b\n1,2\n3,4\n1;2\n"))


def test_ragged_rows_are_found_whatever_columns_are_read(tmp_path):
    assert "line 3: 4 fields" in refusal(file(tmp_path, "a,b,c\n1,2,3\n4,5,6,7\n"), columns=["a"])
    assert "line 3: 2 fields" in refusal(file(tmp_path, "a,b,c\n1,2,3\n4,5\n"), columns=["a"])


def test_a_last_column_that_is_empty_is_no_short_row(tmp_path):
    assert read_table(file(tmp_path, "a,b\n1,\n \n2,3\n")).frame.rows() == [(1, None), (2, 3)]
    assert read_table(file(tmp_path, 'a,b\n1,\n\n2,"3"\n')).frame.rows() == [(1, None), (2, 3)]
    assert "line 3: 1 field" in refusal(file(tmp_path, "a,b\n1,\n2\n\x1f,3\n"))


def test_open_quotes_are_named_by_line(tmp_path):
    assert refusal(file(tmp_path, 'a,b\n1,2\n4,"5\n6,7\n')) == (
        'FOLDER/table.csv, line 3: a field that begins here reads on to the end. A quote (") without its partner does that: '
        "close it, or remove it."
    )
    assert "It goes on to line 4" in refusal(file(tmp_path, 'a,b,c\n1,2,3\n4,"5,6\n7",8,9\n'))


def test_values_that_are_not_of_the_asked_type(tmp_path):
    path = file(tmp_path, 'a,b\n"1\n",x\n2.5,y\n3.5,z\n')
    assert refusal(path, types={"a": "integer"}) == (
        "FOLDER/table.csv, line 4, column 'a': '2.5' is not a whole number (2 of its values are not). Mend it, leave it empty "
        "if it is missing, or ask for another type of the column: number, integer, date, boolean, text."
    )


def test_columns_and_types_that_there_are_not(tmp_path):
    path = file(tmp_path, "temp,cnt\n1,2\n")
    assert refusal(path, columns=["tmp"]) == (
        "FOLDER/table.csv has no column 'tmp'; it has 2: 'temp', 'cnt'. Did you mean 'temp'?"
    )
    assert refusal(path, types={"CNT": "number"}).endswith("Did you mean 'cnt'?")
    assert refusal(path, types={"cnt": "float"}).endswith("Did you mean 'number'?")
    assert "columns= is empty" in refusal(path, columns=[])


def test_a_wrong_delimiter(tmp_path):
    assert refusal(file(tmp_path, "a,b,c\n1,2,3\n"), delimiter=";") == (
        "FOLDER/table.csv, line 1: ';' divides nothing there, but ',' gives 3 columns. "
        "Say --delimiter ',' (delimiter=','), or leave the "
        "delimiter out."
    )
    assert "A delimiter is one character" in refusal(file(tmp_path, "a,b\n1,2\n"), delimiter="::")


def test_nothing_to_read(tmp_path):
    assert "is empty" in refusal(file(tmp_path, ""))
    assert "is empty" in refusal(file(tmp_path, "\ufeff\n \n"))
    assert "has a header (line 2), but no rows below it" in refusal(file(tmp_path, "\na,b\n\n"))


def test_a_table_larger_than_memory(tmp_path, monkeypatch):
    path = file(tmp_path, "a,b\n" + "1,2.5\n" * 1000)
    monkeypatch.setenv("STEPWELL_MEMORY", "0.1MB")
    text = refusal(path)
    assert text.startswith(
        "FOLDER/table.csv (6.0 kB) needs about 67.2 MB of memory for its 2 columns, and 100 kB are available."
    )
    monkeypatch.setenv("STEPWELL_MEMORY", "1GB")
    assert read_table(path).frame.height == 1000


def test_a_path_may_be_a_text(tmp_path):
    path = file(tmp_path, "a\n1\n", name="[a]*.csv")
    assert read_table(str(path)).path == path


def test_ten_thousand_columns(tmp_path):
    names = [f"x{number}" for number in range(10_000)]
    rows = [[str(row + number) for number in range(10_000)] for row in range(3)]
    path = file(tmp_path, "\n".join(map(",".join, [names, *rows])))
    frame = read_table(path).frame
    assert frame.columns == names
    assert frame.row(2)[:3] == (2, 3, 4)
    assert set(frame.dtypes) == {pl.Int64}


cells = st.text("ab1 ,;\"'\n\té-", max_size=6)


@given(rows=st.lists(st.lists(cells, min_size=3, max_size=3).filter(lambda row: "".join(row).strip()), min_size=1))
def test_any_texts_come_back_with_their_lines(rows, tmp_path_factory):
    path = tmp_path_factory.mktemp("texts") / "table.csv"
    with path.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows([["x", "y", "z"], *rows])
    table = read_table(path, header=True, delimiter=",", types=dict.fromkeys("xyz", "text"))
    assert table.frame.rows() == [tuple(cell.strip() or None for cell in row) for row in rows]
    lines = [2 + sum(1 + "".join(row).count("\n") for row in rows[:number]) for number in range(len(rows))]
    assert [table.line(row) for row in range(len(rows))] == lines


values = st.sampled_from(["", "1", "2.5", "-3", "NA", "x", "2011-01-01", "2011-01-01 10:00", "true", "7,5", "?", "1e3"])


@settings(max_examples=30)
@given(columns=st.lists(st.lists(values, min_size=7, max_size=7), min_size=2, max_size=3), rows=st.integers(1, 4))
def test_slabs_do_not_change_a_table(columns, rows, tmp_path_factory):
    path = tmp_path_factory.mktemp("slabs") / "table.csv"
    lines = [";".join(row) for row in zip(*columns, ["end"] * 7, strict=True)]
    path.write_text("\n".join([";".join(f"n{i}" for i in range(len(columns) + 1)), *lines]))
    whole = read_table(path, delimiter=";", header=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(body, "_AT_ONCE", 0)
        patch.setattr(body, "_SLAB_FIELDS", rows * (len(columns) + 1))
        parts = read_table(path, delimiter=";", header=True)
    assert parts.frame.equals(whole.frame)
    assert parts.frame.schema == whole.frame.schema
    assert {note for note in parts.notes if "missing" in note} == {note for note in whole.notes if "missing" in note}
