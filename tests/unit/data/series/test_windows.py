import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.core.errors import DataError
from stepwell.core.keys import Key
from stepwell.data.loader import Loader
from stepwell.data.orders import Shuffled
from stepwell.data.series.windows import Windows, side_borders, split_windows

quick = settings(max_examples=80, deadline=None)


def ramp(steps: int, channels: int = 3, known: int = 2) -> Windows:
    """A series whose numbers say where they stand: step in thousands, channel in ones."""
    past = torch.arange(steps).float().unsqueeze(1) * 1000 + torch.arange(channels)
    ahead = torch.arange(steps).float().unsqueeze(1) * 1000 + 500 + torch.arange(known)
    return Windows(past, ahead, 5, 2)


@quick
@given(st.lists(st.integers(0, 23), max_size=40), st.integers(0, 3))
def test_a_batch_holds_the_rows_that_slices_give(rows, known):
    source = ramp(30, known=known)
    batch = source.batch(torch.tensor(rows, dtype=torch.int64), Key(0))
    assert batch.inputs["past"].shape == (len(rows), 5, 3)
    assert batch.inputs["known"].shape == (len(rows), 2, known)
    for place, row in enumerate(rows):
        assert torch.equal(batch.inputs["past"][place], source.past[row : row + 5])
        assert torch.equal(batch.inputs["known"][place], source.known[row + 5 : row + 7])
        assert torch.equal(batch.targets[place], source.past[row + 5 : row + 7, 0])


def test_what_it_holds_is_the_series_alone():
    past = torch.randn(1000, 4)
    source = Windows(past, torch.randn(1000, 2), 100, 10)
    assert len(source) == 891
    assert source.past.data_ptr() == past.data_ptr()
    batch = source.batch(torch.arange(1), Key(0))
    assert source.row_bytes == sum(t.nbytes for t in (*batch.inputs.values(), batch.targets))
    batch.inputs["past"].zero_()  # a batch is a copy
    assert past.abs().min() > 0


def test_it_goes_through_a_loader():
    loader = Loader(source=ramp(30), batch_size=7, order=Shuffled(), seed=1)
    seen = torch.cat([batch.index for batch in loader.epoch(0)])
    assert sorted(seen.tolist()) == list(range(24))


@quick
@given(
    st.integers(30, 300),
    st.integers(1, 12),
    st.integers(1, 6),
    st.sampled_from([(0.2, 0.2), (0.3, 0.0), (0.0, 0.4), (0.25, 0.15)]),
    st.integers(1, 5),
    st.data(),
)
def test_windows_never_cross_a_split_nor_are_scored_on_made_up_values(steps, window, horizon, shares, stride, data):
    filled = np.zeros(steps, bool)
    filled[data.draw(st.lists(st.integers(0, steps - 1), max_size=3))] = True
    val, test = shares
    try:
        split = split_windows(filled, window, horizon, val=val, test=test, stride=stride)
    except DataError:
        return
    borders = side_borders(steps, val=val, test=test)
    assert set(split.rows) == set(borders)
    for side, rows in split.rows.items():
        start, end = borders[side]
        assert int(rows.min()) >= start
        assert int(rows.max()) + window + horizon <= end
        ahead = rows.unsqueeze(1).numpy() + window + np.arange(horizon)
        assert not filled[ahead].any()
    allowed = np.array([not filled[row + window : row + window + horizon].any() for row in range(steps - window)])
    start, end = borders["train"]
    whole = [row for row in range(start, end - window - horizon + 1) if allowed[row]]
    assert split.rows["train"].tolist() == whole[::stride]


def test_the_last_steps_are_test():
    assert side_borders(100, val=0.1, test=0.2) == {"train": (0, 70), "val": (70, 80), "test": (80, 100)}
    assert side_borders(100, val=0.0, test=0.2) == {"train": (0, 80), "test": (80, 100)}


def test_a_split_applies_to_its_source():
    splits = split_windows(np.zeros(100, bool), 5, 2, val=0.2, test=0.2).apply(ramp(100))
    assert splits.train.batch(torch.tensor([3]), Key(0)).index.tolist() == [3]
    assert splits.test.batch(torch.tensor([0]), Key(0)).index.tolist() == [80]


@pytest.mark.parametrize(
    ("settings_given", "said"),
    [
        ({"window": 90, "horizon": 5}, "The side train has 80 steps; a window of 90 and its horizon of 5 take 95"),
        ({"window": 15, "horizon": 5}, "The side val has 10 steps"),
        ({"window": 0, "horizon": 5}, "The window is 0 steps; it must be 1 at least"),
        ({"window": 5, "horizon": 0}, "The horizon is 0 steps"),
        ({"window": 5, "horizon": 2, "stride": 0}, "The stride is 0"),
        ({"window": 5, "horizon": 2, "val": 0.9, "test": 0.1}, "shares from 0 to 1 that leave some for training"),
    ],
)
def test_what_cannot_be_split(settings_given, said):
    with pytest.raises(DataError, match=said):
        split_windows(np.zeros(100, bool), **{"val": 0.1, "test": 0.1, **settings_given})


def test_a_side_of_made_up_values_and_a_short_series():
    filled = np.arange(100) >= 80
    with pytest.raises(DataError, match="All 14 windows of the side test have a missing value in their horizon of 2"):
        split_windows(filled, 5, 2, val=0.0, test=0.2)
    with pytest.raises(DataError, match="The series has 6 steps; a window of 5 and its horizon of 2 take 7"):
        ramp(6)
