"""The lines of `history.jsonl` as series of numbers."""

import math
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any, NamedTuple

import numpy as np

from stepwell.plots.style import Array
from stepwell.reports.text import part

Line = Mapping[str, Any]
SIDES = {"train": "train", "val": "validation"}
_BEFORE_LOSS = ("rmse", "mae", "accuracy", "f1", "r2")
_SMALL_IS_GOOD = ("loss", "mae", "mse", "rmse", "error", "perplexity")


class Best(NamedTuple):
    """The best epoch by the watched number."""

    name: str
    side: str
    epoch: int
    value: float


def as_number(value: object) -> float:
    """A finite or infinite number as it is; what is no number (null, text) as NaN."""
    return float(value) if isinstance(value, Real) and not isinstance(value, bool) else math.nan


def epochs(history: Sequence[Line]) -> list[int]:
    """The number of each epoch; its place in the history where the line does not say."""
    numbers = [as_number(line.get("epoch")) for line in history]
    return [int(number) if math.isfinite(number) else index + 1 for index, number in enumerate(numbers)]


def series(history: Sequence[Line], side: str, name: str) -> Array:
    """One number of `train` or `val` over the epochs; NaN where it was not measured."""
    return np.array([as_number(part(line, side).get(name)) for line in history], dtype=np.float64)


def names(history: Sequence[Line]) -> list[str]:
    """The numbers that the history holds, in the order in which they first come, `loss` first."""
    found = {name: None for line in history for side in SIDES for name in part(line, side)}
    return sorted((str(name) for name in found), key=lambda name: name != "loss")


def watched(facts: Line) -> tuple[str, str]:
    """What epochs are compared by, and whether `min` or `max` is good. `watch` is a name, or a name and a direction."""
    watch = part(facts, "task").get("watch") or "loss"
    name, way = (watch, "") if isinstance(watch, str) else (str(watch[0]), str(watch[-1]))
    return name, way if way in ("min", "max") else direction(name)


def readable(facts: Line, metrics: Mapping[str, Any]) -> str | None:
    """The watched metric among `metrics`; in place of a loss, one that people can read. None without any that is finite.

    In place of an accuracy, too, it is the ROC area, where there is one: with a rare class, nearly every row is right
    whatever the model says.
    """
    name, _ = watched(facts)
    ranks = ["roc_area"] if name in ("loss", "accuracy") else []
    wished = [*ranks, *([] if name == "loss" else [name]), *_BEFORE_LOSS, "loss"]
    return next((each for each in wished if math.isfinite(as_number(metrics.get(each)))), None)


def direction(name: str) -> str:
    """`min` for a metric whose name says that it is an error, else `max`."""
    return "min" if name.split("_")[-1] in _SMALL_IS_GOOD else "max"


def best(history: Sequence[Line], facts: Line) -> Best | None:
    """The best epoch by the watched number of the validation rows, else of the training rows, else by the loss."""
    for name, direction in (watched(facts), ("loss", "min")):
        for side in ("val", "train"):
            values = series(history, side, name)
            if np.isfinite(values).any():
                signed = np.where(np.isfinite(values), values if direction == "min" else -values, np.inf)
                index = int(signed.argmin())
                return Best(name, side, epochs(history)[index], float(values[index]))
    return None
