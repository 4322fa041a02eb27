"""Records of delimited text with their lines: what quotes and blank lines make of lines, exactly and one at a time."""

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from stepwell.core.errors import DataError

WHITESPACE = " "
"""The delimiter that stands for any run of spaces and tabs."""

DELIMITERS = ("\t", ";", "|", ",")
"""What is tried, in this order where two fit equally well: commas stand also within numbers, and come last."""

_SHOWN = 60


class Record(NamedTuple):
    """One row of a file: the lines where it begins and ends (the first line is 1), and its fields as texts."""

    line: int
    end: int
    fields: list[str]

    @property
    def empty(self) -> bool:
        """Whether no field holds anything, as in a blank line."""
        return not any(field and not field.isspace() for field in self.fields)


def records(path: Path, lines: Iterable[str], delimiter: str) -> Iterator[Record]:
    """The rows of delimited text, empty ones among them. Fields in quotes may hold delimiters, line ends and doubled quotes.

    Raises `DataError` for a field of more than 128 KiB, which is nearly always a quote without its partner.
    """
    reader = csv.reader(
        _collapsed(lines) if delimiter == WHITESPACE else lines, delimiter=delimiter, skipinitialspace=True
    )
    end = 0
    try:
        for fields in reader:
            yield Record(end + 1, reader.line_num, fields)
            end = reader.line_num
    except csv.Error:
        raise DataError(
            _unclosed(path, end + 1, "is more than 128 KiB long (texts of that length belong in files of their own)")
        ) from None


def filled(path: Path, lines: Iterable[str], delimiter: str) -> Iterator[Record]:
    """The records that hold anything: blank lines, and rows of nothing but delimiters, are left out."""
    return (record for record in records(path, lines, delimiter) if not record.empty)


def rectangle(path: Path, lines: Iterable[str], delimiter: str, width: int, header: Record | None) -> Iterator[Record]:
    """The records below the header, empty ones among them; every other one is checked to have `width` fields.

    Raises `DataError` for the first that has fewer or more, and for a quote that is never closed, with the line.
    """
    end, latest, last = 0, list[str](), list[str]()
    for record in records(path, _remembered(lines, latest), delimiter):
        if not record.empty and len(record.fields) != width:
            raise DataError(_ragged(path, record, width, delimiter, header))
        if header is None or record.line > header.line:
            yield record
        end, last = record.end, latest.copy()
        latest.clear()
    if _open_at_end(path, last, delimiter):
        raise DataError(_unclosed(path, end - len(last) + 1, "reads on to the end"))


def _remembered(lines: Iterable[str], latest: list[str]) -> Iterator[str]:
    for line in lines:
        latest.append(line)
        yield line


def _open_at_end(path: Path, lines: list[str], delimiter: str) -> bool:
    """Whether a quote is still open behind the lines of a record: then a line more belongs to it as well."""
    quoted = any('"' in line for line in lines)
    return quoted and len(list(records(path, [*lines[:-1], f"{lines[-1]}\n", "x\n"], delimiter))) == 1


def _collapsed(lines: Iterable[str]) -> Iterator[str]:
    return (f"{' '.join(line.split())}\n" for line in lines)


def _unclosed(path: Path, line: int, how: str) -> str:
    return (
        f'{path}, line {line}: a field that begins here {how}. A quote (") without its partner does that: close it, '
        f"or remove it."
    )


def _ragged(path: Path, record: Record, width: int, delimiter: str, header: Record | None) -> str:
    count = len(record.fields)
    due = f"the header (line {header.line}) has {width}" if header else f"the first row has {width}"
    shown = ", ".join(map(repr, record.fields))
    shown = shown if len(shown) <= _SHOWN else f"{shown[: _SHOWN - 1]}…"
    return (
        f"{path}, line {record.line}: {count} {'field' if count == 1 else 'fields'} ({shown}), but {due}. "
        f"{_mend(record, width, delimiter, header)}"
    )


def _mend(record: Record, width: int, delimiter: str, header: Record | None) -> str:
    named = {"\t": "a tab", WHITESPACE: "a blank"}.get(delimiter, repr(delimiter))
    if record.end > record.line:
        return f'It goes on to line {record.end}, since a text in quotes does: if it should not, close the quote (").'
    if other := _other(record.fields, width):
        return f"The fields of this line are divided by {other!r}, those above by {named}: write them alike."
    if width == 1 and header is not None:
        other = _other(header.fields, len(record.fields))
        alike = f"That line is divided by {other!r}, those below it by {named}: write them alike." if other else ""
        return alike or f"If line {header.line} is not the header, but a heading or a comment, remove it."
    if len(record.fields) < width:
        return (
            f"Write every field, also the empty ones: {width} fields are divided by {width - 1} delimiters ({named})."
        )
    if not record.fields[-1].strip():
        return f"It ends with a delimiter ({named}) too many: remove it there, or add one to the header as well."
    return (
        f"If one of its fields holds the delimiter ({named}), put that in quotes; if not, a column has no name above."
    )


def _other(fields: list[str], width: int) -> str | None:
    """The delimiter that would divide a line of one field into `width` fields."""
    return next((mark for mark in DELIMITERS if len(fields) == 1 and fields[0].count(mark) == width - 1), None)
