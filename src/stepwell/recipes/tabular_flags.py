"""What the flags of a recipe for tables ask for: checked, and turned into types, columns and a split."""

from stepwell.core.errors import DataError
from stepwell.data.splits import Split, split_by_time, split_grouped, split_random, split_stratified
from stepwell.data.tables.calendar import as_times, text_format
from stepwell.data.tables.columns import Column, check_known
from stepwell.data.tables.encoder import Noted
from stepwell.data.tables.findings import row_hashes
from stepwell.data.tables.read import TableFile
from stepwell.data.tables.target import Target

_SHOWN = 20  # columns that a message lists
HEADER = {"auto": None, "yes": True, "no": False}


def types_of(given: tuple[str, ...]) -> dict[str, str]:
    """Columns and types out of `column:type`."""
    pairs = [each.rpartition(":") for each in given]
    wrong = [each for each, (column, _, _) in zip(given, pairs, strict=True) if not column]
    if wrong:
        raise DataError(f"--types takes column:type, such as zip:text; given: {wrong[0]!r}.")
    return {column: kind for column, _, kind in pairs}


def check_named(read: TableFile, column: str | tuple[str, ...], question: str, flag: str) -> None:
    """Raise `DataError`, with a question and the columns that there are, where none is named."""
    if not column:
        names = read.frame.columns
        more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
        raise DataError(
            f"{question} Say it with {flag}; the columns of {read.path} are {', '.join(names[:_SHOWN])}{more}."
        )


def dropped(read: TableFile, target: str, drop: tuple[str, ...], group: str) -> tuple[str, ...]:
    """What to leave out: a group's name says nothing of new groups."""
    if not group or group in drop:
        return drop
    check_known([group], read.frame.columns, "--group")
    if group == target:
        raise DataError(f"--group and --target both name {group!r}; group the rows by another column.")
    return (*drop, group)


def split_rows(
    read: TableFile,
    target: Target,
    *,
    by_time: str,
    by_group: str,
    alike: list[Column],
    val: float,
    test: float,
    seed: int,
) -> Split:
    """By time or by groups where a column is named for it; else at random, of classes in equal proportion.

    Raises `DataError` where several ways are asked for, of which only one could be gone.
    """
    if val + test >= 1:
        raise DataError(f"--val {val:g} and --test {test:g} leave no rows to train on; together they are less than 1.")
    asked = [flag for flag, given in (("--time", by_time), ("--group", by_group), ("--copies", alike)) if given]
    if len(asked) > 1:
        raise DataError(f"{' and '.join(asked)} each say how to split the rows; give one of them.")
    amounts = {"train": 1 - val - test, "val": val, "test": test}
    if by_time:
        check_known([by_time], read.frame.columns, "--time")
        times = read.frame[by_time]
        return split_by_time(as_times(times, Noted(read.line), text_format(times)).to_numpy(), **amounts)
    if by_group:
        check_known([by_group], read.frame.columns, "--group")
        return split_grouped(read.frame[by_group].cast(str).to_list(), **amounts, seed=seed)
    if alike:
        return split_grouped(row_hashes(read.frame, alike), **amounts, seed=seed)
    if target.kind == "regression":
        return split_random(len(read.frame), **amounts, seed=seed)
    return split_stratified(target.encode(read.frame).flatten(), **amounts, seed=seed)
