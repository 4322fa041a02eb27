"""How a table is written as text: which delimiter, whether a header, and the names of the columns; found in a sample."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import count, islice, pairwise
from pathlib import Path

from stepwell.core.errors import DataError
from stepwell.data.tables.records import DELIMITERS, WHITESPACE, Record, filled

_NAMES = {
    "tab": "\t",
    "\\t": "\t",
    "semicolon": ";",
    "pipe": "|",
    "comma": ",",
    "space": WHITESPACE,
    "whitespace": WHITESPACE,
}
_SAMPLE_LINES = 200
_SAMPLE_CHARACTERS = 2**20
_LEAST_LINES = 20
_FITS = 0.6  # of the records must have one number of fields
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?|[+-]?(inf|nan)|\d{4}-\d\d-\d\d.*", re.IGNORECASE)


@dataclass(frozen=True)
class Dialect:
    """A table's way of writing: `header` is the record with the names, or None; `names` are unique."""

    delimiter: str
    header: Record | None
    names: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def decimal_comma(self) -> bool:
        """Whether numbers may be written with commas, which is so where commas divide no fields."""
        return self.delimiter != ","


def find_dialect(path: Path, lines: Iterable[str], delimiter: str | None = None, header: bool | None = None) -> Dialect:
    """The dialect of a file, from its first 200 lines; what is given is not guessed.

    Raises `DataError` for a given delimiter that splits nothing while another one does, and for a file without rows.
    """
    sample = _sample(lines)
    _refuse_no_table(path, sample)
    chosen = _best(path, sample) if delimiter is None else _given(path, sample, delimiter)
    found = list(filled(path, sample, chosen))
    has_header = _has_header([record.fields for record in found]) if header is None else header
    if has_header and len(found) == 1:
        raise DataError(
            f"{path} has a header (line {found[0].line}), but no rows below it. If this line is a row, say"
            " --header no (header=False)."
        )
    names, notes = _named(found[0].fields, has_header)
    if not has_header and header is None:
        notes = (f"The first line seems to hold values and no names: the columns are called {_range(names)}.", *notes)
    return Dialect(chosen, found[0] if has_header else None, names, notes)


def _sample(lines: Iterable[str]) -> list[str]:
    taken, characters = list[str](), 0
    for line in islice(lines, _SAMPLE_LINES):
        taken.append(line)
        characters += len(line)
        if characters > _SAMPLE_CHARACTERS and len(taken) >= _LEAST_LINES:
            break
    return taken


def _refuse_no_table(path: Path, sample: Sequence[str]) -> None:
    if not "".join(sample).strip(f" \r\n{''.join(DELIMITERS)}"):
        raise DataError(
            f"{path} holds only blank lines: a header with the names of the columns and one line a row are due."
        )
    if re.fullmatch(r"sep=.", sample[0].strip(), re.IGNORECASE):
        raise DataError(
            f"{path}, line 1: {sample[0].strip()!r} is a hint for Excel and no row of the table. Remove the line."
        )


def _fit(path: Path, sample: Sequence[str], delimiter: str) -> float:
    """The share of records that have the commonest number of fields; 0 where that is one field."""
    try:
        counts = Counter(len(record.fields) for record in filled(path, sample, delimiter))
    except DataError:
        return 0.0
    width, often = counts.most_common(1)[0] if counts else (1, 0)
    return often / counts.total() if width > 1 else 0.0


def _best(path: Path, sample: Sequence[str]) -> str:
    fits = {delimiter: _fit(path, sample, delimiter) for delimiter in DELIMITERS}
    best = max(fits, key=lambda delimiter: fits[delimiter])
    if fits[best] >= _FITS:
        return best
    return WHITESPACE if _are_columns_of_numbers(sample) else ","


def _are_columns_of_numbers(sample: Sequence[str]) -> bool:
    """Whether blanks divide lines into as many fields as the first has, of which most are numbers: sentences are no table."""
    rows = [line.split() for line in sample if line.strip()]
    body = [field for row in rows[1:] or rows for field in row]
    like_first = sum(len(row) == len(rows[0]) for row in rows) >= _FITS * len(rows)
    return len(rows[0]) > 1 and like_first and 2 * sum(map(_is_number, body)) >= len(body)


def _given(path: Path, sample: Sequence[str], delimiter: str) -> str:
    one = _NAMES.get(delimiter, delimiter)
    if len(one) != 1 or one in '"\r\n' or not one.isascii():
        named = "',', ';', '|', 'tab' or 'whitespace'"
        raise DataError(f"A delimiter is one character, such as {named}, and not {delimiter!r}.")
    better = _best(path, sample)
    first, divided = (next(filled(path, sample, mark)) for mark in (one, better))
    if len(first.fields) == 1 and _fit(path, sample, better) > _fit(path, sample, one):
        raise DataError(
            f"{path}, line {first.line}: {one!r} divides nothing there, but {better!r} gives {len(divided.fields)} columns. "
            f"Say --delimiter {_typed(better)} (delimiter={better!r}), or leave the delimiter out."
        )
    return one


def _typed(delimiter: str) -> str:
    """A delimiter as it is typed on a command line."""
    return {"\t": "tab", WHITESPACE: "whitespace"}.get(delimiter, repr(delimiter))


def _is_number(field: str) -> bool:
    return _NUMBER.fullmatch(field.strip()) is not None


def _has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row holds names: no number among them, or years, or a text above a column of numbers."""
    first, body = rows[0], [row for row in rows[1:] if len(row) == len(rows[0])]
    numbers = [place for place, field in enumerate(first) if _is_number(field)]
    texts = [place for place, field in enumerate(first) if field.strip() and place not in numbers]
    if not texts or not numbers:
        return bool(texts)
    if _are_years([first[place] for place in numbers]) and not any(
        _are_years([row[i] for i in numbers]) for row in body
    ):
        return True
    return any(body and all(_is_number(row[i]) or not row[i].strip() for row in body) for i in texts)


def _are_years(fields: Sequence[str]) -> bool:
    """Whether texts are years that follow one another, as they head columns."""
    years = [int(field) if re.fullmatch(r"[12]\d{3}", field.strip()) else 0 for field in fields]
    return len(years) > 1 and years[0] > 0 and all(before < after for before, after in pairwise(years))


def _named(fields: Sequence[str], header: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Unique names for the columns, and what had to be changed for it."""
    if not header:
        return tuple(f"column_{number}" for number in range(1, len(fields) + 1)), ()
    given = [field.strip() for field in fields]
    names: dict[str, None] = {}
    notes = []
    for number, name in enumerate(given, start=1):
        if name and name not in names:
            names[name] = None
            continue
        free = _free(f"{name}_2" if name else f"column_{number}", {*given, *names})
        names[free] = None
        notes.append(
            f"Column {number} {f'repeats the name {name!r}' if name else 'has no name'}: it is called {free!r}."
        )
    return tuple(names), tuple(notes)


def _free(name: str, taken: Collection[str]) -> str:
    """A name that is not taken: this one, or with the next number behind it."""
    stem = name.rpartition("_")[0]
    return name if name not in taken else next(n for n in (f"{stem}_{i}" for i in count(2)) if n not in taken)


def _range(names: Sequence[str]) -> str:
    return f"{names[0]} … {names[-1]}" if len(names) > 1 else names[0]
