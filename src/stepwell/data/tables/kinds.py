"""Which task a target's values make."""

from collections.abc import Callable, Mapping
from shlex import quote
from typing import Literal

import polars as pl

from stepwell.core.errors import DataError, suggest
from stepwell.data.tables.codes import levels_of
from stepwell.data.tables.encoder import Noted
from stepwell.data.tables.summaries import counted
from stepwell.data.tables.values import looks

TargetKind = Literal["regression", "binary", "multiclass"]
Decided = tuple[TargetKind, tuple[str, ...], str]

_MOST_CODES = 10  # classes that whole numbers from 0 on are taken for
_ROWS_A_CLASS = 2
_FEW_CLASSES = 10  # that any table may have
_POSITIVE = ("true", "yes", "y", "t", "positive", "pos")  # of numbers it is the larger
_MOSTLY = 0.9


def decide(values: pl.Series, task: str, noted: Noted) -> Decided:
    """The kind, the classes and why. `values` are all known. Raises `DataError` for values that make no task, or not that
    which is asked for.
    """
    if task != "auto" and task not in _AS_ASKED:
        known = ("auto", *_AS_ASKED)
        raise DataError(f"--task is {task!r}; it is one of {', '.join(known)}.{suggest(task, known)}")
    if not len(values):
        raise DataError(f"The target {values.name!r} has no rows.")
    if values.n_unique() == 1:
        raise DataError(
            f"The target {values.name!r} is {str(values[0])!r} in every row, so there is nothing to learn. Give rows of other"
            " values, too."
        )
    if not (values.dtype.is_numeric() or values.dtype in (pl.Boolean, pl.String, pl.Categorical, pl.Enum)):
        raise DataError(
            f"The target {values.name!r} holds {values.dtype}; a target is numbers, or text that names classes."
        )
    return _guessed(values, noted) if task == "auto" else _AS_ASKED[task](values, noted)


def _guessed(values: pl.Series, noted: Noted) -> Decided:
    distinct = values.n_unique()
    if distinct == 2:
        return _binary(values, noted)
    if not values.dtype.is_numeric():
        _refuse_stray_text(values, noted)
        _refuse_free_text(values)
        return "multiclass", levels_of(values), f"text with {distinct} values"
    if not _whole(values):
        return "regression", (), "numbers with fractions"
    low, high = int(values.min()), int(values.max())  # type: ignore[arg-type]
    span = f"the whole numbers {low} to {high}"
    if distinct > _MOST_CODES:
        return "regression", (), f"whole numbers with {distinct} values, {low} to {high}"
    if low == 0 and high == distinct - 1:
        why = f"{span}, each of which occurs: taken as classes; --task regression if their distances mean something"
        return "multiclass", levels_of(values), why
    why = (
        f"whole numbers with {distinct} values, {low} to {high}, whose order means something: --task multiclass if not"
    )
    return "regression", (), why


def _binary(values: pl.Series, noted: Noted) -> Decided:
    classes = levels_of(values)
    if len(classes) != 2:
        raise DataError(
            f"--task binary is for two classes, but {values.name!r} has {len(classes)} values: {', '.join(classes[:5])}"
            f"{', …' if len(classes) > 5 else ''}. Say --task {'multiclass' if len(classes) < 100 else 'regression'}."
        )
    if classes[0].lower() in _POSITIVE and classes[1].lower() not in _POSITIVE:
        classes = (classes[1], classes[0])
    return "binary", classes, f"two values; {classes[1]} is the positive class"


def _multiclass(values: pl.Series, noted: Noted) -> Decided:
    if values.dtype.is_float() and not _whole(values):
        raise DataError(
            f"--task multiclass is for classes, but {values.name!r} has numbers with fractions. Say --task regression."
        )
    classes = levels_of(values)
    if len(classes) > max(_FEW_CLASSES, len(values) / _ROWS_A_CLASS):
        raise DataError(
            f"--task multiclass needs several rows of a class, but {values.name!r} has {len(classes):,} values in"
            f" {len(values):,} rows. {'Say --task regression.' if values.dtype.is_numeric() else 'Name another target.'}"
        )
    return "multiclass", classes, f"{len(classes)} values, taken as classes, as --task says"


def _regression(values: pl.Series, noted: Noted) -> Decided:
    if not (values.dtype.is_numeric() or values.dtype == pl.Boolean):
        _refuse_stray_text(values, noted, least=0.5)
        raise DataError(
            f"--task regression is for numbers, but {values.name!r} holds text, such as {values[0]!r}. Say --task multiclass."
            f"{_number_hint(values)}"
        )
    return "regression", (), "numbers, as --task says"


_AS_ASKED: Mapping[str, Callable[[pl.Series, Noted], Decided]] = {
    "regression": _regression,
    "binary": _binary,
    "multiclass": _multiclass,
}


def _whole(values: pl.Series) -> bool:
    return not values.dtype.is_float() or bool((values % 1 == 0).all())


def _refuse_stray_text(values: pl.Series, noted: Noted, least: float = _MOSTLY) -> None:
    """Numbers among which there is some text were meant as numbers."""
    numbers = values.cast(pl.String).cast(pl.Float64, strict=False)
    strays = numbers.is_null().arg_true()
    if len(strays) and numbers.is_not_null().mean() >= least:  # type: ignore[operator]
        row = int(strays[0])
        raise DataError(
            f"The target {values.name!r} is numbers but for {counted(len(strays), 'row', 'rows')}: {values[row]!r} in"
            f" {noted.place(row)}. Leave the field empty where the value is unknown, or say --task multiclass."
        )


def _refuse_free_text(values: pl.Series) -> None:
    distinct = values.n_unique()
    if distinct > max(_FEW_CLASSES, len(values) / _ROWS_A_CLASS):
        raise DataError(
            f"The target {values.name!r} is text with {distinct:,} values in {len(values):,} rows, such as {values[0]!r}: too"
            f" few rows of each to learn from. Name another target.{_number_hint(values)}"
        )


def _number_hint(values: pl.Series) -> str:
    """That text may be numbers, as people write them: with thousands separators, units or leading zeros."""
    texts = values.cast(pl.String)
    strays = texts.filter(texts.cast(pl.Float64, strict=False).is_null())
    if not len(strays):
        return f" If they are numbers: --types {quote(f'{values.name}:number')}."
    return "".join(f" {note}." for note in looks(strays[0]) if "a number" in note)
