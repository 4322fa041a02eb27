"""How files of a series are read: kept in a run, so that the next values can be forecast from new files."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import time as clock
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl

from stepwell.core.errors import DataError, suggest
from stepwell.data.reader import Reader, Reading
from stepwell.data.series.channels import Channels
from stepwell.data.series.steps import Step, written
from stepwell.data.series.timeline import Duplicates, Fill, Timeline, true_calendar
from stepwell.data.series.times import Place, row_place
from stepwell.data.tables.columns import Column
from stepwell.data.tables.objects import table_of
from stepwell.data.tables.paths import SUFFIXES
from stepwell.data.tables.read import TableFile, read_table


@dataclass(frozen=True, kw_only=True, eq=False)
class SeriesReader(Reader):
    """How a series is read: its `time` columns, with the format `text` of times that are texts; its `step`; `window` and
    `horizon` in steps; and the `channels` that it becomes.

    `mean`, `std` and `floor` are the target's in the training steps, the floor being 0 where it is never below, and
    `period` is its season in steps. `columns` say what was made
    of each column, `warnings` what is unusual, `span` where the series came from. `timeline` is the series that all this was
    fitted to; it is not kept with a run.
    """

    kind: ClassVar[str] = "series"
    suffixes: ClassVar[tuple[str, ...]] = SUFFIXES
    time: tuple[str, ...]
    text: str | None
    step: Step
    window: int
    horizon: int
    duplicates: Duplicates
    fill: Fill
    channels: Channels
    mean: float
    std: float
    floor: float | None
    period: int
    columns: tuple[Column, ...] = ()
    warnings: tuple[str, ...] = ()
    span: Mapping[str, Any] = field(default_factory=dict)
    timeline: Timeline | None = field(default=None, repr=False)

    @property
    def target(self) -> str:
        """The column that is forecast."""
        return self.channels.target

    def read(self, path: Path) -> Reading:
        """The latest window of a file, one row of inputs; `rows` has its last known time (`after`), and the `times` that are
        to be forecast.

        Rows at the end that have no target are ahead: they hold what is known of the times to forecast. Raises `DataError`
        for a file with fewer steps than a window, or without rows ahead where columns are known ahead.
        """
        file = read_table(path, columns=[*self.time, self.target, *self.channels.columns], types=self._types)
        return self._reading(file.frame, place_in(file), str(path))

    def of_records(self, records: Sequence[Mapping[str, Any]]) -> Reading:
        """The same of rows by the names of their columns, typed as those of a CSV file are; null is a missing value.

        Raises `DataError` as `read` does, with the number of the row from 0.
        """
        frame, notes = table_of(records, self._types)
        lacking = [name for name in (*self.time, self.target, *self.channels.columns) if name not in frame.columns]
        if lacking:
            raise DataError(
                f"The series lacks the column {lacking[0]!r}; there are {', '.join(frame.columns)}."
                f"{suggest(lacking[0], frame.columns)}"
            )
        reading = self._reading(frame, row_place, "The series")
        return replace(reading, notes=(*notes, *reading.notes))

    def _reading(self, frame: pl.DataFrame, place: Place, what: str) -> Reading:
        """The latest window of a table; `what` names it in messages, `place` its rows."""
        timeline = true_calendar(
            frame, self.time, self.target, duplicates=self.duplicates, fill=self.fill, step=self.step, text=self.text,
            place=place,
        )  # fmt: skip
        end = int(np.flatnonzero(~timeline.filled)[-1]) + 1
        self._check(what, timeline, end)
        known = timeline.known(end)
        past = self.channels.numbers(known)
        ahead = self.channels.ahead_of(timeline, end, self.horizon)
        inputs = {"past": past.past[-self.window :].unsqueeze(0), "known": ahead.unsqueeze(0)}
        times = self.step.times(timeline.times[0], np.arange(end, end + self.horizon))
        rows = pl.DataFrame({"after": timeline.times[end - 1 : end]}).with_columns(pl.Series("times", times).implode())
        return Reading(inputs, rows, (*timeline.notes, *past.notes))

    @property
    def _types(self) -> dict[str, str]:
        return dict.fromkeys((*self.channels.past.text_columns, *self.channels.ahead.text_columns), "text")

    def _check(self, what: str, timeline: Timeline, end: int) -> None:
        last = written(timeline.times[end - 1])
        if end < self.window:
            raise DataError(
                f"{what} has {end} steps of {self.step} up to the last {self.target}, at {last}; the network looks at"
                f" {self.window}. Give a file with at least {self.window} of them."
            )
        ahead = self.channels.ahead.columns
        if ahead and len(timeline) - end < self.horizon:
            raise DataError(
                f"{what} ends {len(timeline) - end} steps after the last {self.target}, at {last}. The forecast needs"
                f" {', '.join(ahead)} of {self.horizon} steps: append rows with these, and leave their {self.target} empty."
            )

    def answered(self, reading: Reading, answers: list[dict[str, Any]]) -> pl.DataFrame:
        """One row for each time ahead: `time`, a date where steps are of days or longer and begin at midnight, and `forecast`."""
        values = pl.Series("forecast", [list(answer["values"].values()) for answer in answers], pl.List(pl.Float64))
        found = reading.rows.select(time="times").with_columns(values).explode("time", "forecast")
        daily = self.step.whole_days and bool((found["time"].dt.time() == clock(0)).all())
        return found.with_columns(pl.col("time").cast(pl.Date)) if daily else found

    def row(self, number: int, *, whole: bool = False) -> dict[str, Any]:
        """When the forecast of a window begins."""
        return {} if self.timeline is None else {"from": written(self.timeline.times[number + self.window])}

    def facts(self) -> dict[str, Any]:
        """Where the series came from, its columns and warnings, as plain data."""
        columns = [
            {"column": ", ".join(self.time), "kind": "time", "encoding": ", ".join(self.channels.circles), "levels": None,
             "missing": None, "why": f"the time; a step is {self.step}"},
            {"column": self.target, "kind": "target", "encoding": "normalised window by window", "levels": None,
             "missing": self.span.get("filled"), "why": f"is forecast {self.horizon} steps ahead from the last {self.window}"},
            *(self._column(column) for column in self.columns),
        ]  # fmt: skip
        facts = {"kind": self.kind, **self.span, "target": self.target, "step": str(self.step), "period": self.period}
        return {
            **facts,
            "window": self.window,
            "horizon": self.horizon,
            "columns": columns,
            "warnings": list(self.warnings),
        }

    def _column(self, column: Column) -> dict[str, Any]:
        ahead = column.name in self.channels.ahead.columns
        how = column.encoding and f"{column.encoding}, known ahead" if ahead else column.encoding
        return {
            "column": column.name,
            "kind": column.kind,
            "encoding": how,
            "levels": None,
            "missing": None,
            "why": column.why,
        }

    def to_json(self) -> dict[str, Any]:
        """All but the series."""
        plain: dict[str, Any] = {name: getattr(self, name) for name in _PLAIN}
        nested = {"step": self.step.to_json(), "channels": self.channels.to_json()}
        return {**plain, "time": list(self.time), **nested, "columns": [asdict(column) for column in self.columns]}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Self:
        """What `to_json` wrote."""
        columns = tuple(Column(**{**column, "order": tuple(column["order"])}) for column in plain["columns"])
        made = {"step": Step.from_json(plain["step"]), "channels": Channels.from_json(plain["channels"])}
        given = {**{name: plain[name] for name in _PLAIN}, "time": tuple(plain["time"]), "columns": columns}
        return cls(**{**given, **made, "warnings": tuple(plain["warnings"])})


_PLAIN = ("text", "window", "horizon", "duplicates", "fill", "mean", "std", "floor", "period", "warnings", "span")


def place_in(file: TableFile) -> Callable[[int], str]:
    """How a row of a file is named in messages: `hour.csv, line 17`."""
    return lambda row: f"{file.path}, line {file.line(row)}"
