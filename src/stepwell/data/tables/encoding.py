"""A table's columns as a network's inputs, by statistics of the training rows alone."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import torch
from torch import Tensor

from stepwell.core.errors import DataError
from stepwell.core.trees import Tree
from stepwell.data.tables.calendar import Calendar
from stepwell.data.tables.codes import Categories
from stepwell.data.tables.columns import Column
from stepwell.data.tables.encoder import Encoder, Floats, Line, Noted
from stepwell.data.tables.numbers import Number

_ENCODERS: dict[str, type[Encoder]] = {kind.kind: kind for kind in (Number, Categories, Calendar)}


class Encoded(NamedTuple):
    """Rows as a network takes them, and notes on what was unusual in them."""

    inputs: Tree
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Encoding:
    """One encoder a column, in the table's order."""

    encoders: tuple[Encoder, ...]

    @classmethod
    def fit(
        cls,
        frame: pl.DataFrame,
        columns: Sequence[Column],
        rows: np.ndarray[Any, Any] | Tensor,
        line: Line | None = None,
    ) -> "Encoding":
        """Of the training rows `rows` (int64) of a table. `line` names rows in messages by their lines in the file.

        Raises `DataError` for values that do not fit their column's kind.
        """
        picked = np.asarray(rows)
        places = pl.Series(picked)
        noted = Noted(None if line is None else lambda row: line(int(picked[row])))
        return cls(tuple(_fitted(frame[c.name][places], c, noted) for c in columns if c.encoding))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The features, in order: `temp`, `season=2`, `dteday weekday (sin)`."""
        return tuple(name for encoder in self.encoders for name in encoder.names)

    @property
    def features(self) -> int:
        """How many numbers a row has, codes for embeddings not counted."""
        return len(self.names)

    @property
    def embedded(self) -> tuple[str, ...]:
        """The columns that are codes for an embedding."""
        return tuple(encoder.name for encoder in self._embedded)

    @property
    def levels(self) -> tuple[int, ...]:
        """How many codes each embedded column has, with 0 for what is unseen or missing."""
        return tuple(len(encoder.levels) + 1 for encoder in self._embedded)

    @property
    def _embedded(self) -> tuple[Categories, ...]:
        return tuple(e for e in self.encoders if isinstance(e, Categories) and e.embedded)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that a table must have."""
        return tuple(encoder.name for encoder in self.encoders)

    @property
    def text_columns(self) -> tuple[str, ...]:
        """The columns whose categories are text, and are to be read as text even where they look like numbers."""
        return tuple(e.name for e in self.encoders if isinstance(e, Categories) and e.text)

    def counts(self) -> dict[str, int]:
        """How many levels each column of categories had in the training rows."""
        return {encoder.name: len(encoder.levels) for encoder in self.encoders if isinstance(encoder, Categories)}

    def sources(self) -> tuple[str, ...]:
        """For each feature, the column that it comes from."""
        return tuple(encoder.name for encoder in self.encoders for _ in encoder.names)

    def places(self) -> dict[str, tuple[int, ...] | dict[str, tuple[int, ...]]]:
        """Where each column lies among the inputs: its features, `(5, 6, 7)`; where columns are embedded, those of one of
        the two tensors, `{"numbers": (5, 6, 7)}` or `{"codes": (0,)}`.
        """
        numbers = {e.name: tuple(range(head, head + len(e.names))) for head, e in self._heads() if not e.embedded}
        if not self._embedded:
            return dict(numbers)
        codes = {name: (place,) for place, name in enumerate(self.embedded)}
        return {e.name: {"codes": codes[e.name]} if e.embedded else {"numbers": numbers[e.name]} for e in self.encoders}

    def _heads(self) -> Iterator[tuple[int, Encoder]]:
        """Each encoder with the place of its first feature."""
        head = 0
        for encoder in self.encoders:
            yield head, encoder
            head += len(encoder.names)

    def encode(self, frame: pl.DataFrame, line: Line | None = None) -> Encoded:
        """The rows of a table: float32 `(n, features)`; where columns are embedded, a dict of these `numbers` and of `codes`,
        int64 `(n, embedded columns)`.

        Raises `DataError` for a column that is not there or holds something else than in training, with the line.
        """
        noted = Noted(line)
        there = set(frame.columns)
        lacking = [name for name in self.columns if name not in there]
        if lacking:
            raise DataError(
                f"The table lacks {', '.join(map(repr, lacking[:5]))}, of which the network needs every one."
            )
        codes = [encoder.codes(frame[encoder.name], noted) for encoder in self._embedded]
        numbers = torch.from_numpy(self._numbers(frame, noted))
        if not codes:
            return Encoded(numbers, tuple(noted.notes))
        return Encoded({"numbers": numbers, "codes": torch.from_numpy(np.stack(codes, 1))}, tuple(noted.notes))

    def _numbers(self, frame: pl.DataFrame, noted: Noted) -> Floats:
        """All features, each written where it belongs, so that the table is never there twice."""
        table = np.empty((len(frame), self.features), np.float32)
        for head, encoder in self._heads():
            if not encoder.embedded:
                block = encoder.encode(frame[encoder.name], noted)
                table[:, head : head + block.shape[1]] = block
        return table

    @property
    def numbers(self) -> tuple[int, ...]:
        """Which features are continuous or ordinal numbers, by their places in `names`."""
        return tuple(head for head, encoder in self._heads() if isinstance(encoder, Number))

    def bins(self, count: int) -> list[list[float]]:
        """For each feature of `numbers`, the edges of at most `count` bins of about equally many training rows.

        They are in standardised units, rise strictly and are at least two: what a piecewise-linear embedding needs
        (Gorishniy et al., *On Embeddings for Numerical Features in Tabular Deep Learning*, 2022).
        """
        return [encoder.bins(count) for encoder in self.encoders if isinstance(encoder, Number)]

    def to_json(self) -> dict[str, Any]:
        """As plain data, from which the same bits are encoded."""
        return {"encoders": [{"kind": encoder.kind, **encoder.to_json()} for encoder in self.encoders]}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> "Encoding":
        """The encoding that `to_json` wrote."""
        kept = [dict(one) for one in plain["encoders"]]
        return cls(tuple(_ENCODERS[one.pop("kind")].from_json(one) for one in kept))


def _fitted(values: pl.Series, column: Column, noted: Noted) -> Encoder:
    """The encoder of a column's training rows."""
    if column.encoding == "calendar":
        return Calendar.fit(values, noted)
    if column.encoding == "number" and column.kind == "nominal":
        return Categories.fit(values, "flag")
    if column.encoding == "number":
        return Number.fit(values, noted, ordinal=column.kind == "ordinal", order=column.order)
    return Categories.fit(values, column.encoding or "onehot", column.order)
