"""Stevens, Antiga, Viehmann, *Deep Learning with PyTorch*, chapter 4: row S4.4 and capability C19, on the bike-sharing files."""

import os
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from stepwell.core.errors import DataError
from stepwell.core.keys import Key
from stepwell.data.series.fitting import fit_reader
from stepwell.data.series.timeline import true_calendar
from stepwell.data.series.views import book_view
from stepwell.data.series.windows import Windows, side_borders, split_windows
from stepwell.data.tables.read import read_table

row = partial(pytest.mark.book, "dlwp-chapters-1-8")
SHARED = Path(os.environ.get("STEPWELL_DATA") or Path(__file__).parents[3] / "shared" / "data")


def bikes(name: str) -> Path:
    path = SHARED / "bike-sharing" / name
    if not path.is_file():
        pytest.skip(f"{name} is not in the data folder; set STEPWELL_DATA to a folder that has bike-sharing/{name}")
    return path


@pytest.fixture(scope="module")
def fixed() -> pl.DataFrame:
    return read_table(bikes("hour-fixed.csv")).frame


@row("S4.4", recipe="stepwell.data.series.views.book_view", kind="exact")
def test_s4_4_days_channels_hours_without_a_copy(fixed):
    """17,520 rows of 17 columns as 730 pieces of 17 channels and 24 hours, strides (408, 1, 17)."""
    assert fixed.shape == (17520, 17)
    view = book_view(fixed)
    assert (tuple(view.shape), view.stride()) == ((730, 17, 24), (408, 1, 17))
    assert view.untyped_storage().nbytes() == 17520 * 17 * 4
    day = view.transpose(1, 2)
    assert (tuple(day.shape), day.stride()) == ((730, 24, 17), (408, 17, 1))
    first = [1, 1, 1, 0, 1, 0, 0, 6, 0, 1, 0.24, 0.2879, 0.81, 0, 3, 13, 16]
    assert day[0, 0].tolist() == pytest.approx(first, abs=1e-6)
    assert book_view(fixed[: 168 * 104], 168).shape == (104, 17, 168)


@row("S4.4", recipe="stepwell.data.series.views.book_view", kind="exact")
def test_s4_4_the_weather_as_one_hot_channels(fixed):
    """The codes of the first day, and the 730 days with 21 channels."""
    view = book_view(fixed)
    codes = view[:, 9].long()
    assert codes[0].tolist() == [1, 1, 1, 1, 1, 2, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3, 2, 2, 2, 2]
    assert torch.bincount(codes.flatten()).tolist() == [0, 11471, 4581, 1465, 3]
    weather = torch.nn.functional.one_hot(codes - 1, 4).transpose(1, 2)
    both = torch.cat([view, weather], 1)
    assert (tuple(weather.shape), tuple(both.shape)) == ((730, 4, 24), (730, 21, 24))
    last = [0.24, 0.2879, 0.81, 0, 3, 13, 16, 1, 0, 0, 0]
    assert both[0, 10:, 0].tolist() == pytest.approx(last, abs=1e-6)
    assert both[:, 9].sub(1).div(3).unique().tolist() == pytest.approx([0, 1 / 3, 2 / 3, 1])


@row("S4.4", recipe="stepwell.data.series.timeline.true_calendar", kind="exact")
def test_s4_4_the_book_loses_a_day_that_the_true_calendar_has(fixed):
    """730 pieces stand for 731 days: half of 29 and of 30 October 2012 is not in the book's file."""
    assert fixed["dteday"].n_unique() == 731
    line = true_calendar(fixed, ["dteday", "hr"], "cnt")
    assert (len(line), int(line.filled.sum())) == (731 * 24, 24)
    assert {str(day) for day in line.times[line.filled].astype("datetime64[D]")} == {"2012-10-29", "2012-10-30"}
    assert book_view(line.frame).shape == (731, 17, 24)


@row("S4.4", recipe="stepwell.data.series.timeline.true_calendar", kind="exact")
def test_s4_4_the_original_file_on_the_true_calendar():
    """17,379 rows for 17,544 hours: 165 are missing, two of them where clocks go forward; they are filled, marked and told."""
    file = read_table(bikes("hour.csv"))
    with pytest.raises(DataError, match="17,379 rows are no whole number of pieces of 24; 3 are left over"):
        book_view(file.frame)
    line = true_calendar(file.frame, ["dteday", "hr"], "cnt")
    assert (file.frame.shape, len(line), int(line.filled.sum()), str(line.step)) == ((17379, 17), 17544, 165, "1 hour")
    assert line.notes[0].startswith(
        "165 of 17,544 steps have no row, in 75 gaps; the longest begin at 2011-01-26 18:00 (22"
    )
    assert [note[:16] for note in line.notes if "daylight-saving" in note] == ["2011-03-13 02:00", "2012-03-11 02:00"]
    assert book_view(line.frame).shape == (731, 17, 24)


@row("C19", recipe="stepwell.data.series.windows.Windows", kind="property")
def test_c19_windows_of_a_week_and_the_day_after():
    """Sorted by time, hours filled, windows of 168 with encoded columns beside them; none crosses a split."""
    file = read_table(bikes("hour.csv"))
    reader = fit_reader(
        file, ["dteday", "hr"], "cnt", window=168, horizon=24, val=0.1, test=0.1, known=("holiday", "workingday")
    )
    assert reader.timeline is not None
    numbers = reader.channels.numbers(reader.timeline)
    source = Windows(numbers.past, numbers.known, 168, 24)
    batch = source.batch(torch.tensor([0, 5000]), Key(0))
    assert batch.inputs["past"].shape == (2, 168, len(reader.channels.past_names))
    assert torch.equal(batch.inputs["past"][1, :, 0], numbers.past[5000:5168, 0])
    assert torch.equal(batch.targets[1], numbers.past[5168:5192, 0])
    split = split_windows(reader.timeline.filled, 168, 24, val=0.1, test=0.1)
    for side, (start, end) in side_borders(len(reader.timeline), val=0.1, test=0.1).items():
        assert int(split.rows[side].min()) >= start
        assert int(split.rows[side].max()) + 192 <= end
        ahead = split.rows[side].numpy()[:, None] + np.arange(168, 192)
        assert not reader.timeline.filled[ahead].any()
    assert reader.period == 168
