"""Keyed randomness: the generator is Philox, and a row's draws depend on the key and the row alone."""

import math

import pytest
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from stepwell.core.keys import Key, philox

ROWS = st.lists(st.integers(0, 2**62), min_size=1, max_size=40)
DRAWS = {
    "uniform": lambda key, rows, shape: key.uniform(rows, shape),
    "normal": lambda key, rows, shape: key.normal(rows, shape),
    "integers": lambda key, rows, shape: key.integers(rows, -3, 1000, shape),
    "words": lambda key, rows, shape: key.words(rows, math.prod(shape)),
}


# The known answers of Random123 1.14.0 (tests/kat_vectors) for philox4x32-10: counter, key, words.
@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [
        ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
    ],
)
def test_philox_gives_the_known_answers_of_its_authors(counter: str, key: str, words: str) -> None:
    given = tuple(torch.tensor([int(word, 16)]) for word in counter.split())
    k0, k1 = (int(word, 16) for word in key.split())
    assert [f"{word.item():08x}" for word in philox(given, (k0, k1))] == words.split()


def test_a_key_uses_philox_with_row_and_block_as_the_counter() -> None:
    key, row = Key(3)("x"), 5 + (7 << 32)
    expected = [
        int(word)
        for block in (0, 1)
        for word in philox(
            tuple(torch.tensor([c]) for c in (5, 7, block, 0)), (key.number & 0xFFFFFFFF, key.number >> 32)
        )
    ]
    assert key.words(torch.tensor([row]), 6).tolist() == [expected[:6]]


@pytest.mark.parametrize("name", DRAWS)
@given(rows=ROWS, shape=st.sampled_from([(), (1,), (3,), (2, 5), (4,), (0,)]), data=st.data())
@settings(deadline=None, max_examples=40)
def test_rows_draw_the_same_in_any_batch(
    name: str, rows: list[int], shape: tuple[int, ...], data: st.DataObject
) -> None:
    draw, key, all_rows = DRAWS[name], Key(1)("purpose", 2), torch.tensor(rows)
    whole = draw(key, all_rows, shape)
    picked = data.draw(st.lists(st.integers(0, len(rows) - 1), min_size=1))
    assert torch.equal(draw(key, all_rows[picked], shape), whole[picked])
    cut = data.draw(st.integers(0, len(rows)))
    parts = [draw(key, part, shape) for part in (all_rows[:cut], all_rows[cut:])]
    assert torch.equal(torch.cat(parts), whole)


def test_shapes_and_dtypes() -> None:
    rows = torch.arange(4)
    assert (Key(0).uniform(rows).shape, Key(0).uniform(rows).dtype) == ((4,), torch.float32)
    assert (Key(0).normal(rows, (3, 5)).shape, Key(0).normal(rows).dtype) == ((4, 3, 5), torch.float32)
    assert (Key(0).integers(rows, 0, 9, (2,)).shape, Key(0).integers(rows, 0, 9).dtype) == ((4, 2), torch.int64)
    assert Key(0).uniform(rows[:0], (3,)).shape == (0, 3)


ROWS_MANY = torch.arange(20_000)


def test_uniform_numbers_are_uniform_and_below_one() -> None:
    drawn = Key(5)("u").uniform(ROWS_MANY, (4,))
    assert 0 <= drawn.min() < 1e-3
    assert 0.999 < drawn.max() < 1
    for column in drawn.unbind(1):
        assert scipy.stats.kstest(column.numpy(), "uniform").pvalue > 0.01
    assert torch.equal(drawn * 2**24, (drawn * 2**24).round())


def test_normal_numbers_are_normal_and_finite() -> None:
    drawn = Key(5)("n").normal(ROWS_MANY, (5,))
    assert bool(torch.isfinite(drawn).all())
    for column in drawn.unbind(1):
        assert scipy.stats.kstest(column.numpy(), "norm").pvalue > 0.01
    # both halves of a Box-Muller pair, too, are independent of each other
    assert torch.corrcoef(drawn.T).fill_diagonal_(0).abs().max() < 0.03


def test_the_extreme_words_give_finite_normal_numbers() -> None:
    class Fixed(Key):
        def words(self, rows: Tensor, count: int) -> Tensor:
            return torch.tensor([0, 2**32 - 1]).repeat_interleave(2).reshape(2, 2)[:, :count]

    assert bool(torch.isfinite(Fixed(0).normal(torch.arange(2), (2,))).all())


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-5, 5), (0, 1000), (3, 3 + 2**31), (-(2**40), -(2**40) + 7)])
def test_integers_stay_in_their_range(low: int, high: int) -> None:
    drawn = Key(9).integers(ROWS_MANY, low, high)
    assert low <= int(drawn.min())
    assert int(drawn.max()) < high


def test_integers_are_equally_likely() -> None:
    counts = torch.bincount(Key(9)("i").integers(ROWS_MANY, 0, 10, (3,)).flatten(), minlength=10)
    assert scipy.stats.chisquare(counts.numpy()).pvalue > 0.01


def test_purposes_epochs_and_seeds_are_independent() -> None:
    keys = [Key(0)("a"), Key(0)("b"), Key(1)("a"), Key(0)("a", 1), Key(0)("a", 2), Key(0)("a", "1"), Key(0)]
    drawn = torch.stack([key.normal(ROWS_MANY) for key in keys])
    assert torch.corrcoef(drawn).fill_diagonal_(0).abs().max() < 0.03
    assert len({key.number for key in keys}) == len(keys)


def test_a_path_can_be_walked_in_steps() -> None:
    assert Key(4)("a")(1, "b") == Key(4)("a", 1, "b")
    assert Key(4)("a")(1).number == Key(4)("a", 1).number


def test_rows_beyond_32_bits_draw_their_own() -> None:
    rows = torch.tensor([3, 3 + 2**32, 3 + 2**33, 3 + 2**62])
    assert len(set(Key(0).words(rows, 1)[:, 0].tolist())) == 4


@given(st.integers(1, 200), st.integers(0, 2**64 - 1))
@settings(deadline=None, max_examples=30)
def test_a_permutation_has_every_row_once(length: int, seed: int) -> None:
    drawn = Key(seed)("order", 0).permutation(length)
    assert sorted(drawn.tolist()) == list(range(length))
    assert torch.equal(drawn, Key(seed)("order", 0).permutation(length))


def test_permutations_reach_all_orders_equally() -> None:
    orders: dict[tuple[int, ...], int] = {}
    for epoch in range(2400):
        order = tuple(Key(2)("order", epoch).permutation(4).tolist())
        orders[order] = orders.get(order, 0) + 1
    assert len(orders) == 24
    assert scipy.stats.chisquare(list(orders.values())).pvalue > 0.01


def test_drawing_leaves_torchs_generator_alone() -> None:
    before = torch.get_rng_state()
    Key(0).normal(torch.arange(5))
    Key(0).permutation(5)
    assert torch.equal(torch.get_rng_state(), before)


# Numbers that stay as they are: a release that changed one would resume old runs otherwise than they began.
def test_draws_of_a_release_stay_those_of_the_next() -> None:
    assert Key(42)("noise", 3).number == 0x44677AED1A7C82CC
    assert Key(42).words(torch.tensor([0, 1]), 2).tolist() == [[2901527658, 4119179371], [2957748690, 980364795]]
