"""A timeline's columns as the channels of a network: the target, what is only known of the past, and what is known ahead."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import torch
from torch import Tensor

from stepwell.core.errors import DataError
from stepwell.data.series.timeline import Timeline
from stepwell.data.series.waves import wave_names, waves, waves_of
from stepwell.data.tables.columns import Column, check_known, choose_columns
from stepwell.data.tables.encoding import Encoding

FILLED = "was filled"
_OWN_PAST = "$past"


class Numbers(NamedTuple):
    """`past` `(T, C)`: the target in its units, whether it was filled, and the encoded columns, those known ahead last.
    `known` `(T, K)`: circles of the calendar, and the columns known ahead. `notes` say what was unusual.
    """

    past: Tensor
    known: Tensor
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Channels:
    """How a timeline becomes numbers: `circles` of the calendar, and an encoding for the columns of the `past` and one for
    those that are known `ahead`, by statistics of training steps alone.
    """

    target: str
    circles: tuple[str, ...]
    past: Encoding
    ahead: Encoding

    @classmethod
    def fit(
        cls, timeline: Timeline, target: str, columns: Sequence[Column], known: Sequence[str], end: int
    ) -> "Channels":
        """Of the first `end` steps of a timeline."""
        used = [column for column in columns if column.encoding]
        past = _encoding(timeline.frame, [column for column in used if column.name not in known], end)
        ahead = _encoding(timeline.frame, [column for column in used if column.name in known], end)
        return cls(target, waves_of(timeline.times[:end], timeline.step), past, ahead)

    @property
    def past_names(self) -> tuple[str, ...]:
        """The channels of the past, in order."""
        return (self.target, f"{self.target} {FILLED}", *self.past.names, *self.ahead.names)

    @property
    def known_names(self) -> tuple[str, ...]:
        """The channels that are known ahead, in order."""
        return (*wave_names(self.circles), *self.ahead.names)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that a file must have beside time and target."""
        return (*self.past.columns, *self.ahead.columns)

    def numbers(self, timeline: Timeline) -> Numbers:
        """The channels of all steps."""
        target = torch.from_numpy(timeline.frame[self.target].cast(pl.Float32).to_numpy().copy()).unsqueeze(1)
        filled = torch.from_numpy(timeline.filled.astype(np.float32)).unsqueeze(1)
        past, ahead = self.past.encode(timeline.frame), self.ahead.encode(timeline.frame)
        calendar = torch.from_numpy(waves(timeline.times, self.circles))
        return Numbers(
            torch.cat([target, filled, past.inputs, ahead.inputs], 1),
            torch.cat([calendar, ahead.inputs], 1),
            (*past.notes, *ahead.notes),
        )

    def ahead_of(self, timeline: Timeline, end: int, horizon: int) -> Tensor:
        """What is known of the `horizon` steps from step `end` on: `(horizon, K)`. The calendar goes on beyond the timeline;
        the columns known ahead must be in it.
        """
        times = timeline.step.times(timeline.times[0], np.arange(end, end + horizon))
        calendar = torch.from_numpy(waves(times, self.circles))
        ahead: Tensor = self.ahead.encode(timeline.frame[end : end + horizon]).inputs
        return torch.cat([calendar, ahead], 1) if self.ahead.columns else calendar

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        circles, past, ahead = list(self.circles), self.past.to_json(), self.ahead.to_json()
        return {"target": self.target, "circles": circles, "past": past, "ahead": ahead}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> "Channels":
        """What `to_json` wrote."""
        past, ahead = Encoding.from_json(plain["past"]), Encoding.from_json(plain["ahead"])
        return cls(plain["target"], tuple(plain["circles"]), past, ahead)


def _encoding(frame: pl.DataFrame, columns: Sequence[Column], end: int) -> Encoding:
    return Encoding.fit(frame, columns, np.arange(end)) if columns else Encoding(())


def choose_channels(
    frame: pl.DataFrame, time: Sequence[str], target: str, drop: Sequence[str], known: Sequence[str]
) -> list[Column]:
    """What each column but time and target is. Categories with too many levels for one-hot codes are dropped, and so are
    further columns of times, and columns that are the target by another name. Raises `DataError` for unknown names, and
    for a column that is known ahead but cannot be used.
    """
    for flag, names in {"--time": time, "--target": [target], "--drop": drop, "--known": known}.items():
        check_known(names, frame.columns, flag, "write names above it")
    used = frame.drop([name for name in time if name != target])
    if set(used.columns) == {target}:
        return []
    columns = [_fit_for_windows(column) for column in _chosen(used, target, [name for name in drop if name in used])]
    lost = [column for column in columns if column.name in known and column.encoding is None]
    if lost or target in known:
        why = f"{lost[0].name!r}: {lost[0].why}" if lost else f"{target!r} is the target"
        raise DataError(f"--known names a column that is not used; {why}. Take it out of --known.")
    return columns


def _chosen(frame: pl.DataFrame, target: str, drop: Sequence[str]) -> list[Column]:
    """The kinds of the columns. A series has its own past to learn from, which stands here as one more column, so that
    all others may be of no use.
    """
    more = frame.with_columns(pl.int_range(pl.len()).cast(pl.Float64).sqrt().alias(_OWN_PAST))
    return [column for column in choose_columns(more, target=target, drop=drop) if column.name != _OWN_PAST]


def _fit_for_windows(column: Column) -> Column:
    """The column as a series takes it; a table's flags, which a series has not, leave its reason."""
    why = column.why.partition("; --")[0]
    if column.encoding == "embedding":
        why = f"{why.partition(':')[0]}: too many for one-hot channels; dropped"
    if column.encoding == "calendar":
        why = "another time beside that of the series; dropped"
    if column.encoding in ("embedding", "calendar"):
        return replace(column, kind="dropped", encoding=None, why=why)
    return replace(column, why=why)
