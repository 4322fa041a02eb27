"""Raw values as a network's inputs, in a graph: what `Encoding` and `Channels` do, for programs that have only numbers.

B batch, C columns, F features, E embedded columns, W window, H horizon. Raw rows are float64 (`stepwell.deploy.export.raw`).
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from stepwell.core.trees import Tree
from stepwell.data.series.channels import Channels
from stepwell.data.series.waves import CIRCLES
from stepwell.data.tables.calendar import MONDAY, PERIODS, Calendar
from stepwell.data.tables.codes import Categories
from stepwell.data.tables.encoder import Encoder
from stepwell.data.tables.encoding import Encoding
from stepwell.data.tables.numbers import Number
from stepwell.deploy.export.raw import DAY_US, UNSEEN

_OF_TARGET = 2  # the channels of a past that are the target's: itself, and whether it was filled


class Prepared(nn.Module):
    """Raw rows `(B, C)` to what `encoding` makes of them: float32 `(B, F)`; where columns are embedded, a dict of these
    `numbers` and of `codes`, int64 `(B, E)`. It computes in float64, as the encoding does, so the bits are alike but for those
    of times, which polars brings to days with another rounding (one part in 10¹⁵).
    """

    order: Tensor

    def __init__(self, encoding: Encoding) -> None:
        super().__init__()
        blocks = _Blocks()
        for place, encoder in enumerate(encoding.encoders):
            blocks.add(place, encoder)
        self.parts = nn.ModuleList(_PARTS[kind](rows) for kind, rows in blocks.rows.items() if rows)
        order = [place for places in blocks.places.values() for place in places]
        self.register_buffer("order", torch.tensor(order, dtype=torch.int64).argsort())
        self.embedded = [p for p, e in enumerate(encoding.encoders) if isinstance(e, Categories) and e.embedded]

    def forward(self, rows: Tensor) -> Tree:
        """The features, and the codes where there are any."""
        parts = [part(rows) for part in self.parts]
        numbers = torch.cat(parts, 1)[:, self.order].float() if parts else rows[:, :0].float()
        if not self.embedded:
            return numbers
        codes = rows[:, self.embedded]
        return {"numbers": numbers, "codes": torch.where(codes.isnan(), UNSEEN, codes).long() + 1}


class PreparedSeries(nn.Module):
    """Raw steps of the past `(B, W, C)` and of the time ahead `(B, H, 1 + C)` to what `channels` make of them, as a dict of
    `past` and `known`. What they are is told by `series_columns`.
    """

    periods: Tensor

    def __init__(self, channels: Channels) -> None:
        super().__init__()
        self.past, self.ahead = Prepared(channels.past), Prepared(channels.ahead)
        self.own = _OF_TARGET + len(channels.past.columns)
        circles = [(CIRCLES[name], name == "weekday") for name in channels.circles]
        constants = [(turn / DAY_US, start / DAY_US, float(whole)) for (turn, start), whole in circles]
        self.register_buffer("periods", torch.tensor(constants, dtype=torch.float64).view(-1, 3).t().contiguous())

    def forward(self, past: Tensor, ahead: Tensor) -> Tree:
        """The model's inputs."""
        behind = [past[:, :, :_OF_TARGET].float()]
        if self.own > _OF_TARGET:
            behind.append(_each_step(self.past, past[:, :, _OF_TARGET : self.own]))
        known = [self._circles(ahead[:, :, :1])]
        if ahead.shape[2] > 1:
            behind.append(_each_step(self.ahead, past[:, :, self.own :]))
            known.append(_each_step(self.ahead, ahead[:, :, 1:]))
        return {"past": torch.cat(behind, 2), "known": torch.cat(known, 2)}

    def _circles(self, days: Tensor) -> Tensor:
        """Sine and cosine of each circle in turn, `(B, H, 2 · circles)`."""
        angle = _angle(days, *self.periods.unbind(0))
        return torch.stack([angle.sin(), angle.cos()], 3).flatten(2).float()


def _each_step(prepared: nn.Module, values: Tensor) -> Tensor:
    """The features of each step of each row, `(B, steps, F)`."""
    features: Tensor = prepared(values.flatten(0, 1))
    return features.view(-1, values.shape[1], features.shape[1])


def _angle(days: Tensor, period: Tensor, start: Tensor, whole: Tensor) -> Tensor:
    """The place of a time in a period, in radians. Where `whole` is 1, a day is one place from morning to night."""
    turns = torch.where(whole > 0, days.floor() - start, days - start) / period
    return 2 * np.pi * (turns - turns.floor())


class _Blocks:
    """Features gathered by kind, with the constants of each, and the places that they have among all."""

    def __init__(self) -> None:
        self.rows: dict[str, list[tuple[float, ...]]] = {kind: [] for kind in _PARTS}
        self.places: dict[str, list[int]] = {kind: [] for kind in _PARTS}
        self._next = 0

    def add(self, column: int, encoder: Encoder) -> None:
        """The features of one column, in the encoder's order."""
        if isinstance(encoder, Number):
            self._add("number", column, encoder.median, encoder.mean, encoder.scale, 0.0 if encoder.order else -np.inf)
            self._absent(column, missing=encoder.missing, least=0.0 if encoder.order else -np.inf)
        elif isinstance(encoder, Categories) and not encoder.embedded:
            shown = len(encoder.names) - encoder.missing
            kind = "at least" if encoder.how == "cumulative" else "equal"
            for level in range(len(encoder.levels) - shown, len(encoder.levels)):
                self._add(kind, column, float(level))
            self._absent(column, missing=encoder.missing, least=-np.inf)
        elif isinstance(encoder, Calendar):
            for period in encoder.periods:
                start, whole = (MONDAY if period == "weekday" else 0.0), float(period != "hour")
                self._add("sine", column, PERIODS[period], start, whole)
                self._add("cosine", column, PERIODS[period], start, whole)
            self._add("trend", column, encoder.mean, encoder.scale)
            self._absent(column, missing=encoder.missing, least=-np.inf)

    def _absent(self, column: int, *, missing: bool, least: float) -> None:
        if missing:
            self._add("absent", column, least)

    def _add(self, kind: str, *constants: float) -> None:
        self.rows[kind].append(constants)
        self.places[kind].append(self._next)
        self._next += 1


class _Part(nn.Module, ABC):
    """Features of one kind: `columns` says which raw column each is of, `constants` `(k, features)` are theirs."""

    columns: Tensor
    constants: Tensor

    def __init__(self, rows: Sequence[Sequence[float]]) -> None:
        super().__init__()
        self.register_buffer("columns", torch.tensor([int(row[0]) for row in rows]))
        self.register_buffer("constants", torch.tensor([row[1:] for row in rows], dtype=torch.float64).t().contiguous())

    def forward(self, rows: Tensor) -> Tensor:
        """The features, float64."""
        return self.features(rows[:, self.columns], *self.constants.unbind(0))

    @abstractmethod
    def features(self, x: Tensor, *constants: Tensor) -> Tensor:
        """Of raw columns `(B, features)`, each with its constants."""


def _unknown(x: Tensor, least: Tensor) -> Tensor:
    """Where a value is missing, or a level has no place in an order."""
    return x.isnan() | (x < least)


class _Numbers(_Part):
    def features(self, x: Tensor, *constants: Tensor) -> Tensor:
        median, mean, scale, least = constants
        return (torch.where(_unknown(x, least), median, x) - mean) / scale


class _Absent(_Part):
    def features(self, x: Tensor, *constants: Tensor) -> Tensor:
        return _unknown(x, constants[0]).double()


class _Equal(_Part):
    def features(self, x: Tensor, *constants: Tensor) -> Tensor:
        return (x == constants[0]).double()


class _AtLeast(_Part):
    def features(self, x: Tensor, *constants: Tensor) -> Tensor:
        return (x >= constants[0]).double()


class _Trend(_Part):
    def features(self, x: Tensor, *constants: Tensor) -> Tensor:
        mean, scale = constants
        return torch.where(x.isnan(), 0.0, (x - mean) / scale)


class _Sine(_Part):
    def features(self, x: Tensor, *constants: Tensor) -> Tensor:
        return torch.where(x.isnan(), 0.0, _angle(x, *constants).sin())


class _Cosine(_Part):
    def features(self, x: Tensor, *constants: Tensor) -> Tensor:
        return torch.where(x.isnan(), 0.0, _angle(x, *constants).cos())


_PARTS: dict[str, type[_Part]] = {
    "number": _Numbers,
    "equal": _Equal,
    "at least": _AtLeast,
    "sine": _Sine,
    "cosine": _Cosine,
    "trend": _Trend,
    "absent": _Absent,
}
