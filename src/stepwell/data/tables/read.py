"""`read_table`: a CSV or Parquet file as typed columns, and where in the file each row stands."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import polars as pl

from stepwell.core.errors import DataError
from stepwell.data.tables.asked import asked_columns
from stepwell.data.tables.body import line_of
from stepwell.data.tables.dialect import Dialect, find_dialect
from stepwell.data.tables.memory import available_memory, refuse_too_large
from stepwell.data.tables.notes import empty_notes, missing_notes, oddity_notes, treatment_notes
from stepwell.data.tables.parquet import read_parquet
from stepwell.data.tables.paths import table_kind
from stepwell.data.tables.text import Text, read_text
from stepwell.data.tables.typed import sampled_bytes, typed_columns
from stepwell.data.tables.values import EXPECTED, Values

_SURELY_FITS = 64  # times the bytes of its text is more than any table takes
_SLABS = 2**29  # bytes that polars has read ahead, as texts, at most


@dataclass(frozen=True, eq=False)
class TableFile:
    """A table that was read: `frame` has the columns in the file's order, with their names as in the file.

    `delimiter` is a space for any run of spaces and tabs; it and `encoding` (Python's name) are None for Parquet. `header`
    says whether the first line holds the names. `notes` are sentences on what was found and done: missing values,
    decimal commas, changed names.
    """

    path: Path
    frame: pl.DataFrame
    delimiter: str | None
    encoding: str | None
    header: bool
    notes: tuple[str, ...]

    def line(self, row: int) -> int:
        """The line (from 1) in which row `row` (from 0) of `frame` begins. Parquet has no lines: there it is `row + 1`.

        The file is read again up to there, so this is for messages and not for loops.
        """
        if self.delimiter is None or self.encoding is None:
            return row + 1
        return line_of(self.path, self.encoding, self.delimiter, self.header, row)


def read_table(
    path: str | Path,
    *,
    delimiter: str | None = None,
    header: bool | None = None,
    encoding: str | None = None,
    columns: Sequence[str] | None = None,
    types: Mapping[str, str] | None = None,
) -> TableFile:
    """Read a CSV file (any delimiter, also compressed with gzip) or a Parquet file.

    What is not given is found. `columns` are the only ones to be read. `types` maps columns to `number`, `integer`, `text`,
    `date` or `boolean`; else a column has the narrowest type that all of its values have. Raises `DataError` for a file
    that cannot be read as it stands, naming file, line and column, what was expected and how to mend it; and for one that
    memory cannot hold (`STEPWELL_MEMORY`, such as `4GB`, says how much there is, if it is not to be found out).
    """
    path = Path(path).expanduser()
    if table_kind(path) == "parquet":
        frame, notes = read_parquet(path, columns, types or {})
        return TableFile(path, frame, None, None, True, notes)
    text = read_text(path, encoding)
    return _read(text, find_dialect(path, text.lines(), delimiter, header), columns, types or {})


def _read(text: Text, dialect: Dialect, columns: Sequence[str] | None, types: Mapping[str, str]) -> TableFile:
    wanted = asked_columns(text.path, dialect.names, columns, types)
    _check_memory(text, dialect, wanted, types)
    typed = typed_columns(text, dialect, wanted, types)
    line = partial(line_of, text.path, text.encoding, dialect.delimiter, dialect.header is not None)
    for name in types:
        _refuse_misfit(text.path, name, typed.columns.get(name), line)
    notes = [*text.notes, *dialect.notes, *empty_notes(typed.empty), *missing_notes(typed.columns)]
    notes += [*treatment_notes(typed.columns), *oddity_notes(typed.columns, line)]
    frame = pl.DataFrame([values.series for values in typed.columns.values()])
    return TableFile(text.path, frame, dialect.delimiter, text.encoding, dialect.header is not None, tuple(notes))


def _check_memory(text: Text, dialect: Dialect, wanted: Sequence[str], types: Mapping[str, str]) -> None:
    available = available_memory()
    if _SURELY_FITS * text.size > available:
        working = min(16 * text.size, _SLABS) + (0 if text.direct else 4 * text.size)
        refuse_too_large(text.path, sampled_bytes(text, dialect, wanted, types), working, available)


def _refuse_misfit(path: Path, name: str, values: Values | None, line: Callable[[int], int]) -> None:
    if values is not None and (odd := values.odd) is not None:
        more = f" ({odd.count:,} of its values are not)" if odd.count > 1 else ""
        raise DataError(
            f"{path}, line {line(odd.row)}, column {name!r}: {odd.text!r} is not {EXPECTED[odd.kind]}{more}. Mend it, leave "
            f"it empty if it is missing, or ask for another type of the column: {', '.join(EXPECTED)}."
        )
