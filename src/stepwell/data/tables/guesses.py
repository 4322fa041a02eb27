"""What a column is, guessed from its values, with the reason."""

from collections.abc import Callable
from shlex import quote

import polars as pl

from stepwell.data.tables.column import Column, How
from stepwell.data.tables.summaries import Summary, counted, held, short

ONE_HOT_LEVELS = 24
"""Categories with more levels than this are embedded."""

_FEW_VALUES = 12
_ROWS_A_VALUE = 10
_HOURS = (0, 23, 24)
_FEW_ROWS = 20
_IDENTIFIERS = ("id", "uid", "uuid", "guid", "index", "rowid")


def guess(summary: Summary) -> Column:
    """The first rule that knows the column."""
    for rule in _RULES:
        if column := rule(summary):
            return column
    return _dropped(summary, f"holds {held(summary)}, which a table's network does not take; dropped")


def _dropped(summary: Summary, why: str) -> Column:
    return Column(summary.name, "dropped", None, why)


def _without_news(summary: Summary) -> Column | None:
    if summary.missing == summary.rows:
        return _dropped(summary, "no value in any row; dropped")
    if summary.distinct == 1 and not summary.missing:
        return _dropped(summary, f"the same value in every row, {short(summary.low)}; dropped")
    return None


def _time(summary: Summary) -> Column | None:
    if summary.dtype.is_temporal() and summary.dtype != pl.Duration:
        why = f"times from {summary.low} to {summary.high}: taken as places in the day, week and year, and as a trend"
        return Column(summary.name, "time", "calendar", why)
    return None


def _two_values(summary: Summary) -> Column | None:
    if summary.distinct != 2 or summary.dtype.is_temporal():
        return None
    what = f"two values, {short(summary.low)} and {short(summary.high)}"
    return Column(summary.name, "nominal", "number", f"{what}: taken as 0 and 1")


def identifier(summary: Summary) -> Column | None:
    """The column as dropped, if it is row numbers, keys or free text: what differs in every row teaches nothing of others."""
    if summary.known <= _FEW_ROWS or not (summary.whole or summary.dtype == pl.String):
        return None
    if summary.dtype == pl.String:
        return _key_of_text(summary)
    if summary.distinct < summary.rows:
        return None
    keep = f"--continuous {quote(summary.name)} keeps it"
    if summary.high - summary.low == summary.rows - 1:
        found = f"the numbers {summary.low:.0f} to {summary.high:.0f}, each once: looks like a row number, dropped"
        return _dropped(summary, f"{found}; {keep}")
    if _words(summary.name) & set(_IDENTIFIERS):
        return _dropped(summary, f"a different value in every row: looks like an identifier, dropped; {keep}")
    return None


def _key_of_text(summary: Summary) -> Column | None:
    keep = f"--nominal {quote(summary.name)} keeps it"
    if summary.distinct == summary.known:
        return _dropped(summary, f"a different text in every row: looks like an identifier, dropped; {keep}")
    if summary.distinct > max(ONE_HOT_LEVELS, summary.known / 2):
        found = (
            f"text with {summary.distinct} values in {summary.known} rows: too few rows a value to learn from, dropped"
        )
        return _dropped(summary, f"{found}; {keep}")
    return None


def _words(name: str) -> set[str]:
    """`PassengerId`, `user_id` → {passenger, id}, {user, id}."""
    spaced = "".join(
        f" {letter}" if letter.isupper() and before.islower() else letter
        for before, letter in zip(" " + name, name, strict=False)
    )
    return set("".join(letter if letter.isalnum() else " " for letter in spaced).lower().split())


def _categories(summary: Summary) -> Column | None:
    if summary.dtype == pl.String:
        why = f"text with {counted(summary.distinct, 'level', 'levels')}"
        return Column(summary.name, "nominal", category_of(summary), f"{why}: {_as(summary)}")
    if summary.dtype == pl.Boolean:
        return Column(summary.name, "nominal", "onehot", "true, or missing: one-hot")
    if not summary.whole or summary.known < _ROWS_A_VALUE * summary.distinct:
        return None
    hint = f"; --continuous {quote(summary.name)} if their distances mean something"
    if (summary.low, summary.high, summary.distinct) == _HOURS:
        why = f"the whole numbers 0 to 23, as the hours of a day: taken as categories, {_as(summary)}{hint}"
        return Column(summary.name, "nominal", category_of(summary), why)
    if summary.distinct <= _FEW_VALUES:
        what = f"whole numbers with {counted(summary.distinct, 'value', 'values')}"
        return Column(
            summary.name, "nominal", category_of(summary), f"{what}: taken as categories, {_as(summary)}{hint}"
        )
    return None


def _number(summary: Summary) -> Column | None:
    if not (summary.dtype.is_numeric() or summary.dtype == pl.Duration):
        return None
    what = "whole numbers" if summary.whole else "numbers"
    if summary.dtype == pl.Duration:
        what = "spans of time, in seconds,"
    return Column(summary.name, "continuous", "number", f"{what} from {short(summary.low)} to {short(summary.high)}")


_RULES: tuple[Callable[[Summary], Column | None], ...] = (
    _without_news,
    _time,
    _two_values,
    identifier,
    _categories,
    _number,
)


def category_of(summary: Summary) -> How:
    """How categories are encoded, by how many there are."""
    return "onehot" if summary.distinct <= ONE_HOT_LEVELS else "embedding"


def _as(summary: Summary) -> str:
    return "one-hot" if category_of(summary) == "onehot" else "an embedding"
