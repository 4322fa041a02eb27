"""Fitting a reader to a series: its step, season, channels and statistics, all of training steps."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from stepwell.core.errors import DataError
from stepwell.data.series.channels import Channels, choose_channels
from stepwell.data.series.findings import calendar_columns, midnight_hint, zero_hint
from stepwell.data.series.naive import find_period
from stepwell.data.series.reader import SeriesReader, place_in
from stepwell.data.series.steps import written
from stepwell.data.series.timeline import Duplicates, Fill, Timeline, true_calendar
from stepwell.data.series.windows import side_borders
from stepwell.data.tables.columns import Column
from stepwell.data.tables.flags import whole_names
from stepwell.data.tables.notes import without_guesses
from stepwell.data.tables.read import TableFile


def fit_reader(
    file: TableFile,
    time: Sequence[str],
    target: str,
    *,
    window: int,
    horizon: int,
    val: float,
    test: float,
    drop: Sequence[str] = (),
    known: Sequence[str] = (),
    period: int = 0,
    duplicates: Duplicates = "refuse",
    fill: Fill = "season",
) -> SeriesReader:
    """The reader of a file's series. `val` and `test` are the shares of steps held out at its end; what is fitted, is
    fitted to those before. `period` 0 finds the season. Raises `DataError` for a file that is no series.
    """
    time, drop, known = (whole_names(names, file.frame.columns) for names in (time, drop, known))
    file = replace(file, notes=_of_series(without_guesses(file.notes, (*time, target))))
    chosen = choose_channels(file.frame, time, target, drop, known)
    timeline = true_calendar(file.frame, time, target, duplicates=duplicates, fill=fill, place=place_in(file))
    columns = _without_calendar(chosen, timeline, known)
    end = side_borders(len(timeline), val=val, test=test)["train"][1]
    values = timeline.frame[target].to_numpy()[:end]
    if period < 0 or period > end:
        raise DataError(f"The period is {period} steps; it must be 1 to {end}, the training steps, or 0 to be found.")
    return SeriesReader(
        time=tuple(time),
        text=timeline.text,
        step=timeline.step,
        window=window,
        horizon=horizon,
        duplicates=duplicates,
        fill=fill,
        channels=Channels.fit(timeline, target, columns, known, end),
        mean=float(values.mean()),
        std=float(values.std()) or 1.0,
        floor=0.0 if values.min() >= 0 else None,
        period=period or find_period(values, timeline.step),
        columns=tuple(columns),
        warnings=_warnings(file, timeline, target, columns, known, fill),
        span=_span(file, timeline),
        timeline=timeline,
    )


def _of_series(notes: Sequence[str]) -> tuple[str, ...]:
    """The notes without a table's flag, which a series has not."""
    flagged = [note.partition("; --types ") for note in notes]
    return tuple(f"{said}." if flag else said for said, flag, _ in flagged)


def _without_calendar(columns: Sequence[Column], timeline: Timeline, known: Sequence[str]) -> list[Column]:
    """Columns that follow from the time are dropped, unless they are named as known ahead: the calendar tells them already."""
    there = ~timeline.filled
    names = [column.name for column in columns if column.encoding and column.name not in known]
    parts = calendar_columns(timeline.frame.filter(there), timeline.times[there], names)
    return [
        replace(
            c, kind="dropped", encoding=None, why=f"follows from the {parts[c.name]}, which the time tells; dropped"
        )
        if c.name in parts
        else c
        for c in columns
    ]


def _warnings(
    file: TableFile, timeline: Timeline, target: str, columns: Sequence[Column], known: Sequence[str], fill: Fill
) -> tuple[str, ...]:
    names = [column.name for column in columns if column.encoding and column.name not in known]
    missing = len(timeline) - file.frame[target].len()
    zeros = zero_hint(file.frame[target].drop_nulls().cast(pl.Float64).to_numpy(), missing, target)
    there = ~timeline.filled
    midnight = midnight_hint(timeline.frame.filter(there), timeline.times[there], names, timeline.step)
    return (*file.notes, *timeline.notes, *(zeros if fill != "zero" else []), *midnight)


def _span(file: TableFile, timeline: Timeline) -> dict[str, Any]:
    first, last = written(timeline.times[0]), written(timeline.times[-1])
    found = {"from": first, "to": last, "steps": len(timeline), "filled": int(timeline.filled.sum())}
    return {"file": str(file.path), "rows": len(file.frame), **found}
