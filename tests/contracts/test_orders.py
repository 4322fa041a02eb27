"""Every order of rows is a row of `ORDERS` and passes the same checks."""

import dataclasses

import pytest
import torch

import stepwell.data
from stepwell.core.keys import Key
from stepwell.data import ArraySource, Balanced, Loader, Sequential, Shuffled, TorchShuffled, TorchWeighted, Weighted
from stepwell.data.loader import Shard
from stepwell.data.orders import Order

LENGTH = 41
LABELS = torch.arange(LENGTH) % 4 % 3
WEIGHTS = torch.arange(LENGTH) % 5
# the order, how many rows it shows, whether each at most once, and whether another order each epoch
ORDERS: dict[str, tuple[Order, int, bool, bool]] = {
    "sequential": (Sequential(), LENGTH, True, False),
    "shuffled": (Shuffled(), LENGTH, True, True),
    "as torch shuffles": (TorchShuffled(3), LENGTH, True, True),
    "weighted": (Weighted(WEIGHTS), LENGTH, False, True),
    "weighted, more": (Weighted(WEIGHTS.float(), rows=100), 100, False, True),
    "weighted, as torch draws": (TorchWeighted(WEIGHTS, 3), LENGTH, False, True),
    "weighted, as torch draws more": (TorchWeighted(WEIGHTS.float(), 3, rows=100), 100, False, True),
    "balanced": (Balanced(LABELS), LENGTH, False, True),
    "balanced by ratio": (Balanced(LABELS, (3, 1, 2), rows=17), 17, False, True),
}


@pytest.fixture(params=ORDERS)
def row(request: pytest.FixtureRequest) -> tuple[Order, int, bool, bool]:
    return ORDERS[request.param]


def key(epoch: int, seed: int = 0) -> Key:
    return Key(seed)("order", epoch)


def test_every_public_order_has_a_row() -> None:
    kinds = {type(order) for order, *_ in ORDERS.values()}
    public = {getattr(stepwell.data, name) for name in stepwell.data.__all__}
    made = {thing for thing in public if isinstance(thing, type) and thing.__module__ == "stepwell.data.orders"}
    assert kinds == made


def test_it_gives_row_numbers(row: tuple[Order, int, bool, bool]) -> None:
    order, count, once, _ = row
    for epoch in range(4):
        shown = order(LENGTH, key(epoch))
        assert shown.dtype == torch.int64
        assert shown.shape == (count,)
        assert 0 <= int(shown.min()) <= int(shown.max()) < LENGTH
        assert not once or len(set(shown.tolist())) == count


def test_it_is_a_function_of_length_and_key(row: tuple[Order, int, bool, bool]) -> None:
    order, *_ = row
    before = torch.get_rng_state()
    first = order(LENGTH, key(2))
    torch.manual_seed(99)
    order(LENGTH, key(7))
    assert torch.equal(order(LENGTH, key(2)), first)
    torch.set_rng_state(before)
    order(LENGTH, key(2))
    assert torch.equal(torch.get_rng_state(), before)


def test_epochs_differ_where_they_should(row: tuple[Order, int, bool, bool]) -> None:
    order, _, _, differs = row
    epochs = [order(LENGTH, key(epoch)).tolist() for epoch in range(6)]
    assert len({tuple(epoch) for epoch in epochs}) == (6 if differs else 1)


def test_settings_cannot_be_changed(row: tuple[Order, int, bool, bool]) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        row[0].rows = 1  # type: ignore[attr-defined]


def test_loaders_enter_it_anywhere_and_shard_it(row: tuple[Order, int, bool, bool]) -> None:
    order, count, *_ = row
    x = torch.arange(LENGTH)
    loader = Loader(source=ArraySource(x, x), batch_size=6, order=order, seed=4)
    whole = [batch.index.tolist() for batch in loader.epoch(3)]
    assert sum(whole, []) == order(LENGTH, key(3, seed=4)).tolist()
    assert loader.rows == count
    assert [batch.index.tolist() for batch in loader.epoch(3, start=2)] == whole[2:]
    shards = [
        [b.index.tolist() for b in dataclasses.replace(loader, shard=Shard(rank, 2)).epoch(3)] for rank in range(2)
    ]
    assert [sorted(a + b) for a, b in zip(*shards, strict=True)] == [sorted(batch) for batch in whole]
