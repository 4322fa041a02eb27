"""Rows by the names of their columns, as JSON holds them, typed as if a CSV file had them."""

from collections.abc import KeysView, Mapping, Sequence
from math import isfinite
from typing import Any

import polars as pl

from stepwell.core.errors import DataError, suggest
from stepwell.data.tables.inference import understand
from stepwell.data.tables.notes import missing_notes, treatment_notes, without_guesses
from stepwell.data.tables.values import Values

Record = Mapping[str, Any]

_MOST_COLUMNS = 10_000
_SHOWN = 80  # characters of a name


def table_of(records: Sequence[Record], types: Mapping[str, str]) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Rows as typed columns, in the order of the first row's, and notes on missing values and what was done to others.

    A column has the type that `types` asks for (as those of `read_table`), or the narrowest that all of its values have,
    whether they are numbers or texts of them. Raises `DataError` for no rows, for more than 10,000 columns, for a row with other
    columns than the first, and for values that no field of a table holds: lists, objects, NaN and infinite numbers.
    """
    if not records:
        raise DataError('There are no rows. Give at least one, such as {"column": value}.')
    names = records[0].keys()
    if len(names) > _MOST_COLUMNS:
        raise DataError(
            f"Row 0 has {len(names):,} columns; {_MOST_COLUMNS:,} are the most. Leave out those not needed."
        )
    for number, record in enumerate(records):
        _check(number, record, names)
    texts = {name: [_text(record[name]) for record in records] for name in names}
    columns = understand(pl.DataFrame(texts, dict.fromkeys(names, pl.String)), types)
    return pl.DataFrame([values.series for values in columns.values()]), _notes(columns)


def _notes(columns: Mapping[str, Values]) -> tuple[str, ...]:
    return without_guesses([*missing_notes(columns), *treatment_notes(columns)], list(columns))


def _check(number: int, record: Record, names: KeysView[str]) -> None:
    """Raise `DataError` unless a row has all columns, and a value in each."""
    if record.keys() != names:
        lacking = [name for name in names if name not in record]
        others = [name for name in record if name not in names]
        odd, what = (lacking[0], "lacks") if lacking else (others[0], "has")
        near = suggest(odd[:_SHOWN], others) if lacking else ""
        raise DataError(
            f"Row {number} {what} the column {odd[:_SHOWN]!r}, unlike row 0: give all rows the same columns, null where a value is"
            f" unknown.{near}"
        )
    for name, value in record.items():
        if not isinstance(value, str | int | float | None) or (isinstance(value, float) and not isfinite(value)):
            shown = value if isinstance(value, float) else type(value).__name__
            raise DataError(
                f"Row {number} has {shown} in the column {name[:_SHOWN]!r}; a number, a text, true, false or null is expected."
            )


def _text(value: Any) -> str:
    """A value as a field of a CSV file: shortest digits that give back the number, nothing where it is missing."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
