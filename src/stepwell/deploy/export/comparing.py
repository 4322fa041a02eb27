"""How far an exported file is from the model of the run, and how fast it is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter

import numpy as np

from stepwell.core.errors import ModelError
from stepwell.deploy.calls import Numbers
from stepwell.deploy.export.formats import Run
from stepwell.deploy.export.graph import Subject
from stepwell.tasks.classification import Classification
from stepwell.tasks.side_heads import main_task

BATCHES = (1, 2, 7)
"""The batch sizes at which every row is compared: one, the two that were traced with, and another."""

ROUNDINGS = 100
"""How many roundings of its largest number an output may be off.

A graph adds the same numbers in another order, and each sum is rounded once more. Over all networks of this house at their
initial weights the difference was 19 roundings at most (a generator of nine residual blocks), and in runs of its recipes 4.
Rounding a number to bf16 once makes up to 16,000 of them, a normalisation left out millions.
"""

_TINY = 1e-37  # below which probabilities are rounded to nothing
_SECONDS, _TURNS = 0.5, 200  # that are spent on measuring the time, at most


@dataclass(frozen=True)
class Difference:
    """The largest absolute difference at each batch size, and the `tolerance` that was allowed.

    Of probabilities also the largest difference of their logarithms, `logs`, with its own tolerance: where a model is sure, all
    its probabilities are near 0 or 1, whatever happens to its logits, and only their logarithms show it.
    """

    by_batch: Mapping[int, float]
    tolerance: float
    logs: float = 0.0
    logs_tolerance: float = 0.0

    @property
    def largest(self) -> float:
        """The largest of all sizes."""
        return max(self.by_batch.values())

    @property
    def allowed(self) -> bool:
        """Whether rounding explains it."""
        return self.largest <= self.tolerance and self.logs <= self.logs_tolerance


def difference(subject: Subject, run: Run) -> Difference:
    """Between a file's predictions and those of the run's own model, which gets each batch as the file does.

    Raises `ModelError` where a prediction is not finite or has another shape.
    """
    pairs = {size: _pairs(subject, run, size) for size in BATCHES}
    every = [pair for each in pairs.values() for pair in each]
    by_batch = {size: max(_off(got, want) for got, want in each) for size, each in pairs.items()}
    if not isinstance(main_task(subject.servable.task), Classification):
        return Difference(by_batch, _tolerance([want for _, want in every]))
    logs = [(_logs(got), _logs(want)) for got, want in every]
    return Difference(
        by_batch,
        _tolerance([want for _, want in every]),
        max(_off(got, want) for got, want in logs),
        _tolerance([want for _, want in logs]),
    )


def _pairs(subject: Subject, run: Run, size: int) -> list[tuple[Numbers, Numbers]]:
    """Predictions of the file and of the model for all rows, in batches of one size."""
    pairs = []
    for start, end in _batches(subject.rows, size):
        found, wanted = run(subject.batch(start, end)), subject.expected(start, end)
        for got, (name, want) in zip(found, wanted.items(), strict=True):
            _check(name, got, want)
            pairs.append((got, want))
    return pairs


def _check(name: str, got: Numbers, want: Numbers) -> None:
    if got.shape != want.shape:
        raise ModelError(f"The exported {name} has the shape {got.shape}; the model's has {want.shape}.")
    if not np.isfinite(want).all():
        raise ModelError(
            f"The model's {name} is not finite for some held-out rows, so there is nothing to compare with."
        )


def _batches(rows: int, size: int) -> list[tuple[int, int]]:
    """Where batches of exactly `size` rows begin and end; the last ones overlap, so that each row is in one."""
    return [(min(start, rows - size), min(start, rows - size) + size) for start in range(0, rows, size)]


def _tolerance(outputs: Sequence[Numbers]) -> float:
    """Many roundings of the largest number that the model gives."""
    largest = max(float(np.abs(array).max(initial=0)) for array in outputs)
    return float(ROUNDINGS * max(np.finfo(array.dtype).eps for array in outputs) * largest)


def _off(got: Numbers, want: Numbers) -> float:
    """The largest absolute difference; infinite where a number is none."""
    off = np.abs(got.astype(np.float64) - want).max(initial=0)
    return float(np.nan_to_num(off, nan=np.inf))


def _logs(chances: Numbers) -> Numbers:
    """Logarithms of probabilities; NaN stays."""
    found: Numbers = np.log(np.maximum(chances, np.array(_TINY, chances.dtype)))
    return found


def milliseconds(calls: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """The median time of each call, which take turns, so that what else a machine does meets all of them."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    end = perf_counter() + _SECONDS * len(calls)
    for _ in range(_TURNS):
        for name, call in calls.items():
            start = perf_counter()
            call()
            times[name].append(1000 * (perf_counter() - start))
        if perf_counter() > end:
            break
    return {name: median(each) for name, each in times.items()}
