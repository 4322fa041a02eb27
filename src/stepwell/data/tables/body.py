"""The rows of a text file as columns of texts, a slab at a time: fast where the file is regular, exact where it is not."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import polars as pl

from stepwell.core.errors import DataError
from stepwell.data.tables.dialect import Dialect
from stepwell.data.tables.records import WHITESPACE, Record, filled, rectangle
from stepwell.data.tables.text import Text, text_lines

_SLAB_FIELDS = 2**20  # of a larger file are held as texts at a time
_AT_ONCE = 2**25  # bytes of text are read in one go
_NOWHERE = "\x1f"  # a separator that texts do not have, so that a line is one field


class Slab(NamedTuple):
    """Rows of a file, all columns as texts, and how many empty rows between them were left out."""

    texts: pl.DataFrame
    empty: int


def fast_slabs(text: Text, dialect: Dialect) -> Iterator[Slab]:
    """The rows by polars, which reads what is regular.

    Raises `polars.exceptions.PolarsError` for what polars does not take, be it an error in the file or not, and `DataError`
    for rows that are short: polars fills these up in silence.
    """
    checked = False
    for texts in _parsed(text, dialect):
        if not _ends_empty(texts):
            yield Slab(texts, 0)
            continue
        kept = texts.filter(~pl.all_horizontal(pl.all().str.strip_chars() == ""))
        if not checked and _ends_empty(kept):
            refuse_ragged(text, dialect)
            checked = True
        yield Slab(kept, texts.height - kept.height)


def exact_slabs(text: Text, dialect: Dialect) -> Iterator[Slab]:
    """The rows one by one, quotes in places that no standard allows among them. Raises `DataError` as `rectangle` does."""
    rows = _rectangle(text, dialect)
    while taken := list(islice(rows, max(1, _SLAB_FIELDS // len(dialect.names)))):
        kept = [row.fields for row in taken if not row.empty]
        columns = zip(*kept, strict=True) if kept else ((),) * len(dialect.names)
        series = [pl.Series(name, column, dtype=pl.String) for name, column in zip(dialect.names, columns, strict=True)]
        yield Slab(pl.DataFrame(series), len(taken) - len(kept))


def refuse_ragged(text: Text, dialect: Dialect) -> None:
    """Raise `DataError` for the first row that has not as many fields as there are columns, if there is one."""
    if text.quoted or not text.direct or _any_ragged(text, dialect):
        for _ in _rectangle(text, dialect):
            pass


def line_of(path: Path, encoding: str, delimiter: str, header: bool, row: int) -> int:
    """The line of a file in which row `row` (from 0, below the header) begins. Raises `DataError` for one that is not there."""
    rows = filled(path, text_lines(path, encoding), delimiter)
    found = next(islice(rows, row + header, None), None) if row >= 0 else None
    if found is None:
        raise DataError(
            f"{path} has no row {row}. Rows are counted from 0; the file may have changed since it was read."
        )
    return found.line


def _rectangle(text: Text, dialect: Dialect) -> Iterator[Record]:
    return rectangle(text.path, text.lines(), dialect.delimiter, len(dialect.names), dialect.header)


def _parsed(text: Text, dialect: Dialect) -> Iterator[pl.DataFrame]:
    """The rows as polars reads them, empty fields as empty texts. A run of blanks is no delimiter to it."""
    if dialect.delimiter == WHITESPACE:
        raise pl.exceptions.ComputeError("a run of blanks is no delimiter")
    scan = pl.scan_csv(
        text.path if text.direct else text.content(),
        has_header=False,
        skip_lines=0 if dialect.header is None else dialect.header.end,
        separator=dialect.delimiter,
        schema=dict.fromkeys(dialect.names, pl.String),
        glob=False,
    ).with_columns(pl.all().fill_null(""))
    if text.size <= _AT_ONCE:
        yield scan.collect()
    else:
        yield from scan.collect_batches(chunk_size=max(1, _SLAB_FIELDS // len(dialect.names)))


def _any_ragged(text: Text, dialect: Dialect) -> bool:
    """Whether a line that is not blank has too few or too many delimiters: all there is to know where there are no quotes."""
    lines = pl.scan_csv(
        text.path, has_header=False, separator=_NOWHERE, quote_char=None, schema={"line": pl.String}, glob=False
    )
    count = pl.col("line").str.count_matches(dialect.delimiter, literal=True)
    blank = pl.col("line").fill_null("").str.strip_chars() == ""
    ragged = lines.select((~blank & (count != len(dialect.names) - 1)).any())
    try:
        return bool(ragged.collect(engine="streaming").item())
    except pl.exceptions.PolarsError:  # the separator stands somewhere after all
        return True


def _ends_empty(texts: pl.DataFrame) -> bool:
    return bool((texts[texts.columns[-1]].str.strip_chars() == "").any())
