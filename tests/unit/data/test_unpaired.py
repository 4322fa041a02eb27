"""Pairs out of two collections."""

import pytest
import torch

from stepwell.core.errors import DataError
from stepwell.core.keys import Key
from stepwell.data import ArraySource, Subset, Unpaired
from stepwell.data.batch import whole

FIRST, SECOND = torch.arange(40.0)[:, None], 100 + torch.arange(13.0)[:, None]
KEY = Key(3)("rows", 0)


def pairs(**settings: bool) -> Unpaired:
    return Unpaired(ArraySource(FIRST), ArraySource(SECOND), **settings)


def test_a_batch_has_a_row_of_each_and_says_which() -> None:
    batch = pairs().batch(torch.tensor([5, 2, 39]), KEY)
    a, b = batch.inputs
    assert a[:, 0].tolist() == [5, 2, 39]
    assert torch.equal(b, SECOND[batch.targets])
    assert batch.index.tolist() == [5, 2, 39]


def test_partners_are_drawn_anew_each_epoch_and_evenly() -> None:
    drawn = [pairs().batch(torch.arange(40), Key(3)("rows", epoch)).targets for epoch in range(60)]
    assert not torch.equal(drawn[0], drawn[1])
    counts = torch.cat(drawn).bincount(minlength=13)
    assert int(counts.min()) > 120  # 185 are due
    assert int(counts.max()) < 250


def test_paired_takes_the_rows_in_order_and_begins_anew() -> None:
    batch = whole(pairs(paired=True))
    assert batch.targets.tolist() == [row % 13 for row in range(40)]
    assert torch.equal(batch.targets, pairs(paired=True).batch(torch.arange(40), Key(9)("other")).targets)


def test_what_is_random_in_the_sources_stays_theirs() -> None:
    some = Unpaired(Subset(ArraySource(FIRST), torch.tensor([8, 9])), ArraySource(SECOND))
    assert len(some) == 2
    assert some.batch(torch.tensor([1]), KEY).inputs[0].item() == 9
    assert pairs().row_bytes == 4 + 4 + 8


def test_a_collection_without_rows_is_refused() -> None:
    with pytest.raises(DataError, match="second collection has no rows"):
        Unpaired(ArraySource(FIRST), ArraySource(SECOND[:0]))
