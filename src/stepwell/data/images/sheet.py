"""A CSV or Parquet file that lists pictures: paths from the file's own folder, labels, and perhaps sides."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl
import torch
from torch import Tensor

from stepwell.core.errors import DataError, suggest
from stepwell.data.images.layout import SIDE_FOLDERS, check_classes, is_picture, listed
from stepwell.data.images.listing import Listing
from stepwell.data.tables.read import TableFile, read_table

_LABELS = ("label", "labels", "class", "classes", "category", "target", "y")
_SIDES = ("side", "split", "set", "subset", "partition", "fold")
_SHOWN = 10
_MANY = 20  # pictures from which on a class for nearly each of them is a mistake


def read_sheet(path: Path, *, file: str | None = None, label: str | None = None, side: str | None = None) -> Listing:
    """The pictures that a table lists; arguments and errors as `stepwell.data.images.listing.find_images`."""
    table, file = read_paths(path, file)
    label = _label_column(table, file, label)
    side = side_column(table, (file, label), side)
    table = read_table(path, types={name: "text" for name in (file, label, side) if name})
    names, labels = table.frame[file].to_list(), table.frame[label].to_list()
    refuse_empty(table, file, label)
    refuse_missing(table, names)
    _refuse_contradictions(table, names, labels)
    sides = sides_of(table, side) if side else None
    check_classes(str(path), labels, sides)
    classes, numbers = _numbered(labels)
    if len(names) >= _MANY and len(classes) > len(names) // 2:
        raise DataError(
            f"{path}: the column {label!r} has {len(classes):,} different values for {len(names):,} pictures; a class needs"
            " several pictures. It may hold numbers or names of each: name the column of classes with label= (--labels)."
        )
    return Listing(path.parent, tuple(names), numbers, classes, sides)


def read_paths(path: Path, file: str | None = None) -> tuple[TableFile, str]:
    """A table with a column of paths, as text, and that column's name, which is found where it is not given."""
    table = read_table(path)
    name = named_column(table, file, "file") if file else _file_column(table)
    return read_table(path, types={name: "text"}), name


def _file_column(table: TableFile) -> str:
    """The column in which most values are named as pictures."""
    shares = {
        series.name: sum(map(is_picture, map(_slashed, values))) / len(values)
        for series in table.frame.select(pl.col(pl.String))
        if (values := series.drop_nulls().head(1000).to_list())
    }
    best = max(shares, key=lambda name: shares[name], default="")
    if not best or shares[best] < 0.5:
        raise DataError(
            f"{table.path} has no column of paths to pictures (such as cats/1.jpg, from the folder of this file); its columns"
            f" are {listed(table.frame.columns)}. Write the whole path with its suffix, or name the column with file= (--paths)."
        )
    if is_picture(_slashed(best)):
        raise DataError(
            f"The first line of {table.path} has {best!r} for the name of a column, so it seems to be a picture, and the header"
            " to be missing. Write one above it: file,label."
        )
    return best


def _label_column(table: TableFile, file: str, label: str | None) -> str:
    if label:
        return named_column(table, label, "label")
    others = [name for name in table.frame.columns if name != file and name.casefold() not in _SIDES]
    by_name = [name for known in _LABELS for name in others if name.casefold() == known]
    if by_name or len(others) == 1:
        return (by_name or others)[0]
    raise DataError(
        f"{table.path} does not say which column is the label of the pictures in {file!r}:"
        f" {listed(others) if others else 'there is no other column'}. Name it with label= (--labels)."
    )


def side_column(table: TableFile, taken: Sequence[str], side: str | None) -> str | None:
    """The column of sides: the one that is named, or one that is called so and has nothing else in it.

    Raises `DataError` for one that is called so and in which more than half of the values are sides, but not all: to pass it
    by would train on the test rows.
    """
    if side:
        return named_column(table, side, "side")
    text = [series for series in table.frame.select(pl.col(pl.String)) if series.name not in taken]
    values = {series.name: series.to_list() for series in text if series.name.casefold() in _SIDES}
    odd = {name: [row for row, one in enumerate(given) if not _is_side(one)] for name, given in values.items()}
    if whole := [name for name, rows in odd.items() if not rows]:
        return whole[0]
    for name, rows in odd.items():
        filled = sum(bool(one and one.strip()) for one in values[name])
        if 2 * (len(values[name]) - len(rows)) > filled:
            _refuse_odd_side(table, name, rows)
    return None


def _is_side(value: str | None) -> bool:
    return value is not None and value.casefold() in SIDE_FOLDERS


def _refuse_odd_side(table: TableFile, name: str, odd: Sequence[int]) -> None:
    value = table.frame[name][odd[0]] or ""
    more = (
        f" (nor {'is' if len(odd) == 2 else 'are'} {len(odd) - 1:,} more of {len(table.frame):,} values)"
        if len(odd) > 1
        else ""
    )
    raise DataError(
        f"{table.path}, line {table.line(odd[0])}, column {name!r}: {value!r} is no side{more}, but most that are filled in are;"
        f" known are {', '.join(SIDE_FOLDERS)}.{suggest(value, SIDE_FOLDERS)} Correct the column; or if it holds no sides,"
        " rename it, drop it or name another with side= (--sides)."
    )


def named_column(table: TableFile, given: str, what: str) -> str:
    """A column that was asked for by name. Raises `DataError`, with the nearest name, where the table has none such."""
    if given not in table.frame.columns:
        raise DataError(
            f"{table.path} has no column {given!r} ({what}=); it has {listed(table.frame.columns)}."
            f"{suggest(given, table.frame.columns)}"
        )
    return given


def refuse_empty(table: TableFile, *columns: str) -> None:
    """Raise `DataError` for a table without rows, and for an empty field of the columns, with its line."""
    if table.frame.is_empty():
        raise DataError(f"{table.path} has a header but no rows; one line a picture is expected.")
    for name in columns:
        empty = table.frame[name].is_null().arg_true()
        if len(empty):
            raise DataError(
                f"{table.path}, line {table.line(int(empty[0]))}: {name!r} is empty; each picture needs one there."
            )


def refuse_missing(table: TableFile, names: Sequence[str]) -> None:
    """Raise `DataError` for paths from the table's folder at which there is no file, with their lines."""
    root = table.path.parent
    missing = [row for row, name in enumerate(names) if not (root / name).is_file()]
    if not missing:
        return
    shown = ", ".join(f"{names[row]} (line {table.line(row)})" for row in missing[:_SHOWN])
    more = f" and {len(missing) - _SHOWN:,} more" if len(missing) > _SHOWN else ""
    raise DataError(
        f"{table.path} lists {len(missing):,} of {len(names):,} pictures that are not there: {shown}{more}. Paths start from"
        f" {root.absolute()}."
    )


def _refuse_contradictions(table: TableFile, names: Sequence[str], labels: Sequence[str]) -> None:
    first: dict[str, int] = {}
    for row, name in enumerate(names):
        before = first.setdefault(name, row)
        if labels[before] != labels[row]:
            raise DataError(
                f"{table.path} lists {name} as {labels[before]!r} in line {table.line(before)} and as {labels[row]!r} in line"
                f" {table.line(row)}; a picture has one label."
            )


def sides_of(table: TableFile, name: str) -> tuple[str, ...]:
    """The side that a column states for each row. Raises `DataError` for what is no side, with its line."""
    values = [str(value).casefold() if value is not None else "" for value in table.frame[name].to_list()]
    for row, value in enumerate(values):
        if value not in SIDE_FOLDERS:
            raise DataError(
                f"{table.path}, line {table.line(row)}, column {name!r}: {value!r} is no side; expected are"
                f" {', '.join(SIDE_FOLDERS)}.{suggest(value, SIDE_FOLDERS)}"
            )
    return tuple(SIDE_FOLDERS[value] for value in values)


def _numbered(labels: Sequence[str]) -> tuple[tuple[str, ...], Tensor]:
    """The classes in sorted order (whole numbers by their size), and each label's number."""
    whole = all(label.lstrip("-").isdecimal() for label in set(labels))
    classes = tuple(sorted(set(labels), key=(lambda label: (int(label), label)) if whole else lambda label: (0, label)))
    number = {name: place for place, name in enumerate(classes)}
    return classes, torch.tensor([number[label] for label in labels], dtype=torch.int64)


def _slashed(name: str) -> str:
    return name.removeprefix("./").replace("\\", "/").removeprefix("../")
