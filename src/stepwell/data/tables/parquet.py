"""Parquet files as tables: their columns carry names and types."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import polars as pl
from polars import selectors as cs

from stepwell.core.errors import DataError
from stepwell.data.tables.asked import asked_columns
from stepwell.data.tables.inference import unmarked
from stepwell.data.tables.memory import available_memory, refuse_too_large
from stepwell.data.tables.notes import missing_notes
from stepwell.data.tables.values import EXPECTED, MISSING, Values, converted, misfits

T = TypeVar("T")
_TEXT_BYTES = 32  # of a text, as its length is not known before it is read


def read_parquet(
    path: Path, columns: Sequence[str] | None, types: Mapping[str, str]
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """The columns of a Parquet file, categories as texts and decimals as numbers, and notes on what was changed. What stands
    for a missing value in text is missing, as in CSV files.

    Raises `DataError` for a damaged file, one without rows or too large for memory, a column that is not there or holds
    lists, structures or bytes, and a value that is not of the type in `types`.
    """
    schema = _careful(path, lambda: pl.read_parquet_schema(path))
    wanted = asked_columns(path, list(schema), columns, types)
    _refuse_nested(path, {name: schema[name] for name in wanted})
    rows = _careful(path, lambda: pl.scan_parquet(path, glob=False).select(pl.len()).collect().item())
    if not rows:
        raise DataError(f"{path} has no rows, only {len(schema)} {'column' if len(schema) == 1 else 'columns'}.")
    refuse_too_large(
        path, {name: rows * _bytes(schema[name]) for name in wanted}, path.stat().st_size, available_memory()
    )
    frame = _careful(path, lambda: pl.read_parquet(path, columns=list(wanted), glob=False))
    frame, notes = _plain(frame)
    frame, missing = _known(frame, types)
    typed = [_as_type(path, frame[name], types[name]) for name in wanted if name in types]
    return frame.with_columns(typed), (*notes, *missing)


def _careful(path: Path, read: Callable[[], T]) -> T:
    try:
        return read()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(
            f"{path} is damaged or incomplete Parquet ({error}). Copy, download or write it again."
        ) from None


def _bytes(dtype: pl.DataType) -> float:
    return _TEXT_BYTES if dtype in (pl.String, pl.Categorical, pl.Enum) else 8.0


def _refuse_nested(path: Path, schema: Mapping[str, pl.DataType]) -> None:
    for name, dtype in schema.items():
        if dtype.is_nested() or dtype in (pl.Binary, pl.Object):
            raise DataError(
                f"{path}, column {name!r} holds {dtype}: one number, text, time or truth value a row is expected. Read the "
                f"other columns (columns=…), or divide it into columns of its own."
            )


def _plain(frame: pl.DataFrame) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """The few types that a table from text has as well; NaN is missing."""
    zoned = frame.select(cs.datetime(time_zone="*")).columns
    counts = frame.select(cs.float().is_nan().sum())
    nan = {
        name: count
        for name, count in zip(counts.columns, counts.rows()[0] if counts.columns else (), strict=True)
        if count
    }
    frame = frame.with_columns(
        cs.float().fill_nan(None),
        cs.decimal().cast(pl.Float64),
        (cs.categorical() | cs.enum()).cast(pl.String),
        cs.datetime(time_zone="*").dt.convert_time_zone("UTC").dt.replace_time_zone(None),
    )
    notes = [f"Column {name!r} has {count:,} NaN, which count as missing." for name, count in nan.items()]
    return frame, (*notes, *(f"Column {name!r} has times with a time zone, kept in UTC." for name in zoned))


def _known(frame: pl.DataFrame, types: Mapping[str, str]) -> tuple[pl.DataFrame, list[str]]:
    """Texts with nulls for markers of missing values; in a column that is asked for as text, for empty texts alone."""
    texts = frame.select(cs.string())
    words = [name for name in texts.columns if types.get(name) == "text"]
    plain, empty = unmarked(texts.select(words), ("",))
    values, marked = unmarked(texts.drop(words), MISSING)
    frame = frame.with_columns(*plain, *values)
    missing = empty | marked
    return frame, missing_notes({name: Values(frame[name], missing[name]) for name in texts.columns if name in missing})


def _as_type(path: Path, series: pl.Series, kind: str) -> pl.Series:
    if kind == "date" and series.dtype in (pl.Date, pl.Datetime):
        return series
    plain = series.cast(pl.Int8) if series.dtype == pl.Boolean and kind in ("number", "integer") else series
    found = converted(plain.cast(pl.String), kind, False)[0]
    odd = misfits(series, found, kind)
    if odd is not None:
        raise DataError(
            f"{path}, row {odd.row + 1}, column {series.name!r}: {odd.text!r} is not {EXPECTED[kind]}. Mend it, or ask for "
            f"another type of the column: {', '.join(EXPECTED)}."
        )
    return found
