"""The learning-rate range test: a few steps of a training, at rates that grow until it fails.

Smith, *Cyclical Learning Rates for Training Neural Networks*, 2017, section 3.3; Godoy, chapter 6 (rows S34, S40).
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, count
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from stepwell.core.errors import TrainingError, suggest
from stepwell.data.batch import Batch
from stepwell.training.averages import ewma
from stepwell.training.experiment import Experiment
from stepwell.training.explain import explained
from stepwell.training.suggestion import Suggestion, suggest_rate
from stepwell.training.training import Training
from stepwell.training.trials import Variant
from stepwell.training.untouched import untouched
from stepwell.training.variants import under

Array = npt.NDArray[np.float64]
Spacing = Literal["log", "linear"]
Tell = Callable[[int, float, float], None]
_SETTLED = 0.1  # the share of the steps before which no growth counts: an average of few batches is not yet one
_FAR = 0.5  # of the fall from the first losses to the least


@dataclass(frozen=True, eq=False)
class RangeTest:
    """What a range test saw: `rates`, the `losses` of their batches and these `smoothed`, float64 `(steps made,)`.

    `suggestion` is a learning rate, or None where the losses give no reason for one; `why` says it in a sentence. `diverged`
    is whether it ended before its last step, at a loss that was not finite (NaN here) or had grown too large.
    """

    rates: Array
    losses: Array
    smoothed: Array
    suggestion: float | None
    why: str
    diverged: bool


def range_test(
    experiment: Experiment,
    *,
    start: float = 1e-6,
    end: float = 1.0,
    steps: int = 100,
    spacing: Spacing = "log",
    smoothing: float = 0.8,
    limit: float = 4.0,
    tell: Tell = lambda number, rate, loss: None,
) -> RangeTest:
    """Make `steps` updates of an experiment at rates from `start` to `end`, and see where the loss falls and where it breaks.

    They are the experiment's own steps: its first batches as `fit` shows them, its augmentation, clipping, precision (fp32
    for `auto`) and optimizer; only its scheduler and its hooks rest. Of several parameter groups the largest rate is the one
    that is tested, and the others keep their proportion to it. `smoothing` is the weight of a neighbour in the average of the
    losses (0: none). It ends early where a loss is NaN or infinite, and where their average has grown beyond what it began
    with and `limit` times the least one. Model, optimizer and generators are given back as they were, also after an error, so
    that a second test gives the same numbers, bit by bit. `tell` is called after each step with its number from 1, its rate
    and its loss.

    Raises `TrainingError` for settings that cannot work, and what `fit` raises for data, model and task that do not fit.
    """
    rates = rates_between(start, end, steps, spacing)
    if not 0 <= smoothing < 1:
        raise TrainingError(f"smoothing is {smoothing:g}; it is the weight of the past losses, in [0, 1).")
    if not limit > 1:
        raise TrainingError(f"limit is {limit:g}; a loss that is no multiple of the least one above 1 has not grown.")
    losses, diverged = _losses(experiment, rates, _Growth(smoothing, limit, settled=int(_SETTLED * steps)), tell)
    found = np.asarray(losses, dtype=np.float64)
    made = rates[: len(found)]
    smoothed = smooth(found, smoothing)
    chosen: Suggestion = suggest_rate(made, found, smoothed, diverged=diverged)
    return RangeTest(made, found, smoothed, chosen.rate, chosen.why, diverged)


def rates_between(start: float, end: float, steps: int, spacing: Spacing = "log") -> Array:
    """`steps` rates from `start` to `end`, both of them in it: each the same multiple of the last, or the same step away.

    Raises `TrainingError` where they are none. Godoy's `make_lr_fn` (row S34).
    """
    if spacing not in ("log", "linear"):
        raise TrainingError(
            f"Rates are spaced log or linear, not {spacing!r}.{suggest(str(spacing), ('log', 'linear'))}"
        )
    if not 0 < start < end or not math.isfinite(end):
        raise TrainingError(f"The rates grow from {start:g} to {end:g}; give 0 < start < end.")
    if steps < 2:
        raise TrainingError(f"A range test of {steps} steps has no range; give 2 or more. 100 are usual.")
    part = np.arange(steps) / (steps - 1)
    return start * (end / start) ** part if spacing == "log" else start + (end - start) * part


def smooth(losses: Array, smoothing: float) -> Array:
    """The losses' average, weighted by distance on both sides, so that it lags to neither.

    Those far above the beginning count as if they were less far, so that a loss that breaks does not bend what comes before
    it. NaN and infinite ones stay out.
    """
    finite = np.isfinite(losses)
    averaged = np.full_like(losses, np.nan)
    if finite.any():
        known = losses[finite]
        begin = float(np.median(known[: max(1, len(known) // 10)]))
        most = max(begin + _FAR * (begin - known.min()), known[: int(known.argmin()) + 1].max())
        values = torch.from_numpy(np.minimum(known, most))
        averaged[finite] = (_both_ways(values, smoothing) / _both_ways(torch.ones_like(values), smoothing)).numpy()
    return averaged


def _both_ways(values: Tensor, smoothing: float) -> Tensor:
    """The sums of all values, each weighted by `smoothing` to the power of its distance, times one less `smoothing`."""
    both = ewma(values, smoothing) + ewma(values.flip(0), smoothing).flip(0)
    return both - (1 - smoothing) * values


def _losses(experiment: Experiment, rates: Array, grown: "_Growth", tell: Tell) -> tuple[list[float], bool]:
    """The losses of as many steps as could be made, and whether the last of them had diverged."""
    losses: list[float] = []
    with untouched(experiment.model, experiment.made_optimizer, experiment.data.train):
        plain = under(experiment, Variant())
        training = Training(replace(plain, scheduler=None, scheduler_steps=None))
        shares = _shares(training)
        training.model.train()
        for number, (rate, batch) in enumerate(zip(rates, _endless(training), strict=False), 1):
            _set_rates(training, float(rate), shares)
            losses.append(_step(training, batch, number))
            tell(number, float(rate), losses[-1])
            if grown.too_far(losses[-1]):
                return losses, True
    return losses, False


def _endless(training: Training) -> Iterator[Batch]:
    """Epoch after epoch, as `fit` shows them."""

    def epoch(number: int) -> Iterator[Batch]:
        training.epochs = number
        return training.train_batches.epoch(number)

    return chain.from_iterable(map(epoch, count()))


def _step(training: Training, batch: Batch, number: int) -> float:
    with (
        torch.enable_grad(),
        explained(training.model, lambda: training.batch.inputs if training.batch else None),
    ):
        return float(training.train_step(training.receive(batch, train=True), number).loss)


def _shares(training: Training) -> list[float]:
    """Each parameter group's rate as a part of the largest."""
    largest = max(training.rates)
    return [rate / largest if largest else 1.0 for rate in training.rates]


def _set_rates(training: Training, rate: float, shares: list[float]) -> None:
    for group, share in zip(training.optimizer.param_groups, shares, strict=True):
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate * share)
        else:
            group["lr"] = rate * share


class _Growth:
    """Tells whether losses, as they come, have grown too far: beyond the first and beyond a multiple of the least."""

    def __init__(self, smoothing: float, limit: float, settled: int) -> None:
        self.smoothing, self.limit, self.settled = smoothing, limit, settled
        self.seen = 0
        self.sum = self.first = 0.0
        self.least = math.inf

    def too_far(self, loss: float) -> bool:
        """Whether the loss is not finite, or takes the average too far."""
        if not math.isfinite(loss):
            return True
        self.seen += 1
        self.sum = self.smoothing * self.sum + (1 - self.smoothing) * loss
        average = self.sum / (1 - self.smoothing**self.seen)
        if self.seen <= max(self.settled, 1):
            self.first = average
            return False
        self.least = min(self.least, self.first, average)
        return average > max(self.first, self.least + (self.limit - 1) * abs(self.least))
