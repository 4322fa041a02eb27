import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from stepwell.core.errors import DataError
from stepwell.core.keys import Key
from stepwell.data.arrays import ArraySource, Subset
from stepwell.data.splits import (
    Split,
    Splits,
    split_by_time,
    split_fixed,
    split_grouped,
    split_random,
    split_stratified,
)

quick = settings(max_examples=60, deadline=None)
lengths = st.integers(20, 200)
seeds = st.integers(0, 2**32)
tenths = st.sampled_from([(0.8, 0.2, 0.0), (0.7, 0.2, 0.1), (0.6, 0.2, 0.2), (0.5, 0.25, 0.0)])


def all_rows(split: Split) -> list[int]:
    return sorted(torch.cat(list(split.rows.values())).tolist())


def sizes(split: Split) -> dict[str, int]:
    return {side: len(rows) for side, rows in split.rows.items()}


def source(length: int) -> ArraySource:
    return ArraySource(torch.arange(length).reshape(-1, 1), torch.zeros(length))


@quick
@given(lengths, tenths, seeds)
def test_random_sides_are_disjoint_and_of_the_size_asked_for(length, amounts, seed):
    train, val, test = amounts
    split = split_random(length, train=train, val=val, test=test, seed=seed)
    rows = all_rows(split)
    assert len(set(rows)) == len(rows)
    assert set(rows) <= set(range(length))
    for side, amount in zip(("train", "val", "test"), amounts, strict=True):
        assert abs(len(split.rows.get(side, ())) - amount * length) < 1
    if sum(amounts) > 0.99:
        assert rows == list(range(length))


@quick
@given(lengths, seeds)
def test_same_seed_same_rows_and_another_seed_others(length, seed):
    def made(number):
        return split_random(length, train=0.8, val=0.2, seed=number).to_json()["rows"]

    assert made(seed) == made(seed)
    assert any(made(seed) != made(seed + other) for other in range(1, 6))  # two of 4,845 small splits may be equal


def test_random_mixes_rows():
    assert split_random(1000, train=0.5, val=0.5, seed=0).rows["val"].float().mean() == pytest.approx(500, abs=50)


def test_decimal_fractions_are_taken_as_written():
    assert sizes(split_random(100, train=0.7, val=0.2, test=0.1, seed=0)) == {"train": 70, "val": 20, "test": 10}
    assert sizes(split_random(100, train=0.29, val=0.71, seed=0)) == {"train": 29, "val": 71}
    assert sum(sizes(split_random(10, train=1 / 3, val=1 / 3, test=1 / 3, seed=0)).values()) == 10
    assert sum(sizes(split_random(10, train=0.7, val=0.1 + 0.2, seed=0)).values()) == 10


def test_counts_are_kept_and_the_rest_is_left_out():
    split = split_random(100, train=60, val=np.int64(20), test=5, seed=1)
    assert sizes(split) == {"train": 60, "val": 20, "test": 5}
    assert split.how == "random(train=60, val=20, test=5, seed=1)"


def test_how_is_the_call():
    assert split_random(10, train=0.8, val=0.2, seed=13).how == "random(train=0.8, val=0.2, seed=13)"
    assert split_random(10, train=1.0, val=0.0, seed=13).how == "random(train=1.0, seed=13)"


@pytest.mark.parametrize(
    ("amounts", "text"),
    [
        ({"train": 0.8, "val": 0.3}, r"train=0.8, val=0.3 is more than there is"),
        ({"train": 90, "val": 20}, r"at most all 100 rows"),
        ({"train": 0.8, "val": 20}, r"all fractions \(0.8\) or all counts \(800\).*train=0.8, val=20"),
        ({"train": 80.0, "val": 20.0}, r"all fractions"),
        ({"train": -1, "val": 20}, r"not negative; given: train=-1"),
        ({"train": float("nan"), "val": 0.2}, r"all fractions"),
        ({"train": 0.99, "val": 0.001}, r"random\(train=0.99, val=0.001, seed=0\): val is empty. Give it a larger"),
        ({"train": 0, "val": 0.2}, r"has val"),
        (
            {"train": -0.4, "val": 0.9, "test": 0.5},
            "^val and test together take 1.4 of all rows, which leaves none for train",
        ),
        ({"train": 0.0, "val": 1.0}, "^val takes 1 of all rows, which leaves none for train; take less than 1"),
        ({"train": 0.99, "val": 0.001}, r"or leave it out \(val=0; as a flag --val 0\)"),
    ],
)
def test_amounts_that_do_not_fit_are_refused(amounts, text):
    with pytest.raises(DataError, match=text):
        split_random(100, **amounts, seed=0)


def test_nothing_cannot_be_split():
    with pytest.raises(DataError, match="no rows to split"):
        split_random(0, train=0.8, val=0.2, seed=0)
    with pytest.raises(DataError, match="no rows to split"):
        split_stratified([], train=0.8, val=0.2, seed=0)


@quick
@given(st.lists(st.integers(0, 3), min_size=40, max_size=200), tenths, seeds)
def test_stratified_keeps_proportions_in_every_class(labels, amounts, seed):
    kinds = torch.tensor(labels)
    train, val, test = amounts
    split = split_stratified(kinds, train=train, val=val, test=test, seed=seed)
    rows = all_rows(split)
    assert len(set(rows)) == len(rows)
    for kind in set(labels):
        for side, amount in zip(("train", "val", "test"), amounts, strict=True):
            if side in split.rows:
                count = int((kinds[split.rows[side]] == kind).sum())
                assert abs(count - amount * labels.count(kind)) < 1
    if sum(amounts) > 0.99:
        assert rows == list(range(len(labels)))


def test_stratified_draws_at_random_within_a_class():
    labels = ["cat"] * 50 + ["dog"] * 50
    split = split_stratified(labels, train=0.8, val=0.2, seed=0)
    assert sizes(split) == {"train": 80, "val": 20}
    assert split.rows["val"].tolist() != split_stratified(labels, train=0.8, val=0.2, seed=1).rows["val"].tolist()
    assert int((split.rows["val"] < 50).sum()) == 10


@quick
@given(st.lists(st.integers(0, 30), min_size=60, max_size=200), seeds)
def test_grouped_keeps_groups_whole(groups, seed):
    groups = [0, 1, 2, *groups]  # as many groups as sides are enough, however unequal
    split = split_grouped(groups, train=0.5, val=0.3, test=0.2, seed=seed)
    assert all_rows(split) == list(range(len(groups)))
    owners = [{groups[row] for row in rows.tolist()} for rows in split.rows.values()]
    assert sum(map(len, owners)) == len(set(groups))


def test_grouped_meets_the_amounts_to_about_a_group():
    groups = [f"patient {row // 10}" for row in range(1000)]
    assert sizes(split_grouped(groups, train=0.8, val=0.1, test=0.1, seed=3)) == {"train": 800, "val": 100, "test": 100}
    assert sizes(split_grouped(groups, train=0.5, val=0.1, seed=3)) == {"train": 500, "val": 100}


def test_too_few_groups_leave_a_side_empty_and_say_so():
    with pytest.raises(DataError, match=r"grouped\(train=0.9, val=0.1, seed=0\): val is empty"):
        split_grouped(["a"] * 10, train=0.9, val=0.1, seed=0)


@quick
@given(st.lists(st.integers(1, 4), min_size=50, max_size=80), tenths, seeds)
def test_by_time_never_looks_ahead(repeats, amounts, seed):
    times = [time for time, count in enumerate(repeats) for _ in range(count)]
    times = [times[row] for row in Key(seed).permutation(len(times)).tolist()]
    train, val, test = amounts
    moments = torch.tensor(times)
    split = split_by_time(times, train=train, val=val, test=test)
    spans = [moments[rows] for rows in split.rows.values()]
    for earlier, later in zip(spans, spans[1:], strict=False):
        assert earlier.max() < later.min()
    assert all(torch.equal(span, span.sort().values) for span in spans)
    if sum(amounts) > 0.99:
        assert all_rows(split) == list(range(len(times)))


def test_by_time_takes_the_nearest_place_between_two_times():
    split = split_by_time([5, 5, 1, 2, 5, 3, 9, 8, 5, 4], train=0.5, val=0.5)
    assert split.rows["train"].tolist() == [2, 3, 5, 9]
    assert split.rows["val"].tolist() == [0, 1, 4, 8, 7, 6]


def test_equal_times_can_leave_a_side_empty():
    with pytest.raises(DataError, match=r"by_time\(train=0.8, val=0.2\): val is empty"):
        split_by_time([1] * 10, train=0.8, val=0.2)


def test_by_time_takes_dates_and_refuses_nan():
    days = np.datetime64("2011-01-01") + np.arange(10)
    assert split_by_time(days[::-1], train=0.8, val=0.2).rows["val"].tolist() == [1, 0]
    with pytest.raises(DataError, match="Some times are NaN"):
        split_by_time([1.0, float("nan"), 2.0], train=0.5, val=0.5)
    with pytest.raises(DataError, match="times are of kinds that cannot be compared"):
        split_by_time([1.0, None, 2.0], train=0.5, val=0.5)


def test_values_have_one_dimension():
    with pytest.raises(DataError, match=r"labels have one value a row.*\(4, 1\)"):
        split_stratified(torch.zeros(4, 1), train=0.5, val=0.5, seed=0)


def test_fixed_rows_stay_in_their_order():
    split = split_fixed(train=[3, 1, 2], val=torch.tensor([0]), test=np.array([5, 4]))
    assert split.how == "fixed(train=<3 rows>, val=<1 rows>, test=<2 rows>)"
    assert split.rows["train"].tolist() == [3, 1, 2]


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ({"train": [0, 1, 2], "val": [2, 3]}, "train and val share row 2"),
        ({"train": [0], "val": [1, 2, 3, 4, 5], "test": [1, 2, 3, 4]}, r"val and test share 4 rows \(1, 2, 3, …\)"),
        ({"train": [0, 0]}, "train has row 0 more than once"),
        ({"train": [0, -1]}, "train has row -1; rows are numbered from 0"),
        ({"train": [0.5]}, r"row numbers \(int64\), not torch.float32"),
        ({"train": [True, False]}, r"of a mask they are mask.nonzero\(\)"),
        ({"train": torch.zeros(2, 2, dtype=torch.int64)}, r"one dimension of int64, not \(2, 2\)"),
        ({"train": [1], "val": torch.zeros(0, dtype=torch.int64)}, "val is empty"),
    ],
)
def test_rows_that_cannot_be_a_split_are_refused_by_name(rows, text):
    with pytest.raises(DataError, match=text):
        split_fixed(**rows)


def test_unknown_sides_are_refused():
    with pytest.raises(DataError, match="has train, dev"):
        Split("mine", {"train": torch.tensor([0]), "dev": torch.tensor([1])})


def test_json_and_back():
    split = split_random(20, train=0.8, val=0.2, seed=1)
    back = Split.from_json(json.loads(json.dumps(split.to_json())))
    assert back.to_json() == split.to_json()
    assert back.rows["train"].dtype == torch.int64
    for wrong in ({"how": "x"}, {"how": "x", "rows": [1]}):
        with pytest.raises(DataError, match="A kept split is"):
            Split.from_json(wrong)


def test_apply_gives_subsets_under_the_source_s_row_numbers():
    split = split_fixed(train=[4, 2], val=[1])
    splits = split.apply(source(5))
    assert isinstance(splits.train, Subset)
    assert isinstance(splits.val, Subset)
    assert splits.train.batch(torch.tensor([0, 1]), Key(0)).index.tolist() == [4, 2]
    assert splits.test is None
    assert splits.split is split


def test_apply_refuses_rows_that_the_source_lacks():
    with pytest.raises(DataError, match=r"val has row 7, but the source has 5 rows.*other data"):
        split_fixed(train=[0], val=[7]).apply(source(5))


def test_splits_hold_sources_and_loaders_with_rows():
    loader: DataLoader = DataLoader([1, 2, 3])
    assert Splits(train=loader).train is loader
    with pytest.raises(DataError, match=r"val is a list; a Source or DataLoader is due: as_source\(data\)"):
        Splits(train=source(3), val=[1, 2])
    with pytest.raises(DataError, match="train is a NoneType"):
        Splits(train=None)
    with pytest.raises(DataError, match="test has no rows"):
        Splits(train=source(3), test=source(0))
