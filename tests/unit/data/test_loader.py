"""The loader: an epoch from any place in it, with any number of workers, cut for any number of processes."""

from collections.abc import Iterator

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.utils.data import Dataset

from stepwell.core.errors import DataError
from stepwell.core.keys import Key
from stepwell.data import (
    ArraySource,
    Balanced,
    Batch,
    Loader,
    Noise,
    Shuffled,
    Source,
    Transformed,
    Weighted,
    as_source,
)
from stepwell.data.loader import Shard, split_batch
from stepwell.data.orders import Sequential

ROWS = 53


def noisy(rows: int = ROWS) -> Source:
    x = torch.arange(rows * 3.0).reshape(rows, 3)
    return Transformed(ArraySource({"x": x}, (torch.arange(rows), x.half())), Noise(0.5))


class Drawing(Dataset[tuple[Tensor, int]]):
    """A dataset that draws at random, as augmentations do."""

    def __len__(self) -> int:
        return ROWS

    def __getitem__(self, row: int) -> tuple[Tensor, int]:
        return torch.randn(2) + row, row


def flat(batch: Batch) -> list[Tensor]:
    found = [batch.index]
    for tree in (batch.inputs, batch.targets):
        found += tree.values() if isinstance(tree, dict) else tree if isinstance(tree, tuple) else [tree]
    return found


def same(one: list[Batch], other: list[Batch]) -> bool:
    return len(one) == len(other) and all(
        a.dtype == b.dtype and torch.equal(a, b)
        for x, y in zip(one, other, strict=True)
        for a, b in zip(flat(x), flat(y), strict=True)
    )


SOURCES = {"arrays with noise": noisy(), "a dataset that draws": as_source(Drawing())}
ORDERS = {
    "shuffled": Shuffled(),
    "weighted": Weighted(torch.arange(1.0, ROWS + 1), rows=40),
    "balanced": Balanced(torch.arange(ROWS) % 3, (2, 1, 1)),
}


@pytest.fixture(params=SOURCES)
def source(request: pytest.FixtureRequest) -> Source:
    return SOURCES[request.param]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("drop_last", [False, True])
def test_an_epoch_from_the_kth_batch_on_is_its_tail(source: Source, order: str, drop_last: bool) -> None:
    loader = Loader(source=source, batch_size=4, order=ORDERS[order], seed=2, drop_last=drop_last)
    for epoch in (0, 3):
        whole = list(loader.epoch(epoch))
        assert len(whole) == len(loader)
        for start in (0, 1, 5, len(whole) - 1, len(whole), len(whole) + 3):
            fresh = Loader(source=source, batch_size=4, order=ORDERS[order], seed=2, drop_last=drop_last)
            assert same(list(fresh.epoch(epoch, start=start)), whole[start:])


@given(rows=st.integers(1, 200), batch_size=st.integers(1, 70), start=st.integers(0, 30), drop_last=st.booleans())
@settings(deadline=None, max_examples=60)
def test_every_row_is_shown_once_in_batches_of_the_given_size(
    rows: int, batch_size: int, start: int, drop_last: bool
) -> None:
    x = torch.arange(rows)
    loader = Loader(source=ArraySource(x, x), batch_size=batch_size, order=Shuffled(), seed=rows, drop_last=drop_last)
    batches = list(loader.epoch(1))
    whole, rest = divmod(rows, batch_size)
    assert [len(batch.index) for batch in batches] == [batch_size] * whole + [rest] * (rest > 0 and not drop_last)
    shown = torch.cat([x[:0], *(batch.index for batch in batches)]).tolist()
    assert shown == Shuffled()(rows, Key(rows)("order", 1))[: len(shown)].tolist()
    for batch in batches:
        assert torch.equal(batch.inputs, batch.index)
    assert same(list(loader.epoch(1, start=start)), batches[start:])


def test_blocks_of_many_batches_are_entered_anywhere() -> None:
    """Small rows are gathered 64 batches at a time; a start in the middle of such a block is no other."""
    x = torch.arange(1000.0)
    loader = Loader(source=Transformed(ArraySource(x, x), Noise(1.0)), batch_size=3, order=Shuffled())
    whole = list(loader.epoch(0))
    assert len(whole) == 334
    for start in (1, 63, 64, 65, 200, 333):
        assert same(list(loader.epoch(0, start=start)), whole[start:])


def test_large_rows_are_gathered_batch_by_batch() -> None:
    asked = []

    class Large(ArraySource):
        def batch(self, index: Tensor, key: Key) -> Batch:
            asked.append(len(index))
            return super().batch(index, key)

    large = Large(torch.zeros(6, 2**18))
    assert [len(b.index) for b in Loader(source=large, batch_size=2).epoch(0)] == [2, 2, 2]
    assert asked == [2, 2, 2]


def test_what_a_row_looks_like_depends_on_seed_epoch_and_row_alone() -> None:
    def rows(batches: Iterator[Batch]) -> dict[int, list[float]]:
        return {int(row): x.tolist() for b in batches for row, x in zip(b.index, b.inputs["x"], strict=True)}

    def loader(batch_size: int, seed: int = 2) -> Loader:
        return Loader(source=noisy(), batch_size=batch_size, order=Shuffled(), seed=seed)

    reference = rows(loader(4).epoch(1))
    assert rows(loader(7).epoch(1)) == reference
    ordered = Loader(source=noisy(), batch_size=5, order=Sequential(), seed=2)
    assert rows(ordered.epoch(1)) == reference
    for other in (rows(loader(4).epoch(2)), rows(loader(4, seed=3).epoch(1))):
        assert all(other[row] != reference[row] for row in reference)


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("drop_last", [False, True])
def test_the_shards_of_a_batch_make_up_the_batch(source: Source, size: int, drop_last: bool) -> None:
    settings = {"source": source, "batch_size": 8, "order": Shuffled(), "seed": 5, "drop_last": drop_last}
    whole = list(Loader(**settings).epoch(1))
    shards = [list(Loader(**settings, shard=Shard(rank, size)).epoch(1)) for rank in range(size)]
    assert all(len(shard) == len(whole) for shard in shards)
    for number, batch in enumerate(whole):
        for rank, shard in enumerate(shards):
            part = [tensor[rank::size] for tensor in flat(batch)]
            assert all(torch.equal(a, b) for a, b in zip(flat(shard[number]), part, strict=True))


def test_a_shard_of_a_short_batch_may_be_empty() -> None:
    for source in (noisy(9), as_source([(float(n), n) for n in range(9)])):
        *_, last = Loader(source=source, batch_size=4, shard=Shard(1, 2)).epoch(0)
        assert len(last.index) == 0
        assert all(len(tensor) == 0 for tensor in flat(last))


def test_a_shards_tail_is_exact() -> None:
    loader = Loader(source=noisy(), batch_size=8, order=Shuffled(), shard=Shard(1, 3))
    whole = list(loader.epoch(0))
    assert same(list(loader.epoch(0, start=3)), whole[3:])


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_change_nothing(source: Source, workers: int) -> None:
    settings = {"source": source, "batch_size": 5, "order": Shuffled(), "seed": 7}
    alone, helped = Loader(**settings), Loader(**settings, workers=workers)
    expected = {epoch: list(alone.epoch(epoch)) for epoch in (0, 1)}
    assert same(list(helped.epoch(0)), expected[0])
    assert same(list(helped.epoch(1, start=4)), expected[1][4:])
    beginning = helped.epoch(0, start=2)
    assert same([next(beginning), next(beginning)], expected[0][2:4])
    beginning.close()  # as a loop that breaks off; the next epoch starts clean
    assert same(list(helped.epoch(1)), expected[1])


@pytest.mark.parametrize("workers", [0, 1])
def test_two_epochs_can_be_read_side_by_side(source: Source, workers: int) -> None:
    settings = {"source": source, "batch_size": 4, "order": Shuffled()}
    loader, alone = Loader(**settings, workers=workers), Loader(**settings)
    pairs = list(zip(loader.epoch(0), loader.epoch(1), strict=True))
    assert same([one for one, _ in pairs], list(alone.epoch(0)))
    assert same([two for _, two in pairs], list(alone.epoch(1)))


class Failing(Dataset[int]):
    def __init__(self, error: Exception) -> None:
        self.error = error

    def __len__(self) -> int:
        return 6

    def __getitem__(self, row: int) -> int:
        if row == 4:
            raise self.error
        return row


@pytest.mark.parametrize("workers", [0, 1])
def test_an_error_of_ours_keeps_its_message_word_for_word(workers: int) -> None:
    loader = Loader(
        source=as_source(Failing(DataError("scan 4.png: the file is cut short."))), batch_size=2, workers=workers
    )
    with pytest.raises(DataError, match=r"^scan 4\.png: the file is cut short\.$"):
        list(loader.epoch(0))


@pytest.mark.parametrize("workers", [0, 1])
def test_another_error_keeps_its_kind_and_its_words(workers: int) -> None:
    loader = Loader(source=as_source(Failing(ValueError("row four is bad"))), batch_size=2, workers=workers)
    with pytest.raises(ValueError, match="row four is bad"):
        list(loader.epoch(0))
    if workers:  # what torch raises holds its iterator, whose clean-up takes 5 s where the garbage collector does it
        loader._pool.workers._iterator._shutdown_workers()


@pytest.mark.parametrize("workers", [0, 1])
def test_loading_leaves_torchs_generator_alone(source: Source, workers: int) -> None:
    before = torch.get_rng_state()
    list(Loader(source=source, batch_size=20, order=Shuffled(), workers=workers).epoch(0))
    assert torch.equal(torch.get_rng_state(), before)


def test_lengths() -> None:
    assert len(Loader(source=noisy(10), batch_size=3)) == 4
    assert len(Loader(source=noisy(10), batch_size=3, drop_last=True)) == 3
    assert len(Loader(source=noisy(10), batch_size=11, drop_last=True)) == 0
    weighted = Loader(source=noisy(10), batch_size=3, order=Weighted(torch.ones(10), rows=7))
    assert (weighted.rows, len(weighted)) == (7, 3)


def test_impossible_loaders_are_refused() -> None:
    with pytest.raises(DataError, match="A batch has at least one row; batch_size is 0"):
        Loader(source=noisy(), batch_size=0)
    with pytest.raises(DataError, match="The source has no rows, so there is nothing to load"):
        Loader(source=ArraySource(torch.ones(0, 2)), batch_size=1)


def test_a_batch_is_cut_without_copies() -> None:
    for inputs in (torch.arange(6.0), {"x": torch.arange(6.0)}):
        batch = Batch(inputs, None if isinstance(inputs, dict) else torch.arange(6), torch.arange(6))
        parts = split_batch(batch, [1, 3, 2])
        assert [part.index.tolist() for part in parts] == [[0], [1, 2, 3], [4, 5]]
        values = [part.inputs["x"] if isinstance(inputs, dict) else part.inputs for part in parts]
        assert [value.tolist() for value in values] == [[0], [1, 2, 3], [4, 5]]
        whole = inputs["x"] if isinstance(inputs, dict) else inputs
        assert values[1].data_ptr() == whole[1:].data_ptr()
