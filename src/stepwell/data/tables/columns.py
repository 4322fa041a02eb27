"""What each column of a table is, and how a network takes it: guessed, with the reason, and overruled by flags.

The kinds are those of Stevens et al., *Deep Learning with PyTorch*, chapter 4: continuous, ordinal, nominal.
"""

from collections.abc import Iterable, Mapping, Sequence

import polars as pl

from stepwell.core.errors import DataError, suggest
from stepwell.data.tables.column import Column, OrdinalAs
from stepwell.data.tables.flags import ASKED, whole_names
from stepwell.data.tables.guesses import guess
from stepwell.data.tables.summaries import summaries

__all__ = ["Column", "check_known", "choose_columns"]


def choose_columns(
    frame: pl.DataFrame,
    *,
    target: str,
    drop: Sequence[str] = (),
    continuous: Sequence[str] = (),
    ordinal: Sequence[str] = (),
    nominal: Sequence[str] = (),
    time: str | Sequence[str] | None = None,
    ordinal_as: OrdinalAs = "number",
) -> list[Column]:
    """The kind of every column but the target, in the table's order.

    Names given overrule the guess. An ordinal column of text may say its order: `size:small<medium<large`. Raises
    `DataError` for unknown names, for a column that is named twice, for the target among them, and where no column is
    left to learn from.
    """
    times = (time,) if isinstance(time, str) else tuple(time or ())
    orders = dict(_ordered(name, frame.columns) for name in whole_names(ordinal, frame.columns))
    named = {"drop": drop, "continuous": continuous, "ordinal": tuple(orders), "nominal": nominal, "time": times}
    named = {flag: whole_names(names, frame.columns) for flag, names in named.items()}
    flags = _flags(named, frame.columns, target)
    chosen = []
    for summary in summaries(frame.drop(target)):
        flag = flags.get(summary.name)
        chosen.append(guess(summary) if flag is None else ASKED[flag](summary, ordinal_as, orders))
    if all(column.kind == "dropped" for column in chosen):
        raise DataError(_nothing_left(chosen))
    return chosen


def _ordered(given: str, known: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """`size:small<medium<large` as the name and its levels; a name alone has none."""
    name, colon, levels = given.rpartition(":")
    if given in known or not colon:
        return given, ()
    return name, tuple(level.strip() for level in levels.split("<"))


def _flags(named: Mapping[str, Sequence[str]], known: Sequence[str], target: str) -> dict[str, str]:
    """The flag of each column that has one."""
    check_known([target], known, "--target")
    flags: dict[str, str] = {}
    for flag, names in named.items():
        check_known(names, known, f"--{flag}")
        for name in names:
            if name == target:
                raise DataError(
                    f"--{flag} names {name!r}, which is the target and so no input; name it in one of them."
                )
            if flags.setdefault(name, flag) != flag:
                raise DataError(f"--{flags[name]} and --{flag} both name {name!r}; keep it in one of them.")
    return flags


def check_known(names: Iterable[str], known: Sequence[str], flag: str, header: str = "--header yes to use it") -> None:
    """Raise `DataError`, with the nearest name, for one that is no column. `header` says how a first line is taken as the
    names, for columns that have none.
    """
    for name in names:
        if name not in known:
            columns = ", ".join(known[:12]) + (f" and {len(known) - 12} more" if len(known) > 12 else "")
            raise DataError(
                f"{flag} names {name!r}, which is no column of the table.{suggest(name, known)} Its columns: {columns}."
                f"{_numbered(known, header)}"
            )


def _numbered(known: Sequence[str], header: str) -> str:
    if not known or list(known) != [f"column_{number}" for number in range(1, len(known) + 1)]:
        return ""
    return f" No header was found in the first line, so the columns are numbered ({header})."


def _nothing_left(columns: Sequence[Column]) -> str:
    shown = "; ".join(f"{column.name}: {column.why}" for column in columns[:5])
    return (
        f"No column is left to learn from. {shown or 'The table has the target alone'}. Keep one with --continuous or"
        " --nominal, or drop fewer."
    )
