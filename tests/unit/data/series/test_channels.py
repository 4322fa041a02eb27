from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest
import torch

from stepwell.core.errors import DataError
from stepwell.data.series.channels import Channels, choose_channels
from stepwell.data.series.timeline import Timeline, true_calendar

START = datetime(2011, 1, 3)  # a Monday


def table(count: int = 24 * 20) -> pl.DataFrame:
    hour = np.arange(count)
    return pl.DataFrame(
        {
            "t": [START + timedelta(hours=int(each)) for each in hour],
            "y": np.sin(hour / 4) * 10 + 100,
            "temp": hour % 50 / 1.7,
            "kind": np.where(hour % 5 < 2, "wet", "dry"),
            "holiday": (hour // 24 % 6 == 0).astype(int),
            "station": [f"station {each % 40}" for each in hour],
            "built": [START.date() + timedelta(days=int(each) % 3) for each in hour],
        }
    )


def fitted(known: tuple[str, ...] = ("holiday",), end: int = 300) -> tuple[Channels, Timeline]:
    frame = table()
    line = true_calendar(frame, ["t"], "y")
    columns = choose_channels(frame, ["t"], "y", (), known)
    return Channels.fit(line, "y", columns, known, end), line


def test_what_becomes_of_each_column():
    found = {
        column.name: (column.kind, column.encoding, column.why)
        for column in choose_channels(table(), ["t"], "y", ("temp",), ())
    }
    assert list(found) == ["temp", "kind", "holiday", "station", "built"]
    assert found["temp"] == ("dropped", None, "dropped, as --drop says")
    assert found["kind"][1] == "number"
    assert found["station"] == ("dropped", None, "text with 40 levels: too many for one-hot channels; dropped")
    assert found["built"] == ("dropped", None, "another time beside that of the series; dropped")


def test_channels_and_their_names():
    channels, line = fitted()
    assert channels.past_names == ("y", "y was filled", "temp", "kind=wet", "holiday=1")
    assert channels.known_names == ("hour (sin)", "hour (cos)", "weekday (sin)", "weekday (cos)", "holiday=1")
    numbers = channels.numbers(line)
    assert numbers.past.shape == (480, 5)
    assert numbers.known.shape == (480, 5)
    assert numbers.past.dtype == numbers.known.dtype == torch.float32
    np.testing.assert_allclose(numbers.past[:, 0], line.frame["y"], rtol=1e-6)
    assert torch.equal(numbers.past[:, 4], numbers.known[:, 4])
    assert not numbers.past[:, 1].any()


def test_statistics_are_those_of_training_steps_alone():
    """Held-out values of another world change no encoding."""
    frame = table()
    strange = frame.with_columns(pl.when(pl.int_range(pl.len()) >= 300).then(1e6).otherwise("temp").alias("temp"))
    columns = choose_channels(frame, ["t"], "y", (), ())
    one, two = (Channels.fit(true_calendar(f, ["t"], "y"), "y", columns, (), 300) for f in (frame, strange))
    assert one.to_json() == two.to_json()
    temp = one.numbers(true_calendar(frame, ["t"], "y")).past[:300, 2]
    assert float(temp.mean()) == pytest.approx(0, abs=1e-5)
    assert float(temp.std(unbiased=False)) == pytest.approx(1, abs=1e-5)


def test_what_is_known_ahead_goes_on_beyond_the_series():
    calendar, line = fitted(known=())
    inside = calendar.ahead_of(line, 400, 24)
    assert torch.equal(inside, calendar.numbers(line).known[400:424])
    assert calendar.ahead_of(line, 470, 24).shape == (24, 4)
    channels, line = fitted()
    assert torch.equal(channels.ahead_of(line, 400, 24), channels.numbers(line).known[400:424])


def test_it_comes_back_from_json():
    channels, line = fitted()
    again = Channels.from_json(channels.to_json())
    for one, two in zip(channels.numbers(line)[:2], again.numbers(line)[:2], strict=True):
        assert torch.equal(one, two)


def test_a_series_without_other_columns():
    frame = table().select("t", "y")
    channels = Channels.fit(true_calendar(frame, ["t"], "y"), "y", choose_channels(frame, ["t"], "y", (), ()), (), 300)
    assert channels.numbers(true_calendar(frame, ["t"], "y")).past.shape == (480, 2)
    alone = table().select("t", "y", kept=pl.lit(1))
    assert [column.encoding for column in choose_channels(alone, ["t"], "y", (), ())] == [None]
    assert [column.encoding for column in choose_channels(alone, ["t"], "y", ("kept",), ())] == [None]


@pytest.mark.parametrize(
    ("drop", "known", "said"),
    [
        (("tempo",), (), "--drop names 'tempo', which is no column of the table. Did you mean 'temp'"),
        ((), ("holliday",), "--known names 'holliday'.* Did you mean 'holiday'"),
        ((), ("station",), "--known names a column that is not used; 'station': text with 40 levels"),
        (("holiday",), ("holiday",), "'holiday': dropped, as --drop says"),
        ((), ("y",), "'y' is the target"),
    ],
)
def test_flags_that_do_not_fit(drop, known, said):
    with pytest.raises(DataError, match=said):
        choose_channels(table(), ["t"], "y", drop, known)


def test_unknown_times_and_targets_are_named_with_their_flags():
    with pytest.raises(DataError, match="--time names 'nope', which is no column of the table"):
        choose_channels(table(), ["nope"], "y", (), ())
    with pytest.raises(DataError, match="--target names 'why'"):
        choose_channels(table(), ["t"], "why", (), ())
