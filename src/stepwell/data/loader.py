"""The loader: batches of an epoch, from any place in it, as a pure function of its settings."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from stepwell.core.errors import DataError, StepwellError
from stepwell.core.keys import Key
from stepwell.core.trees import between
from stepwell.data.batch import Batch, Source
from stepwell.data.orders import Order, Sequential

_BLOCK_BYTES = 2**21  # rows in memory are gathered about this many bytes at a time, which stays in the cache
_BLOCK_BATCHES = 64


@dataclass(frozen=True)
class Shard:
    """The part of every batch that one of several processes takes: every `size`-th row, from the `rank`-th on."""

    rank: int = 0
    size: int = 1


@dataclass(frozen=True, kw_only=True)
class Loader:
    """Batches of a source. It holds no state: `epoch(e, start=k)` yields the batches of epoch `e` from the k-th on.

    The order of rows depends on the seed and the epoch; what a row looks like, on the seed, the epoch and the row.
    `workers` processes prepare batches ahead (0: the calling process does); `shard` takes a part of every batch.
    """

    source: Source
    batch_size: int
    order: Order = Sequential()
    seed: int = 0
    workers: int = 0
    shard: Shard = Shard()
    drop_last: bool = False

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise DataError(f"A batch has at least one row; batch_size is {self.batch_size}.")
        if not len(self.source):
            raise DataError("The source has no rows, so there is nothing to load.")

    @cached_property
    def rows(self) -> int:
        """Rows of an epoch, of all shards."""
        return len(self._ordered(0))

    def __len__(self) -> int:
        """Batches of an epoch."""
        whole, rest = divmod(self.rows, self.batch_size)
        return whole + (1 if rest and not self.drop_last else 0)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch from number `start` on; skipping costs nothing."""
        blocks = self._blocks(epoch, start)
        prepared = self._pool.run(blocks) if self.workers else map(self._cutter, blocks)
        return self._cut(prepared, start)

    @cached_property
    def _cutter(self) -> "_Cutter":
        return _Cutter(self.source, Key(self.seed)("rows"), self.batch_size, self.shard)

    @cached_property
    def _batches_per_block(self) -> int:
        if self.source.row_bytes is None:
            return 1
        return max(1, min(_BLOCK_BATCHES, _BLOCK_BYTES // max(self.source.row_bytes * self.batch_size, 1)))

    def _blocks(self, epoch: int, start: int) -> Iterator[tuple[int, Tensor]]:
        """The row numbers of the epoch in blocks of whole batches. Blocks begin at the same batches wherever an epoch is
        entered, so that even rounding that depended on a row's place in memory would be the same after a resume.
        """
        order = self._ordered(epoch)[: len(self) * self.batch_size]
        block = self._batches_per_block * self.batch_size
        first = start // self._batches_per_block * block
        return ((epoch, order[at : at + block]) for at in range(first, len(order), block))

    def _ordered(self, epoch: int) -> Tensor:
        return self.order(len(self.source), Key(self.seed)("order", epoch))

    def _cut(self, prepared: Iterator[list[Batch]], start: int) -> Iterator[Batch]:
        skip = start % self._batches_per_block
        for batches in prepared:
            yield from batches[skip:]
            skip = 0

    @cached_property
    def _pool(self) -> "_Pool":
        return _Pool(self._cutter, self.workers)


def split_batch(batch: Batch, sizes: list[int]) -> list[Batch]:
    """A batch cut into consecutive ones of the given sizes, which share its memory."""
    if len(sizes) == 1:
        return [batch]
    # Each tensor is cut once for all parts, which costs a third of cutting part by part.
    if isinstance(batch.inputs, Tensor) and isinstance(batch.targets, Tensor):
        return list(map(Batch, batch.inputs.split(sizes), batch.targets.split(sizes), batch.index.split(sizes)))  # type: ignore[no-untyped-call]
    ends = torch.tensor(sizes).cumsum(0).tolist()
    return [between(batch, end - size, end) for size, end in zip(sizes, ends, strict=True)]


@dataclass(frozen=True)
class _Cutter(Dataset[list[Batch] | StepwellError]):
    """Makes a block of rows, gathered at once, into batches. As a dataset, it does so in torch's worker processes.

    It does not hold its loader: a cycle would keep dead worker pools alive until a forked child collected them.
    """

    source: Source
    key: Key
    batch_size: int
    shard: Shard

    def __call__(self, task: tuple[int, Tensor]) -> list[Batch]:
        epoch, rows = task
        if self.shard.size > 1:
            whole_parts = rows.split(self.batch_size)  # type: ignore[no-untyped-call]
            parts = [part[self.shard.rank :: self.shard.size] for part in whole_parts]
            rows, sizes = torch.cat(parts), [len(part) for part in parts]
        else:
            whole, rest = divmod(len(rows), self.batch_size)
            sizes = [self.batch_size] * whole + [rest] * bool(rest)
        return split_batch(self.source.batch(rows, self.key(epoch)), sizes)

    def __getitem__(self, task: tuple[int, Tensor]) -> list[Batch] | StepwellError:
        try:
            return self(task)
        except StepwellError as error:  # torch would bury its message in a worker's traceback
            return error


def _as_it_is(prepared: Any) -> Any:
    return prepared


class _Pool:
    """Torch's worker processes, kept from epoch to epoch and given each epoch's blocks."""

    def __init__(self, cutter: _Cutter, workers: int) -> None:
        self.cutter, self.busy = cutter, False
        self.blocks: list[tuple[int, Tensor]] = []
        self.workers: DataLoader[Any] = DataLoader(
            cutter,
            sampler=self.blocks,
            batch_size=None,
            collate_fn=_as_it_is,  # torch's own would make lists of tuples
            num_workers=workers,
            persistent_workers=True,
            generator=torch.Generator(),  # its own, so that starting an epoch draws nothing from the global one
        )

    def run(self, blocks: Iterator[tuple[int, Tensor]]) -> Iterator[list[Batch]]:
        if self.busy:  # an epoch that is read beside another gets workers of its own
            yield from _Pool(self.cutter, self.workers.num_workers).run(blocks)
            return
        self.busy = True
        try:
            self.blocks[:] = blocks
            for prepared in self.workers:
                if isinstance(prepared, StepwellError):
                    try:
                        raise prepared
                    finally:
                        del prepared  # or the error and this frame would hold each other, and the workers
                yield prepared
        finally:
            self.busy = False
