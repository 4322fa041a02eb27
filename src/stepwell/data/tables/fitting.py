"""Fitting a reader to a table: the target, the split, and all statistics of the training rows."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from shlex import quote
from typing import Any

import numpy as np
import polars as pl
import torch
from polars import selectors as cs

from stepwell.data.arrays import ArraySource
from stepwell.data.splits import Split, Splits
from stepwell.data.tables.columns import Column
from stepwell.data.tables.encoder import naming
from stepwell.data.tables.encoding import Encoding
from stepwell.data.tables.findings import table_findings
from stepwell.data.tables.notes import without_guesses
from stepwell.data.tables.read import TableFile
from stepwell.data.tables.reader import TableReader
from stepwell.data.tables.target import Target, missing_note, rows_with_target


def fit_reader(
    file: TableFile, columns: Sequence[Column], target: str, task: str, split: Callable[[TableFile, Target], Split]
) -> tuple[TableReader, Splits]:
    """The reader of a table, and its rows by side.

    `split` is asked for a split of the rows whose target is known; rows without one are left out, with a note. Rows keep
    their numbers in the file. Raises `DataError` for a target that makes no task and for values that fit no column.
    """
    with naming(file.path):
        known = rows_with_target(file.frame, target)
        part = file if len(known) == len(file.frame) else replace(file, frame=file.frame[known])
        chosen = Target.choose(part.frame, target, task, lambda row: file.line(int(known[row])))
    made = _as_in_file(split(part, chosen), known)
    with naming(file.path):
        encoding = Encoding.fit(file.frame, columns, made.rows["train"], file.line)
        encoded = encoding.encode(file.frame, file.line)
    chosen = chosen.fit(file.frame, made.rows["train"])
    lost = missing_note(target, len(file.frame), known, file.line)
    found = table_findings(file.frame, columns, chosen, made)
    times = [column.name for column in columns if column.kind == "time"]
    reader = TableReader(
        columns=tuple(columns),
        encoding=encoding,
        target=chosen,
        file=_facts(file),
        missing=_missing(file.frame),
        notes=(*without_guesses(file.notes, times), *encoded.notes, *_time_hint(times, made)),
        warnings=(*([lost] if lost else []), *(finding.says for finding in found)),
        suspects=tuple(dict.fromkeys(name for finding in found for name in finding.suspects)),
        frame=file.frame,
    )
    return reader, made.apply(ArraySource(encoded.inputs, _targets(chosen, part, known, len(file.frame))))


def _time_hint(times: Sequence[str], split: Split) -> list[str]:
    """That rows with times can be split by them, where they are not."""
    if not times or split.how.startswith("by_time"):
        return []
    shown = ", ".join(times)
    return [f"The rows have times ({shown}): --time {quote(times[0])} holds out the latest, as in real use."]


def _as_in_file(split: Split, known: np.ndarray[Any, Any]) -> Split:
    """A split of the rows with a target, by their numbers in the file."""
    numbers = torch.from_numpy(known)
    return Split(split.how, {side: numbers[rows] for side, rows in split.rows.items()})


def _targets(target: Target, part: TableFile, known: np.ndarray[Any, Any], rows: int) -> torch.Tensor:
    """One a row of the file; zeros for the rows without a target, which are on no side."""
    given = target.encode(part.frame)
    if len(given) == rows:
        return given
    targets = given.new_zeros((rows, *given.shape[1:]))
    targets[torch.from_numpy(known)] = given
    return targets


def _missing(frame: pl.DataFrame) -> dict[str, int]:
    """How many rows lack a value, by column, where some do."""
    counts = frame.with_columns(cs.float().fill_nan(None)).null_count().row(0, named=True)
    return {name: count for name, count in counts.items() if count}


def _facts(file: TableFile) -> dict[str, Any]:
    """What there is to know of a file, as plain data."""
    return {
        "file": str(file.path),
        "rows": len(file.frame),
        "width": file.frame.width,
        "delimiter": file.delimiter,
        "text_encoding": file.encoding,
        "header": file.header,
    }
