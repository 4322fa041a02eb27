import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from stepwell import evaluate, fit
from stepwell.core.errors import DataError
from stepwell.data.checks import CHECK_KEY
from stepwell.data.reader import Reader
from stepwell.data.series.reader import SeriesReader
from stepwell.insight.outputs import outputs_of
from stepwell.insight.scores import scores_of
from stepwell.recipes.series import model_of, series
from stepwell.recipes.series_report import baselines, insight
from stepwell.training.experiment import Experiment

SIZES = {"window": 48, "horizon": 12, "epochs": 6, "hidden": 16, "val": 0.2, "test": 0.2, "learning_rate": 5e-3}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty days of hours with a daily wave whose height changes slowly, an event that is known ahead, and a gap."""
    hour = np.arange(24 * 60)
    random = np.random.default_rng(0)
    noise, event = random.normal(size=len(hour)), np.repeat(random.integers(0, 2, 60), 24)
    y = 50 + (10 + 5 * np.sin(hour / 200)) * np.sin(hour / 24 * 2 * np.pi) + 15 * event + noise
    frame = pl.DataFrame(
        {"t": np.datetime64("2011-01-01T00", "us") + hour * np.timedelta64(1, "h"), "y": y, "event": event}
    )
    file = tmp_path_factory.mktemp("series") / "hours.csv"
    frame.filter(~pl.int_range(pl.len()).is_in(list(range(1290, 1293)))).write_csv(
        file, datetime_format="%Y-%m-%d %H:%M"
    )
    return file


@pytest.fixture(scope="module")
def trained(path: Path) -> Experiment:
    experiment = series(path, time=("t",), target="y", known=("event",), **SIZES)  # type: ignore[arg-type]
    fit(experiment)
    return experiment


def test_it_beats_every_simple_forecast_that_learns_nothing(trained):
    ours = evaluate(trained, "test").metrics["mae"]
    found = {one["name"]: one for one in baselines(trained, "test")}
    assert list(found) == ["last value", "seasonal naive", "linear model", "gradient boosting"]
    assert all(set(one) == {"name", "what", "metrics", "seconds"} for one in found.values())
    assert ours < 0.8 * found["seasonal naive"]["metrics"]["mae"]
    assert ours < 0.5 * found["last value"]["metrics"]["mae"]
    json.dumps(list(found.values()))


def test_baselines_are_scored_on_the_rows_of_the_evaluation(trained):
    """The seasonal naive's errors, from the batches that the network is evaluated on."""
    reader = trained.reader
    assert isinstance(reader, SeriesReader)
    batch = trained.data.test.batch(torch.arange(len(trained.data.test)), CHECK_KEY)
    assert reader.period == 24
    expected = scores_of(trained.task, batch.inputs["past"][:, -24:-12, 0], batch.targets)
    found = next(one for one in baselines(trained, "test") if one["name"] == "seasonal naive")
    assert found["metrics"] == pytest.approx(expected, rel=1e-5)


def test_the_forecast_that_is_shown_is_the_models(trained):
    shown = insight(trained, "test")["forecast"]
    json.dumps(shown)
    assert {len(shown[name]) for name in ("times", "truth", "predicted", "naive", "low", "high")} == {
        len(shown["times"])
    }
    assert shown["times"][-1] == "2011-03-01T11:00:00"
    source = trained.data.test.source
    outputs = outputs_of(trained.model, source.batch(torch.tensor([len(source) - 1 - 12]), CHECK_KEY).inputs)
    assert shown["predicted"][-12:] == pytest.approx(outputs.flatten().tolist(), rel=1e-5)
    gaps = [time for time, truth in zip(shown["times"], shown["truth"], strict=True) if truth is None]
    assert gaps == ["2011-02-23T18:00:00", "2011-02-23T19:00:00", "2011-02-23T20:00:00"]


def test_the_model_is_made_again_from_the_readers_json_and_the_parameters(trained):
    assert isinstance(trained.reader, SeriesReader)
    reader = SeriesReader.from_json(json.loads(json.dumps(trained.reader.to_json())))
    parameters = {"hidden": 16, "blocks": 2, "pooled": 4, "dropout": 0.1, "loss": "l1", "seed": 42}
    model, task = model_of(reader, parameters)
    model.load_state_dict(trained.model.state_dict())
    inputs = trained.data.test.batch(torch.arange(3), CHECK_KEY).inputs
    assert torch.equal(outputs_of(model, inputs), outputs_of(trained.model, inputs))
    assert task == trained.task
    assert task.names[:2] == ("+1 h", "+2 h")


def test_windows_that_touch_made_up_values_are_not_scored(trained):
    test = trained.data.test
    touched = set(range(1290 - 48 - 11, 1293 - 48))
    assert not touched & set(test.rows.tolist())
    assert 1293 - 48 in test.rows.tolist()
    assert isinstance(trained.reader, Reader)


def test_a_series_that_is_too_short_is_refused(path):
    with pytest.raises(DataError, match="The side val has 144 steps; a window of 168 and its horizon of 24 take 192"):
        series(path, time=("t",), target="y")


def test_without_a_validation_or_a_season(tmp_path):
    values = np.random.default_rng(0).normal(size=120).cumsum()
    pl.DataFrame({"year": range(1880, 2000), "y": values}).write_csv(tmp_path / "years.csv")
    sizes = {"window": 8, "horizon": 2, "val": 0.0, "test": 0.2, "epochs": 1}
    made = series(tmp_path / "years.csv", time=("year",), target="y", **sizes)  # type: ignore[arg-type]
    fit(made)
    assert [one["name"] for one in baselines(made, "test")] == ["last value", "linear model", "gradient boosting"]
    shown = insight(made, "test")["forecast"]
    assert "low" not in shown
    assert "naive" not in shown
    assert insight(made, "train")["forecast"]["times"][-1] < shown["times"][0]
