"""Orders: what each promises about the rows of an epoch."""

import pytest
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from stepwell.core.errors import DataError
from stepwell.core.keys import Key
from stepwell.data import Balanced, Sequential, Shuffled, TorchShuffled, Weighted


def key(epoch: int = 0, seed: int = 0) -> Key:
    return Key(seed)("order", epoch)


def test_sequential_is_from_first_to_last() -> None:
    assert Sequential()(4, key()).tolist() == [0, 1, 2, 3]


def test_shuffled_has_every_row_once_and_another_order_each_epoch() -> None:
    orders = [Shuffled()(50, key(epoch)).tolist() for epoch in range(3)]
    assert all(sorted(order) == list(range(50)) for order in orders)
    assert orders[0] != orders[1] != orders[2]


@pytest.mark.parametrize("other_loaders", [0, 1, 2])
def test_torch_shuffled_is_the_order_of_a_script_with_a_dataloader(other_loaders: int) -> None:
    data = TensorDataset(torch.arange(10))
    train = DataLoader(data, batch_size=3, shuffle=True)
    others = [DataLoader(data, batch_size=5) for _ in range(other_loaders)]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(13)
        for epoch in range(3):
            script = torch.cat([rows for (rows,) in train])
            assert TorchShuffled(13, other_loaders)(10, key(epoch)).tolist() == script.tolist()
            for other in others:
                list(other)


def test_weighted_draws_in_proportion() -> None:
    weights = torch.tensor([1.0, 0.0, 2.0, 5.0, 0.0])
    drawn = Weighted(weights, rows=40_000)(5, key())
    counts = torch.bincount(drawn, minlength=5)
    assert counts[1] == counts[4] == 0
    expected = weights[[0, 2, 3]] / weights.sum() * 40_000
    assert scipy.stats.chisquare(counts[[0, 2, 3]].numpy(), expected.numpy()).pvalue > 0.01


class Fixed(Key):
    """A key whose words are all the same, the smallest or the largest."""

    word = 0

    def words(self, rows: Tensor, count: int) -> Tensor:
        return torch.full((len(rows), count), self.word)


@pytest.mark.parametrize("word", [0, 2**32 - 1])
def test_the_extreme_draws_never_fall_on_a_row_of_no_weight(word: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Fixed, "word", word)
    assert Weighted(torch.tensor([0.0, 0.0, 3.0, 0.0]), rows=2)(4, Fixed(0)).tolist() == [2, 2]


def test_weighted_is_fair_to_a_million_rows() -> None:
    """With a million rows, numbers in steps of 2**-24 would favour some rows by 6 %: about 1 in 17."""
    length = 10**6
    drawn = Weighted(torch.ones(length))(length, key())
    # the rows nearest to the steps' rounding, over several epochs: a row's chance is within 0.1 % of its due
    grid = torch.arange(2**24, dtype=torch.float64) * 2.0**-24
    coarse = torch.bincount((grid * length).long(), minlength=length)
    often, seldom = coarse == coarse.max(), coarse == coarse.min()
    counts = sum(torch.bincount(Weighted(torch.ones(length))(length, key(e)), minlength=length) for e in range(4))
    rate_often, rate_seldom = (float(counts[rows].sum()) / (4 * int(rows.sum())) for rows in (often, seldom))
    assert len(drawn) == length
    assert abs(rate_often - rate_seldom) < 0.01


def test_weighted_draws_as_many_as_there_are_by_default() -> None:
    assert len(Weighted(torch.tensor([1, 2, 3]))(3, key())) == 3


@pytest.mark.parametrize("weights", [[1.0, -1.0], [0.0, 0.0], [1.0, float("nan")], [1.0, float("inf")]])
def test_impossible_weights_are_refused(weights: list[float]) -> None:
    with pytest.raises(DataError, match=r"Weights of rows are finite, not negative, and not all zero\."):
        Weighted(torch.tensor(weights))


def test_the_number_of_weights_has_to_fit() -> None:
    with pytest.raises(DataError, match="The order has 3 weights, but the training split has 4 rows; give one a row"):
        Weighted(torch.ones(3))(4, key())


@given(
    sizes=st.lists(st.integers(1, 9), min_size=2, max_size=4),
    data=st.data(),
    rows=st.integers(1, 60),
    epoch=st.integers(0, 9),
)
@settings(deadline=None, max_examples=60)
def test_balanced_keeps_its_ratio_in_every_round_and_uses_rows_in_turn(
    sizes: list[int], data: st.DataObject, rows: int, epoch: int
) -> None:
    labels = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
    labels = labels[torch.randperm(len(labels), generator=torch.Generator().manual_seed(1))]
    shares = st.lists(st.integers(0, 3), min_size=len(sizes), max_size=len(sizes)).filter(any)
    ratio = data.draw(shares)
    order = Balanced(labels, ratio, rows)(len(labels), key(epoch))
    assert len(order) == rows
    window = sum(ratio)
    for start in range(0, rows - window + 1):  # any window, not only whole rounds: the pattern repeats
        counts = torch.bincount(labels[order[start : start + window]], minlength=len(sizes))
        assert counts.tolist() == ratio
    for number, size in enumerate(sizes):
        used = torch.bincount(order[labels[order] == number], minlength=len(labels))[labels == number]
        assert int(used.max()) - int(used.min()) <= 1
        assert int(used.sum()) == 0 or size


def test_balanced_takes_one_of_each_by_default_and_shuffles_anew() -> None:
    labels = torch.tensor([0] * 30 + [1] * 3)
    first, second = (Balanced(labels)(33, key(epoch)) for epoch in (0, 1))
    assert len(first) == 33
    assert torch.bincount(labels[first]).tolist() == [17, 16]
    assert first.tolist() != second.tolist()
    rare = first[labels[first] == 1]
    assert sorted(rare[:3].tolist()) == sorted(rare[3:6].tolist()) == [30, 31, 32]
    assert any(rare[3 * r : 3 * r + 3].tolist() != rare[:3].tolist() for r in range(1, 5))


@pytest.mark.parametrize(
    ("labels", "ratio", "text"),
    [
        (torch.tensor([0, 2]), (), r"Class 1 has no rows, so it cannot be balanced; give it the ratio 0\."),
        (torch.tensor([0, 1, 2]), (1, 1), r"The ratio \(1, 1\) names 2 classes, the labels have 3\."),
        (torch.tensor([0, 1]), (1, 1, 1), r"Class 2 has no rows"),
        (torch.tensor([0, 1]), (0, 0), r"not all of them 0; given: \(0, 0\)"),
        (torch.tensor([0, 1]), (2, -1), r"counts the rows of each class in a round"),
        (torch.tensor([0.0, 1.0]), (), r"Labels are class numbers from 0, one a row; these are torch\.float32"),
        (torch.tensor([[0], [1]]), (), r"of the shape \(2, 1\): labels\.flatten\(\)\.long\(\)\."),
        (torch.tensor([0, -1]), (), r"Labels are class numbers from 0"),
    ],
)
def test_impossible_balances_are_refused(labels: Tensor, ratio: tuple[int, ...], text: str) -> None:
    with pytest.raises(DataError, match=text):
        Balanced(labels, ratio)(len(labels), key())


def test_a_class_of_ratio_zero_is_left_out() -> None:
    labels = torch.tensor([0, 0, 2, 2])
    assert set(Balanced(labels, (1, 0, 0), rows=6)(4, key()).tolist()) == {0, 1}


def test_the_number_of_labels_has_to_fit() -> None:
    with pytest.raises(DataError, match="The order has 2 labels, but the training split has 3 rows"):
        Balanced(torch.tensor([0, 1]))(3, key())
