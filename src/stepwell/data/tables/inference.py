"""Texts of many columns → typed columns, all at once, a slab of rows at a time; and slabs → whole columns."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from stepwell.data.tables.values import (
    COMMA,
    ISO,
    MISSING,
    TRUTH,
    ZEROS,
    Odd,
    Values,
    complete,
    converted,
    looks,
    misfits,
    numbers,
    times,
    truths,
)

_PADDED = r"^0\d+$"
_NEARLY = 0.5  # of a column's values are of a type, and it is worth a word that the others are not


def understand(texts: pl.DataFrame, types: Mapping[str, str], decimal_comma: bool = False) -> dict[str, Values]:
    """Every column as the type that `types` asks for, or else as the narrowest that all its values have: integer, number,
    boolean, date, date and time, text. Whole numbers with leading zeros, such as 04907, are codes and stay text.

    Markers of missing values become nulls and are counted; in a column that is asked for as text only the empty field is
    one, since there `NA` may be a word. `decimal_comma` allows numbers such as `7,5`. `Values.odd` tells values that are
    not of the type that was asked for, or that alone keep a column from being numbers or dates.
    """
    words = [name for name, kind in types.items() if kind == "text" and name in texts.columns]
    asked = [name for name, kind in types.items() if kind != "text" and name in texts.columns]
    plain, empty = unmarked(texts.select(words), ("",))
    values, missing = unmarked(texts.drop(words), MISSING)
    found = {name: Values(plain[name]) for name in words}
    found |= {name: _asked(values[name], types[name], decimal_comma) for name in asked}
    found |= _inferred(values.drop(asked), decimal_comma)
    missing |= empty
    return {name: replace(found[name], missing=missing.get(name, {})) for name in texts.columns}


def join(slabs: Sequence[Values]) -> Values | None:
    """The slabs of one column as one, or None where they were understood in ways that do not go together: then the whole
    column has to be looked at again.
    """
    known = [slab for slab in slabs if slab.series.null_count() < len(slab.series)] or list(slabs[:1])
    dtype = _common({slab.series.dtype for slab in known})
    floats = {slab.notes for slab in known if slab.series.dtype == pl.Float64}
    padded = {ZEROS in slab.notes for slab in known}
    if dtype is None or len(floats) > 1 or len(padded) > 1:
        return None
    series = pl.concat([slab.series.cast(dtype) for slab in slabs], rechunk=True)
    notes = next((slab.notes for slab in known if slab.notes), ())
    return Values(series, _added([slab.missing for slab in slabs]), _first_odd(slabs), notes)


def _asked(values: pl.Series, kind: str, decimal_comma: bool) -> Values:
    found, notes = converted(values, kind, decimal_comma)
    return Values(found, odd=misfits(values, found, kind), notes=notes)


def unmarked(texts: pl.DataFrame, markers: Sequence[str]) -> tuple[pl.DataFrame, dict[str, dict[str, int]]]:
    """The values without blanks around them and with nulls for missing ones, and how often each marker stood for one."""
    values = texts.select(pl.all().str.strip_chars())
    marked = _row(values, pl.all().is_in(markers).any())
    some = values.select(name for name, has in marked.items() if has)
    counts = {marker: _row(some, (pl.all() == marker).sum()) for marker in markers}
    missing = {name: {mark: counts[mark][name] for mark in markers if counts[mark][name]} for name in some.columns}
    return values.with_columns(some.select(pl.all().replace(markers, None))), missing


def _row(frame: pl.DataFrame, expression: pl.Expr) -> dict[str, Any]:
    """One value a column, all computed in one go by an expression of all columns."""
    return frame.select(expression).row(0, named=True) if frame.width else {}


def _inferred(values: pl.DataFrame, decimal_comma: bool) -> dict[str, Values]:
    whole = values.cast(pl.Int64, strict=False)
    found = {column.name: Values(whole[column.name]) for column in values if complete(whole[column.name], column)}
    left = values.drop(list(found))
    found |= {column.name: Values(column) for column in values if column.null_count() == values.height}
    floats = left.cast(pl.Float64, strict=False)
    known = left.select(column for column in left if complete(floats[column.name], column))
    codes = _row(known, pl.all().str.contains(r"^[+-]?\d+$").all())
    found |= {column.name: _code(column) if codes[column.name] else Values(floats[column.name]) for column in known}
    texts = left.drop(known.columns)
    first = texts.select(_first_not_number(name) for name in texts.columns)
    found |= {
        column.name: _not_numbers(column, floats[column.name], first[column.name].item(), decimal_comma)
        for column in texts
    }
    return found | _padded(values, found)


def _padded(values: pl.DataFrame, found: Mapping[str, Values]) -> dict[str, Values]:
    """The columns that were found to be numbers, but have leading zeros, which numbers would lose."""
    numeric = values.select(name for name, column in found.items() if column.series.dtype.is_numeric())
    padded = _row(numeric, pl.all().str.contains(_PADDED).any())
    return {name: Values(values[name], notes=(ZEROS,)) for name, is_padded in padded.items() if is_padded}


def _first_not_number(name: str) -> pl.Expr:
    return (
        pl.col(name).filter(pl.col(name).is_not_null() & pl.col(name).cast(pl.Float64, strict=False).is_null()).first()
    )


def _code(values: pl.Series) -> Values:
    """Whole numbers too long for 64 bits are codes, of which a number would lose the last digits."""
    return Values(values, notes=("whole numbers of more than 18 digits stay text",))


def _not_numbers(values: pl.Series, floats: pl.Series, first: str, decimal_comma: bool) -> Values:
    """A column with a value that is no number, of which `first` is the first: it tells what else the column may be."""
    found, kind = floats, "number"
    notes: tuple[str, ...] = ()
    if decimal_comma and COMMA.fullmatch(first):
        found, notes = numbers(values, decimal_comma)
    elif ISO.fullmatch(first):
        (found, notes), kind = times(values), "date"
    elif first.lower() in TRUTH:
        found = truths(values)
    if complete(found, values):
        return Values(found, notes=notes)
    present = len(values) - values.null_count()
    nearly = len(found) - found.null_count() >= _NEARLY * present and found.dtype != pl.Boolean
    return Values(values, odd=misfits(values, found, kind)) if nearly else Values(values, notes=looks(first))


def _common(dtypes: set[pl.DataType]) -> pl.DataType | None:
    if len(dtypes) == 1:
        return next(iter(dtypes))
    if dtypes == {pl.Int64(), pl.Float64()}:
        return pl.Float64()
    return pl.Datetime("us") if dtypes == {pl.Date(), pl.Datetime("us")} else None


def _added(counts: Sequence[Mapping[str, int]]) -> dict[str, int]:
    totals = {marker: sum(count.get(marker, 0) for count in counts) for marker in MISSING}
    return {marker: total for marker, total in totals.items() if total}


def _first_odd(slabs: Sequence[Values]) -> Odd | None:
    before, found = 0, []
    for slab in slabs:
        if slab.odd is not None:
            found.append(replace(slab.odd, row=before + slab.odd.row))
        before += len(slab.series)
    return replace(found[0], count=sum(odd.count for odd in found)) if found else None
