import polars as pl

from stepwell.data.tables.notes import empty_notes, missing_notes, oddity_notes, treatment_notes, without_guesses
from stepwell.data.tables.values import ZEROS, Odd, Values

ONE = pl.Series("x", [1, None])


def test_many_columns_are_summed_up():
    columns = {f"c{number}": Values(ONE, missing={"": 1000, "NA": 2}) for number in range(10)}
    notes = missing_notes(columns)
    assert len(notes) == 9
    assert notes[0] == "Column 'c0' has 1,002 missing values (1,000 empty, 2 × 'NA')."
    assert notes[-1] == "2 columns more, from 'c8' to 'c9', have 2,004 missing values."


def test_what_was_done_is_told_once():
    columns = {f"c{number}": Values(ONE, notes=("decimal commas were read as points",)) for number in range(9)}
    assert treatment_notes({"x": Values(ONE, notes=("a", "b"))}) == ["Column 'x': a.", "Column 'x': b."]
    (note,) = treatment_notes(columns)
    assert note.startswith("Columns 'c0', 'c1', ")
    assert note.endswith("'c7' and 1 more: decimal commas were read as points.")


def test_odd_values_have_a_line():
    columns = {f"c{number}": Values(ONE, odd=Odd("number", 2, 4, "abc")) for number in range(9)}
    notes = oddity_notes(columns, lambda row: row + 2)
    assert notes[0] == "Column 'c0' is text, since 2 values of it are not a number: the first is 'abc' in line 6."
    assert notes[-1] == "So is 1 column more: 'c8'."


def test_empty_rows():
    assert empty_notes(0) == []
    assert empty_notes(1) == ["1 empty row was left out."]
    assert empty_notes(2000) == ["2,000 empty rows were left out."]


def test_the_type_of_padded_numbers_can_be_typed():
    said = "numbers with leading zeros are taken as text; --types {} if they are numbers."
    assert treatment_notes({"zip": Values(ONE, notes=(ZEROS,))}) == [f"Column 'zip': {said.format('zip:integer')}"]
    (both,) = treatment_notes({"zip code": Values(ONE, notes=(ZEROS,)), "b": Values(ONE, notes=(ZEROS,))})
    assert both == f"Columns 'zip code', 'b': {said.format(repr('zip code:integer'))}"


def test_notes_on_columns_that_are_known_are_left_out():
    notes = ["Column 'a': '1.2.2020' may be a date, but stays text.", "Columns 'a', 'b': they are taken as text."]
    assert without_guesses(notes, ["a"]) == (notes[1],)
    assert without_guesses(notes, ["a", "b"]) == ()
    assert without_guesses(["Column 'a' has 1 missing value (1 empty)."], ["a"]) != ()
