"""What the texts of one column are: numbers, dates, truth values; and the values that are not."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

MISSING = ("", "NA", "N/A", "n/a", "#N/A", "nan", "NaN", "NAN", "null", "NULL", "None", "?", "-")
"""What stands in files for a value that nobody has."""

EXPECTED: Mapping[str, str] = {
    "number": "a number",
    "integer": "a whole number",
    "date": "a date or time as ISO 8601 writes it (2011-01-31, 2011-01-31 17:00)",
    "boolean": "true or false (yes, no, 1, 0)",
    "text": "a text",
}
"""The types that can be asked for, as they are named in messages."""

ISO = re.compile(r"\d{4}([-/])\d{1,2}\1\d{1,2}([T ]\d.*)?")
COMMA = re.compile(r"[+-]?[\d.]*,\d+([eE][+-]?\d+)?")
TRUTH: Mapping[str, bool] = {"true": True, "false": False}

ZEROS = "numbers with leading zeros are taken as text; --types {column}:integer if they are numbers"
"""The note on codes such as 04907, with the place of the column's name."""

_LOOKS = {
    r"\d{1,2}([./-])\d{1,2}\1(\d\d){1,2}( .*)?": "{0!r} may be a date, but stays text; write it as 2011-01-31",
    r"[+-]?\d{1,3}([,.' ]\d{3})+([.,]\d+)?": "{0!r} may be a number, but stays text; write it without thousands separators",
    r"[$€£]\s*[\d.,]+|[\d.,]+\s*[$€£%]": "{0!r} may be a number, but stays text; write it without its unit",
}
_GROUPED = r"^[+-]?\d{1,3}(\.\d{3})+,\d+$"
_WIDE_TRUTH = {**TRUTH, "yes": True, "no": False, "t": True, "f": False, "y": True, "n": False, "1": True, "0": False}
_DATE = "%Y-%m-%d"
_TIMES = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M", _DATE, "%Y-%m-%d %H:%M:%S%.f%#z")


@dataclass(frozen=True)
class Odd:
    """Values that are not of a type, while others of the column are: how many, and the first with its row and text."""

    kind: str
    count: int
    row: int
    text: str


@dataclass(frozen=True)
class Values:
    """A column as it was understood. `missing` counts its markers of missing values; `notes` say what was done to it."""

    series: pl.Series
    missing: Mapping[str, int] = field(default_factory=dict)
    odd: Odd | None = None
    notes: tuple[str, ...] = ()


def converted(values: pl.Series, kind: str, decimal_comma: bool) -> tuple[pl.Series, tuple[str, ...]]:
    """Texts as the type `kind`, a key of `EXPECTED`; null where one is not of it. And what was done to them."""
    match kind:
        case "text":
            return values, ()
        case "boolean":
            return truths(values, _WIDE_TRUTH), ()
        case "date":
            return times(values)
        case "number":
            return numbers(values, decimal_comma)
        case _:
            found, notes = numbers(values, decimal_comma)
            whole = found.set(found != found.floor(), None).cast(pl.Int64, strict=False)
            return values.cast(pl.Int64, strict=False).fill_null(whole), notes


def numbers(values: pl.Series, decimal_comma: bool) -> tuple[pl.Series, tuple[str, ...]]:
    """Numbers, with commas as decimal points where no point contradicts: it may divide thousands only, as in 1.234,5."""
    found = values.cast(pl.Float64, strict=False)
    if not decimal_comma or complete(found, values):
        return found, ()
    if (values.str.contains(".", literal=True) & ~values.str.contains(_GROUPED)).any():
        return found, ()
    plain = values.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
    commas = plain.cast(pl.Float64, strict=False)
    return (
        (commas, ("decimal commas were read as points",)) if commas.null_count() < found.null_count() else (found, ())
    )


def looks(text: str) -> tuple[str, ...]:
    """A note on a text that people read as a date or number, where a program would have to guess."""
    return tuple(note.format(text) for pattern, note in _LOOKS.items() if re.fullmatch(pattern, text))[:1]


def truths(values: pl.Series, words: Mapping[str, bool] = TRUTH) -> pl.Series:
    """Truth values, by their words in any case."""
    return values.str.to_lowercase().replace_strict(words, default=None, return_dtype=pl.Boolean)


def times(values: pl.Series) -> tuple[pl.Series, tuple[str, ...]]:
    """Dates, or dates with times where there are some. Times with an offset from UTC become UTC."""
    plain = values.str.replace_all("/", "-", literal=True).str.replace("T", " ", literal=True)
    dates = plain.str.to_date(_DATE, strict=False)
    if complete(dates, values):
        return dates, ()
    found = pl.Series(values.name, [None], dtype=pl.Datetime("us")).new_from_index(0, len(values))
    notes: tuple[str, ...] = ()
    for form in _TIMES:
        if not complete(found, values):
            parsed = plain.str.to_datetime(form, strict=False, time_unit="us").dt.replace_time_zone(None)
            if form.endswith("z") and parsed.null_count() < len(parsed):
                notes = ("times with an offset from UTC are kept in UTC",)
            found = found.fill_null(parsed)
    return (dates, ()) if found.null_count() == dates.null_count() else (found, notes)


def complete(found: pl.Series, values: pl.Series) -> bool:
    """Whether every value that is there was understood."""
    return found.null_count() == values.null_count()


def misfits(values: pl.Series, found: pl.Series, kind: str) -> Odd | None:
    """The values that were not understood as `kind`, if any."""
    rows = (found.is_null() & values.is_not_null()).arg_true()
    return None if rows.is_empty() else Odd(kind, len(rows), int(rows[0]), str(values[int(rows[0])]))
