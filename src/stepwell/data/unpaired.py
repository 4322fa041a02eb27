"""Two collections of pictures without pairs, as one source of pairs that are drawn anew each epoch."""

import torch
from torch import Tensor

from stepwell.core.errors import DataError
from stepwell.core.keys import Key
from stepwell.data.batch import Batch, Source


class Unpaired(Source):
    """Pairs `(a, b)`: each row of `first`, beside a row of `second` that the key draws.

    So a pair depends on seed, epoch and row alone, and a resumed training sees what an uninterrupted one does.
    `paired=True` sets row `n` beside row `n` instead (and begins anew at the end of a shorter `second`), for evaluations
    whose numbers are to be compared. Inputs are a tuple of both inputs; targets are the rows of `second`, int64. Raises
    `DataError` for a collection without rows.
    """

    def __init__(self, first: Source, second: Source, *, paired: bool = False) -> None:
        for name, source in (("first", first), ("second", second)):
            if not len(source):
                raise DataError(f"The {name} collection has no rows; a translation needs examples of both kinds.")
        self.first, self.second, self.paired = first, second, paired
        if first.row_bytes is not None and second.row_bytes is not None:
            self.row_bytes = first.row_bytes + second.row_bytes + 8  # the row of the second collection is a number, too

    def __len__(self) -> int:
        return len(self.first)

    def batch(self, index: Tensor, key: Key) -> Batch:
        """The pairs of the rows `index` of `first`."""
        beside = self._partners(index, key)
        a, b = self.first.batch(index, key), self.second.batch(beside, key("second"))
        return Batch((a.inputs, b.inputs), beside, index)

    def _partners(self, index: Tensor, key: Key) -> Tensor:
        if self.paired:
            return torch.remainder(index, len(self.second))
        return key("partner").integers(index, 0, len(self.second))
