import json
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from stepwell.core.errors import DataError
from stepwell.data.reader import Reading
from stepwell.data.series.fitting import fit_reader
from stepwell.data.series.reader import SeriesReader
from stepwell.data.tables.read import read_table

START = datetime(2011, 1, 3)
WINDOW, HORIZON = 48, 6


def table(count: int, first: int = 0) -> pl.DataFrame:
    hour = np.arange(first, first + count)
    return pl.DataFrame(
        {
            "day": [(START + timedelta(hours=int(each))).date() for each in hour],
            "hr": hour % 24,
            "y": (np.sin(hour / 24 * 2 * np.pi) * 10 + 100).round(3),
            "temp": hour % 50 / 1.7,
            "holiday": (hour // 24 % 6 == 0).astype(int),
        }
    )


def written(folder: Path, frame: pl.DataFrame, name: str = "series.csv") -> Path:
    frame.write_csv(folder / name)
    return folder / name


def fitted(
    folder: Path, known: tuple[str, ...] = (), frame: pl.DataFrame | None = None, **more: object
) -> SeriesReader:
    file = read_table(written(folder, table(24 * 30) if frame is None else frame))
    sizes = {"window": WINDOW, "horizon": HORIZON, "val": 0.2, "test": 0.2}
    return fit_reader(file, ("day", "hr"), "y", known=known, **{**sizes, **more})  # type: ignore[arg-type]


def answers(reading: Reading) -> list[dict[str, object]]:
    return [{"values": {f"+{step} h": float(step) for step in range(1, HORIZON + 1)}} for _ in range(len(reading.rows))]


def test_the_latest_window_and_the_times_to_forecast(tmp_path):
    reader = fitted(tmp_path)
    later = table(60, first=1000)
    reading = reader.read(written(tmp_path, later, "later.csv"))
    assert reading.inputs["past"].shape == (1, WINDOW, len(reader.channels.past_names))
    assert reading.inputs["known"].shape == (1, HORIZON, len(reader.channels.known_names))
    np.testing.assert_allclose(reading.inputs["past"][0, :, 0], later["y"][-WINDOW:], rtol=1e-6)
    forecast = reader.answered(reading, answers(reading))
    assert forecast.columns == ["time", "forecast"]
    assert forecast["time"].to_list() == [START + timedelta(hours=1060 + step) for step in range(HORIZON)]
    assert forecast["forecast"].to_list() == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]


def test_it_sees_what_training_saw(tmp_path):
    """The window that ends where a training window does, has the same numbers."""
    reader = fitted(tmp_path)
    numbers = reader.channels.numbers(reader.timeline)
    reading = reader.read(written(tmp_path, table(200), "part.csv"))
    torch.testing.assert_close(reading.inputs["past"][0], numbers.past[200 - WINDOW : 200])
    torch.testing.assert_close(reading.inputs["known"][0], numbers.known[200 : 200 + HORIZON])


def test_columns_known_ahead_come_from_rows_without_a_target(tmp_path):
    reader = fitted(tmp_path, known=("holiday",))
    frame = table(100).with_columns(pl.when(pl.int_range(pl.len()) < 94).then("y").otherwise(None).alias("y"))
    reading = reader.read(written(tmp_path, frame, "ahead.csv"))
    assert reading.rows["after"][0] == START + timedelta(hours=93)
    np.testing.assert_allclose(
        reading.inputs["known"][0, :, -1], reader.channels.numbers(reader.timeline).known[94:100, -1]
    )
    with pytest.raises(
        DataError, match="ends 0 steps after the last y, at 2011-01-07 03:00. The forecast needs holiday of 6"
    ):
        reader.read(written(tmp_path, table(100), "none.csv"))


def test_it_comes_back_from_json_and_reads_the_same(tmp_path):
    reader = fitted(tmp_path)
    plain = json.loads(json.dumps(reader.to_json()))
    again = SeriesReader.from_json(plain)
    assert json.loads(json.dumps(again.to_json())) == plain
    assert again.timeline is None
    path = written(tmp_path, table(80), "new.csv")
    one, two = reader.read(path), again.read(path)
    assert all(torch.equal(one.inputs[name], two.inputs[name]) for name in one.inputs)
    assert one.rows.equals(two.rows)
    assert again.facts() == reader.facts()


def test_facts_are_plain_and_name_every_column(tmp_path):
    facts = fitted(tmp_path, known=("holiday",), frame=table(24 * 30).filter(pl.int_range(pl.len()) != 100)).facts()
    json.dumps(facts)
    columns = {column["column"]: column for column in facts["columns"]}
    assert list(columns) == ["day, hr", "y", "temp", "holiday"]
    assert columns["holiday"]["encoding"] == "number, known ahead"
    assert columns["y"]["missing"] == 1
    assert (facts["step"], facts["period"], facts["steps"], facts["filled"]) == ("1 hour", 24, 720, 1)
    assert any("1 of 720 steps have no row" in warning for warning in facts["warnings"])


def test_statistics_season_and_floor(tmp_path):
    reader = fitted(tmp_path)
    train = table(24 * 30)["y"][:432]
    assert reader.mean == pytest.approx(train.mean())
    assert reader.std == pytest.approx(train.std(ddof=0))
    assert (reader.period, reader.floor) == (24, 0.0)
    below = fitted(tmp_path, frame=table(24 * 30).with_columns(pl.col("y") - 100), period=12)
    assert (below.period, below.floor) == (12, None)


def test_columns_that_follow_from_the_time_are_dropped_unless_known(tmp_path):
    frame = table(24 * 30).with_columns(weekday=pl.col("day").dt.weekday())
    reader = fitted(tmp_path, frame=frame)
    why = {column.name: column.why for column in reader.columns}
    assert why["weekday"] == "follows from the weekday, which the time tells; dropped"
    assert "weekday" in fitted(tmp_path, frame=frame, known=("weekday",)).channels.ahead.columns


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (table(40), r"new.csv has 40 steps of 1 hour up to the last y, at 2011-01-04 15:00; the network looks at 48"),
        (table(60).drop("temp"), "temp"),
        (table(60).with_columns(hr=pl.lit("x")), "new.csv, line 2, column 'hr': 'x' is no time of day and no hour"),
        (table(60).with_columns(hr=pl.int_range(pl.len()) % 2), r"new.csv, line 4: the time 2011-01-03 occurs again"),
    ],
)
def test_files_that_do_not_fit(tmp_path, frame, said):
    reader = fitted(tmp_path)
    with pytest.raises(DataError, match=said):
        reader.read(written(tmp_path, frame, "new.csv"))


def test_a_period_that_cannot_be(tmp_path):
    with pytest.raises(DataError, match="The period is 500 steps; it must be 1 to 432"):
        fitted(tmp_path, period=500)


def daily(count: int, first: int = 0) -> pl.DataFrame:
    days = [START + timedelta(days=int(each)) for each in range(first, first + count)]
    return pl.DataFrame({"Datum, Tag": [f"{day:%d.%m.%Y}" for day in days], "y": np.arange(count) % 7 + 0.5})


def test_days_are_forecast_as_dates_and_their_column_is_no_riddle(tmp_path):
    file = read_table(written(tmp_path, daily(200)))
    assert any("may be a date" in note for note in file.notes)
    reader = fit_reader(file, ("Datum", " Tag"), "y", window=WINDOW, horizon=HORIZON, val=0.2, test=0.2)
    assert reader.time == ("Datum, Tag",)
    assert not any("may be a date" in warning for warning in reader.warnings)
    reading = reader.read(written(tmp_path, daily(60), "new.csv"))
    forecast = reader.answered(reading, answers(reading))
    assert forecast["time"].to_list() == [(START + timedelta(days=60 + step)).date() for step in range(HORIZON)]
    assert forecast.write_csv().splitlines()[1] == "2011-03-04,1.0"


def test_leading_zeros_are_told_without_a_tables_flag(tmp_path):
    hours = table(24 * 30).with_columns(pl.col("hr").cast(pl.String).str.zfill(2))
    assert fitted(tmp_path, frame=hours).warnings == fitted(tmp_path).warnings
    told = fitted(tmp_path, frame=table(24 * 30).with_columns(station=pl.lit("007"))).warnings
    assert "Column 'station': numbers with leading zeros are taken as text." in told
