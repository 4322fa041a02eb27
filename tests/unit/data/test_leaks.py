import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from stepwell.data import leaks
from stepwell.data.arrays import ArraySource
from stepwell.data.leaks import Leak, shared_rows
from stepwell.data.splits import Splits, split_fixed


def brute_force(first: torch.Tensor, second: torch.Tensor) -> int:
    return sum(any(torch.equal(row, other) for other in first) for row in second)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.integers(0, 2), min_size=3, max_size=3), min_size=3, max_size=40), st.data())
def test_equals_brute_force(table, data):
    border = data.draw(st.integers(1, len(table) - 1))
    dtype = data.draw(st.sampled_from([torch.uint8, torch.int64, torch.float32, torch.float64, torch.bfloat16]))
    rows = torch.tensor(table).to(dtype)
    source = ArraySource(rows)
    numbers = torch.arange(len(rows))
    found = shared_rows(split_fixed(train=numbers[:border], val=numbers[border:]).apply(source))
    expected = brute_force(rows[:border], rows[border:])
    assert sum(leak.rows for leak in found) == expected
    for leak in found:
        assert (leak.first, leak.second, leak.share) == ("train", "val", expected / (len(rows) - border))
        for a, b in leak.examples:
            assert a < border <= b
            assert torch.equal(rows[a], rows[b])


def test_every_pair_of_sides_is_compared():
    source = ArraySource(torch.tensor([[1.0], [2.0], [1.0], [2.0], [1.0]]))
    found = shared_rows(split_fixed(train=[0], val=[1, 2], test=[3, 4]).apply(source))
    assert found == [
        Leak("train", "val", 1, 0.5, ((0, 2),)),
        Leak("train", "test", 1, 0.5, ((0, 4),)),
        Leak("val", "test", 2, 1.0, ((1, 3), (2, 4))),
    ]


def test_says_what_is_wrong_and_how_to_mend_it():
    text = str(Leak("train", "val", 12, 0.06, ((17, 3), (5, 8))))
    assert text == (
        "12 rows of val (6 %) with the same inputs as rows of train (such as train row 17 = val row 3, train row 5 = "
        "val row 8) let val scores reward memory as well as learning: drop the copies, or keep them on one side with "
        "split_grouped."
    )
    assert str(Leak("val", "test", 1, 0.001, ((0, 0),))).startswith("1 row of test (0.1 %)")


def test_trees_are_compared_whole():
    inputs = {"image": torch.tensor([[1], [1], [1]]), "age": torch.tensor([3.0, 4.0, 3.0])}
    splits = split_fixed(train=[0, 1], val=[2]).apply(ArraySource(inputs))
    assert [leak.examples for leak in shared_rows(splits)] == [((0, 2),)]


@pytest.mark.parametrize(
    ("train", "val"),
    [
        (torch.zeros(2, 4), torch.zeros(2, 4, dtype=torch.int32)),  # the same bytes
        (torch.zeros(2, 4), torch.zeros(2, 2, 2)),
        (torch.zeros(2, 4), torch.zeros(2, 3)),
        (torch.zeros(2), -torch.zeros(2)),  # equal numbers, different bits
        ({"a": torch.zeros(2)}, {"b": torch.zeros(2)}),
    ],
)
def test_dtype_shape_and_name_count(train, val):
    assert shared_rows(Splits(ArraySource(train), ArraySource(val))) == []


def test_targets_do_not_count_and_nan_equals_itself():
    train = ArraySource(torch.tensor([[float("nan")]]), torch.tensor([0]))
    val = ArraySource(torch.tensor([[float("nan")]]), torch.tensor([1]))
    assert len(shared_rows(Splits(train, val))) == 1


def test_rows_of_no_bytes_are_all_equal():
    assert shared_rows(Splits(ArraySource(torch.zeros(2, 0)), ArraySource(torch.zeros(3, 0))))[0].rows == 3


def test_colliding_hashes_are_no_leak(monkeypatch):
    monkeypatch.setattr(leaks, "_hash_block", lambda batch, weights: np.zeros(len(batch.index), np.uint64))
    rows = torch.tensor([[1], [2], [3], [9], [3], [8]])
    found = shared_rows(split_fixed(train=[0, 1, 2], val=[3, 4, 5]).apply(ArraySource(rows)))
    assert [(leak.rows, leak.examples) for leak in found] == [(1, ((2, 4),))]


def test_hashes_tell_rows_apart_that_differ_in_sign_bits():
    rows = torch.tensor([[1.0, 1.0, 1.0], [-1.0, -1.0, 1.0], [-1.0, 1.0, -1.0], [1.0, -1.0, -1.0]], dtype=torch.float64)
    assert len(np.unique(leaks._hashes(ArraySource(rows)))) == 4


def test_loaders_are_passed_over():
    train = ArraySource(torch.zeros(2, 1))
    assert shared_rows(Splits(train, val=DataLoader(torch.zeros(2, 1)))) == []


def test_sources_are_read_in_blocks(monkeypatch):
    rows = torch.randint(0, 50, (3000, 1), generator=torch.Generator().manual_seed(0))
    source = ArraySource(rows)
    source.row_bytes = None  # 256 rows at a time
    numbers = torch.arange(3000)
    (leak,) = shared_rows(split_fixed(train=numbers[:1500], val=numbers[1500:]).apply(source))
    assert leak.rows == 1500
    assert re.match(r"1500 rows of val \(1e\+02 %\)|1500 rows of val \(100 %\)", str(leak))
