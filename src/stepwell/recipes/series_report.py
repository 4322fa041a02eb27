"""What simple forecasts reach on the same windows of a series, and the network's forecast beside what came true."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from stepwell.data.arrays import Subset
from stepwell.data.checks import CHECK_KEY
from stepwell.data.series.lags import targets_of
from stepwell.data.series.naive import naive, seasonal_naive
from stepwell.data.series.reader import SeriesReader
from stepwell.data.series.rivals import boosted, linear, thinned
from stepwell.data.series.windows import Windows
from stepwell.insight.outputs import outputs_of
from stepwell.insight.scores import scores_of
from stepwell.training.experiment import Experiment

Array = np.ndarray[Any, Any]
Rows = np.ndarray[Any, np.dtype[np.int64]]

_SEASONS, _HORIZONS, _MOST_STEPS = 14, 10, 1500  # drawn: a fortnight where a day is a season
_BAND_WINDOWS = 2048
_BAND = (0.1, 0.9)


def baselines(experiment: Experiment, side: str) -> list[dict[str, Any]]:
    """Simple forecasts of a side's windows, as `{"name", "what", "metrics", "seconds"}`: the last value, the value a season
    ago, a linear model of the window, and gradient boosting on lags; the last two fitted to the training windows.
    """
    source, rows = _windows(experiment, side)
    targets = torch.from_numpy(targets_of(source, rows))
    found = []
    for name, what, forecast in _methods(experiment, source, rows):
        begun = time.perf_counter()
        outputs = torch.as_tensor(forecast(), dtype=torch.float32)
        metrics = scores_of(experiment.task, outputs, targets)
        seconds = round(time.perf_counter() - begun, 2)
        found.append({"name": name, "what": what, "metrics": metrics, "seconds": seconds})
    return found


def _windows(experiment: Experiment, side: str) -> tuple[Windows, Rows]:
    """The windows of a series and the numbers of a side's."""
    subset = getattr(experiment.data, side)
    assert isinstance(subset, Subset)
    assert isinstance(subset.source, Windows)
    return subset.source, subset.rows.numpy()


def _reader(experiment: Experiment) -> SeriesReader:
    assert isinstance(experiment.reader, SeriesReader)
    return experiment.reader


def _methods(experiment: Experiment, source: Windows, rows: Rows) -> list[tuple[str, str, Callable[[], Array]]]:
    reader, train = _reader(experiment), _windows(experiment, "train")[1]
    values, first = source.past[:, 0].numpy(), rows + source.window
    period = reader.period if reader.period <= int(first.min()) else 1
    before = reader.step.times_longer(period)
    seasonal = (
        "seasonal naive",
        f"the value of the same time {before} before",
        lambda: seasonal_naive(values, first, source.horizon, period),
    )
    return [
        ("last value", "the last known value, for every step ahead", lambda: naive(values, first, source.horizon)),
        *([seasonal] if period > 1 else []),
        (
            "linear model",
            "scikit-learn's Ridge on the window and what is known ahead",
            lambda: linear(source, train, rows),
        ),
        (
            "gradient boosting",
            "scikit-learn's HistGradientBoosting on values of the same time before, the last values and what is known ahead",
            lambda: boosted(source, train, rows, reader.step.seasons),
        ),
    ]


def insight(experiment: Experiment, side: str) -> dict[str, Any]:
    """`forecast`: the end of a side, forecast from every so-manieth step, beside the truth and the seasonal naive forecast.

    Of rows that were held out, the band is where eight of ten errors on the validation side lay, step by step. Made-up
    values are None in the truth.
    """
    reader, (source, rows) = _reader(experiment), _windows(experiment, side)
    assert reader.timeline is not None
    starts = _starts(reader, source, rows)
    steps = (starts[:, None] + source.window + np.arange(source.horizon)).reshape(-1)
    predicted = _predict(experiment, source, starts)
    truth = np.where(reader.timeline.filled[steps], np.nan, source.past[:, 0].numpy()[steps])
    period = reader.period if reader.period <= int(starts.min()) + source.window else 1
    before = seasonal_naive(source.past[:, 0].numpy(), starts + source.window, source.horizon, period)
    times = [str(moment) for moment in reader.timeline.times[steps].astype("datetime64[s]")]
    shown = {"times": times, "name": reader.target, "truth": _plain(truth), "predicted": _plain(predicted)}
    if period > 1:
        shown["naive"] = _plain(before)
    return {"forecast": {**shown, **_band(experiment, side, predicted)}}


def _starts(reader: SeriesReader, source: Windows, rows: Rows) -> Rows:
    """Windows whose horizons follow on each other up to the end of a side, from a midnight where one is near."""
    assert reader.timeline is not None
    seasons = reader.step.seasons
    steps = min(_SEASONS * seasons[0] if seasons else _HORIZONS * source.horizon, _MOST_STEPS)
    begins = reader.timeline.times[rows + source.window]
    midnight = begins == begins.astype("datetime64[D]")
    last = int(rows[midnight][-1] if midnight.any() else rows[-1])
    found = np.arange(last, int(rows[0]) - 1, -source.horizon)[: max(1, steps // source.horizon)]
    return found[::-1].copy()


def _predict(experiment: Experiment, source: Windows, rows: Rows) -> Array:
    batches = (source.batch(part, CHECK_KEY).inputs for part in torch.from_numpy(rows).split(512))  # type: ignore[no-untyped-call]
    return np.concatenate([outputs_of(experiment.model, inputs).numpy() for inputs in batches])


def _band(experiment: Experiment, side: str, predicted: Array) -> dict[str, list[float | None]]:
    if side != "test" or experiment.data.val is None:
        return {}
    source, rows = _windows(experiment, "val")
    rows = thinned(rows, _BAND_WINDOWS)
    low, high = np.quantile(targets_of(source, rows) - _predict(experiment, source, rows), _BAND, axis=0)
    floor = _reader(experiment).floor
    low = predicted + low if floor is None else np.maximum(predicted + low, floor)
    return {"low": _plain(low), "high": _plain(predicted + high)}


def _plain(values: Array) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in values.reshape(-1)]
