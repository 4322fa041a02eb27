"""The timeline of a series: one row a step, in order, with what was missing filled and marked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import polars as pl

from stepwell.core.errors import DataError, suggest
from stepwell.data.series.findings import counted, doubled_hours, gap_sentences
from stepwell.data.series.steps import Places, Step, check_regular, find_step, written
from stepwell.data.series.times import Place, Times, parse_times, row_place, with_numbers
from stepwell.data.tables.values import looks

Duplicates = Literal["refuse", "mean"]
Fill = Literal["season", "last", "zero"]
Mask = np.ndarray[Any, np.dtype[np.bool_]]

MAX_FILLED = 0.5
"""The largest share of a timeline that may be filled; beyond, there is no such series."""


@dataclass(frozen=True, eq=False)
class Timeline:
    """A regular series: `frame` has the file's columns and one row a `step`, at `times` `(n,)`.

    `filled` `(n,)` marks the rows whose target was not in the file. `notes` say what was found and done, in sentences;
    `text` is the format of times that were texts.
    """

    frame: pl.DataFrame
    times: Times
    filled: Mask
    step: Step
    notes: tuple[str, ...] = ()
    text: str | None = None

    def __len__(self) -> int:
        return len(self.times)

    def known(self, end: int) -> "Timeline":
        """The first `end` steps."""
        return replace(self, frame=self.frame[:end], times=self.times[:end], filled=self.filled[:end])


def true_calendar(
    frame: pl.DataFrame,
    time: Sequence[str],
    target: str,
    *,
    duplicates: Duplicates = "refuse",
    fill: Fill = "season",
    step: Step | None = None,
    text: str | None = None,
    place: Place = row_place,
) -> Timeline:
    """A table's rows on the true calendar: sorted, each time once, and a row for each step from the first to the last.

    Times that occur twice are averaged where all is equal, where they are the hour that clocks repeat in autumn, or where
    `duplicates` is `mean`; else they are refused. A missing target becomes that of a season earlier (a day for steps under
    a day, a week for days, a year for months), the `last` one, or `zero`; other columns keep their last value. So nothing
    is filled from the future, which windows must not see. `step` is found where it is not given. Raises `DataError` for
    times or targets that do not make a series, with their `place`.
    """
    frame = with_numbers(frame, [*time[1:], target])
    _check_target(frame, target)
    parsed = parse_times(frame, time, place, text)
    order = np.argsort(parsed.times, kind="stable")
    times, rows = parsed.times[order], frame[order]

    def of_row(row: int) -> str:
        return place(int(order[row]))

    step = step or find_step(times)
    places = step.places(times, times[0])
    moved = check_regular(times, places, times[0], step, of_row)
    notes = [*parsed.notes, *_order_notes(parsed.times, place), *_moved_notes(moved)]
    rows, places, merged = _merge(rows, places, times, target, duplicates, of_row)
    timeline = _regular(rows, places, times[0], step, target, fill)
    notes += [*merged, *gap_sentences(timeline.times, places, timeline.filled, step, fill)]
    return replace(timeline, notes=tuple(notes), text=parsed.text)


def _check_target(frame: pl.DataFrame, target: str) -> None:
    if target not in frame.columns:
        raise DataError(
            f"There is no column {target!r} to forecast; there are {', '.join(frame.columns)}."
            f"{suggest(target, frame.columns)}"
        )
    column = frame[target]
    if column.null_count() == len(column):
        raise DataError(f"The column {target!r} has no value in any of {len(column)} rows, so nothing can be learned.")
    if not column.dtype.is_numeric() and column.dtype != pl.Boolean:
        raise DataError(
            f"The column {target!r} is {column.dtype}, and a forecast is of numbers. Take another --target, or mend it."
            f"{_number_hint(column)}"
        )


def _number_hint(column: pl.Series) -> str:
    """That text may be numbers as people write them, with thousands separators or units."""
    first = column.cast(pl.String).drop_nulls()[0]
    return "".join(f" {note}." for note in looks(first) if "a number" in note)


def _order_notes(times: Times, place: Place) -> list[str]:
    early = np.flatnonzero(times[1:] < times[:-1]) + 1
    if not len(early):
        return []
    return [
        f"The rows were not in the order of time ({place(int(early[0]))} is the first out of it); they were sorted."
    ]


def _moved_notes(moved: int) -> list[str]:
    return [f"{counted(moved, 'time')} beside the steps by up to a quarter of one, moved onto them."] if moved else []


def _merge(
    rows: pl.DataFrame, places: Places, times: Times, target: str, duplicates: Duplicates, place: Callable[[int], str]
) -> tuple[pl.DataFrame, Places, list[str]]:
    """Each place once: numbers averaged, of other values the first. The notes say which."""
    again = np.flatnonzero(np.diff(places) == 0) + 1
    if not len(again):
        return rows, places, []
    values = rows[target].cast(pl.Float64).to_numpy()
    differ = again[values[again] != values[again - 1]]
    autumn = doubled_hours(times)
    others = differ[~autumn[differ]]
    if len(others) and duplicates == "refuse":
        row = int(others[0])
        raise DataError(
            f"{place(row)}: the time {written(times[row])} occurs again, with another {target};"
            f" {counted(len(others), 'row')} {'is' if len(others) == 1 else 'are'} so."
            " Say --duplicates mean to average them. Where the file holds several series, keep the rows of one."
        )
    numeric = [pl.col(name).mean() if rows[name].dtype.is_numeric() else pl.col(name).first() for name in rows.columns]
    merged = rows.with_columns(pl.Series("$place", places)).group_by("$place", maintain_order=True).agg(numeric)
    return merged.drop("$place"), np.unique(places), _merge_notes(times, again, differ, autumn)


def _merge_notes(times: Times, again: Places, differ: Places, autumn: Mask) -> list[str]:
    notes = [
        f"{written(times[row])} occurs twice, as when daylight-saving time ends; the two were averaged."
        for row in again[autumn[again]].tolist()
    ]
    equal, mean = len(again) - len(differ), int((~autumn[differ]).sum())
    equal -= int(autumn[np.setdiff1d(again, differ)].sum())
    if equal:
        notes.append(f"{_repeating(equal)} a time and its value; each was taken once.")
    if mean:
        notes.append(f"{_repeating(mean)} a time with another value; they were averaged.")
    return notes


def _repeating(count: int) -> str:
    return f"{counted(count, 'row')} {'repeats' if count == 1 else 'repeat'}"


def _regular(rows: pl.DataFrame, places: Places, start: np.datetime64, step: Step, target: str, fill: Fill) -> Timeline:
    length = int(places[-1]) + 1
    if length - len(places) > MAX_FILLED * length:
        raise DataError(
            f"From {written(start)} on there are {length:,} steps of {step}, but only {len(places):,} rows: most of the"
            " series would be made up. Average the rows to a coarser step first."
        )
    grid = pl.DataFrame({"$place": np.arange(length)})
    frame = grid.join(rows.with_columns(pl.Series("$place", places)), on="$place", how="left", maintain_order="left")
    values = frame[target].cast(pl.Float64).fill_nan(None)
    filled = values.is_null().to_numpy()
    others = [pl.col(name).forward_fill().backward_fill() for name in rows.columns if name != target]
    frame = frame.with_columns(*others, pl.Series(target, _filled(values, filled, step, fill))).drop("$place")
    return Timeline(frame.select(rows.columns), step.times(start, np.arange(length)), filled, step)


def _filled(values: pl.Series, missing: Mask, step: Step, fill: Fill) -> Any:
    """The values with those missing filled from earlier ones; before the first known one, with that."""
    if fill == "zero":
        return values.fill_null(0.0).to_numpy()
    full = values.forward_fill().backward_fill().to_numpy().copy()
    if fill == "season" and step.seasons:
        season = step.seasons[0]
        for row in np.flatnonzero(missing).tolist():  # in order, so that a long gap repeats its last season
            if row >= season:
                full[row] = full[row - season]
    return full
