"""What a column is, as a flag says."""

from collections.abc import Callable, Collection, Mapping, Sequence
from shlex import quote

import polars as pl

from stepwell.core.errors import DataError, suggest
from stepwell.data.tables.column import Column, How, OrdinalAs
from stepwell.data.tables.guesses import category_of
from stepwell.data.tables.summaries import Summary, counted, held

Orders = Mapping[str, tuple[str, ...]]
"""The levels of ordinal columns, from least to greatest."""


def whole_names(given: Sequence[str], known: Collection[str]) -> tuple[str, ...]:
    """Names as they were before a flag was split at commas: neighbours that make a column's name together are one.

    An order behind a name, `size, cm:small<large`, stays there. Neighbours that are columns all by themselves are kept apart.
    """
    names, at = list[str](), 0
    while at < len(given):
        ends = (end for end in range(len(given), at + 1, -1) if _is_name(given[at:end], known))
        end = next(ends, at + 1)
        names.append(",".join(given[at:end]))
        at = end
    return tuple(names)


def _is_name(parts: Sequence[str], known: Collection[str]) -> bool:
    joined = ",".join(parts)
    there = joined in known or joined.rpartition(":")[0] in known
    return there and not all(part in known for part in parts)


def _asked_to_drop(summary: Summary, ordinal_as: OrdinalAs, orders: Orders) -> Column:
    return Column(summary.name, "dropped", None, "dropped, as --drop says", asked=True)


def _asked_continuous(summary: Summary, ordinal_as: OrdinalAs, orders: Orders) -> Column:
    if not (summary.dtype.is_numeric() or summary.dtype in (pl.Boolean, pl.Duration)):
        raise DataError(
            f"--continuous names {summary.name!r}, which holds {held(summary)}, such as {summary.low!r}, and no numbers."
            f" Say --nominal {quote(summary.name)} or --drop {quote(summary.name)}."
        )
    return Column(summary.name, "continuous", "number", "a number, as --continuous says", asked=True)


def _asked_nominal(summary: Summary, ordinal_as: OrdinalAs, orders: Orders) -> Column:
    why = f"{counted(summary.distinct, 'category', 'categories')}, as --nominal says"
    return Column(summary.name, "nominal", category_of(summary), why, asked=True)


def _asked_ordinal(summary: Summary, ordinal_as: OrdinalAs, orders: Orders) -> Column:
    order = orders[summary.name]
    how: dict[OrdinalAs, How] = {"number": "number", "category": category_of(summary), "cumulative": "cumulative"}
    if ordinal_as not in how:
        raise DataError(
            f"--ordinal-as is {ordinal_as!r}; it is one of {', '.join(how)}.{suggest(str(ordinal_as), how)}"
        )
    why = f"{summary.distinct} ordered values, taken as {ordinal_as}, as --ordinal says"
    if summary.dtype == pl.String:
        said = " < ".join(order) if order else "of the alphabet"
        more = "" if order else f"; --ordinal {quote(f'{summary.name}:least<…<greatest')} gives another"
        why += f", in the order {said}{more}"
    return Column(summary.name, "ordinal", how[ordinal_as], why, asked=True, order=order)


def _asked_time(summary: Summary, ordinal_as: OrdinalAs, orders: Orders) -> Column:
    if not (summary.dtype.is_temporal() or summary.dtype == pl.String):
        raise DataError(
            f"--time names {summary.name!r}, which holds {held(summary)}, such as {summary.low}, and no dates or times."
        )
    return Column(summary.name, "time", "calendar", "dates or times, as --time says", asked=True)


ASKED: Mapping[str, Callable[[Summary, OrdinalAs, Orders], Column]] = {
    "drop": _asked_to_drop,
    "continuous": _asked_continuous,
    "ordinal": _asked_ordinal,
    "nominal": _asked_nominal,
    "time": _asked_time,
}
"""By flag: what a column becomes for which it is given."""
