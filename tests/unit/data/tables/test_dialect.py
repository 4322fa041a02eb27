from pathlib import Path

import pytest

from stepwell.core.errors import DataError
from stepwell.data.tables.dialect import Dialect, find_dialect

PATH = Path("table.csv")


def find(text: str, **said) -> Dialect:
    return find_dialect(PATH, text.splitlines(keepends=True), **said)


def refusal(text: str, **said) -> str:
    with pytest.raises(DataError) as caught:
        find(text, **said)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("a,b\n1,2\n", ","),
        ("a;b;c\n1,5;2,5;3\n7,5;2,5;3\n", ";"),
        ("1,5;2\n7,5;2\n", ";"),
        ('a,b\n"x;y",2\n"z;y",2\n', ","),
        ("a\tb\nx, y\t1\nz, w\t2\n", "\t"),
        ("a|b\n1|2\n", "|"),
        ("x  y\n1.5 2\n 3  4\n", " "),
        ("one\n1\n2\n", ","),
        ("when\n2011-01-01 10:00\n2011-01-01 11:00\n", ","),
        ("1 2 3\n4 5 6\n7 8\n", " "),
        ("a sentence\nand another\nand two more\n", ","),
        ("a,b,c\n1,2,3\n4,5\n6,7,8\n", ","),
        ("# made today; by me\na,b\n1,2\n3,4\n5,6\n", ","),
    ],
)
def test_delimiters_are_found(text, delimiter):
    assert find(text).delimiter == delimiter


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("a,b\n1,2\n", True),
        ("a,b\nx,y\n", True),
        ("1,2\n3,4\n", False),
        ("1,2,\n3,4,\n", False),
        ("5.1,3.5,setosa\n4.9,3.0,other\n", False),
        ("2011-01-01,5\n2011-01-02,6\n", False),
        ("country,1990,1991\nde,1,2\nfr,3,4\n", True),
        ("de,1990,1991\nfr,1992,1994\n", False),
        ("x,1,2\n3,4,5\n6,7,8\n", True),
        (",a,b\n0,1,2\n", True),
    ],
)
def test_headers_are_found(text, header):
    assert (find(text).header is not None) == header


def test_a_header_may_have_lines_and_blanks():
    dialect = find('\n"a\nb", c\n1,2\n')
    assert dialect.names == ("a\nb", "c")
    assert dialect.header is not None
    assert (dialect.header.line, dialect.header.end) == (2, 3)


@pytest.mark.parametrize(
    ("said", "delimiter"), [("tab", "\t"), ("\\t", "\t"), ("semicolon", ";"), ("space", " "), (":", ":")]
)
def test_delimiters_have_names(said, delimiter):
    assert find(f"a{delimiter}b\n1{delimiter}2\n", delimiter=said).delimiter == delimiter


def test_a_delimiter_that_divides_nothing():
    assert "';' divides nothing there, but ',' gives 2 columns." in refusal("a,b\n1,2\n", delimiter=";")
    assert find("a\n1\n", delimiter=";").names == ("a",)
    assert "and not '||'" in refusal("a\n1\n", delimiter="||")
    assert "and not '\"'" in refusal("a\n1\n", delimiter='"')


def test_no_rows():
    assert "holds only blank lines" in refusal("\n \n")
    assert refusal("a,b\n") == (
        "table.csv has a header (line 1), but no rows below it. If this line is a row, say --header no (header=False)."
    )
    assert find("a,b\n", header=False).names == ("column_1", "column_2")


def test_a_hint_for_excel():
    assert refusal("sep=;\na;b\n1;2\n").startswith("table.csv, line 1: 'sep=;' is a hint for Excel")


def test_only_the_beginning_is_read():
    def endless():
        yield "a,b\n"
        for number in range(10**6):
            assert number < 10**4
            yield "1,2\n"

    assert find_dialect(PATH, endless()).names == ("a", "b")


def test_a_header_of_many_megabytes():
    names = [f"name_of_column_{number}" for number in range(100_000)]
    assert find(",".join(names) + "\n" + ",".join("1" for _ in names) + "\n").names == tuple(names)


def test_fields_without_end():
    assert "is more than 128 KiB long" in refusal("a,b\n1," + "x" * 200_000 + "\n")
