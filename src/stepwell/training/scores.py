"""What a classifier's probabilities are worth, over all rows of an evaluation and in memory that does not grow with them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from stepwell.core.trees import Tree
from stepwell.metrics.ranking import roc_curve
from stepwell.tasks import Binary
from stepwell.tasks.base import Task
from stepwell.tasks.classification import Classification

_BINS, _MOST_POINTS = 10, 400
_STEPS = 99
"""So many thresholds between 0 and 1."""

_DROPPED = 12
"""Of the 32 bits of a probability, those that do not tell its cell."""

_LAST = 0x3F800000 >> _DROPPED
"""The cell of probability 1. Patterns of floats from 0 to 1 are in the order of the floats."""

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, kw_only=True, eq=False)
class RankingCounts:
    """How many rows two classes call positive, rightly and wrongly, at each threshold.

    A row is positive where its probability is at least the threshold; `thresholds` rise from 0 to 1, `(t,)`, and
    `true_positives` and `false_positives` are int64 of that length. Among them is `threshold`, the task's own. The others,
    at most 99 and both ends, are quantiles of the probabilities in which both classes weigh alike, so that they lie close
    where rows of a rare class are; they are exact in float32, and a threshold is 1/2048 of itself below a probability at
    most. `curve`
    `(points, 2)` are false and true positives (float64) at falling thresholds, at most 400 of all that the scores have,
    from none to all.
    """

    thresholds: Array
    true_positives: Array
    false_positives: Array
    positives: int
    negatives: int
    threshold: float
    curve: Array


@dataclass(frozen=True, kw_only=True, eq=False)
class CalibrationBins:
    """Rows by their probability, in ten bins of equal width of which the empty are left out: the mean probability
    (`predicted`), the share that was right (`observed`), both float64, and the number of `rows`, int64.

    The probability is that of class 1 of two classes, else that of the most probable class. `error` is the expected
    calibration error (Guo and others, *On calibration of modern neural networks*, 2017).
    """

    predicted: Array
    observed: Array
    rows: Array

    @property
    def error(self) -> float:
        """The mean over rows of how far predicted and observed are apart."""
        return float(np.average(np.abs(self.predicted - self.observed), weights=self.rows))


class Scores:
    """Adds up what `RankingCounts` and `CalibrationBins` need, batch by batch; nothing for tasks without classes."""

    def __init__(self, task: Task, device: torch.device) -> None:
        self.task = task
        two = isinstance(task, Binary)
        self.cells = torch.zeros(2, (_LAST + 1) * two, dtype=torch.int64, device=device)  # negatives and positives
        self.passed = torch.zeros(2, dtype=torch.int64, device=device)  # those of them that pass the task's threshold
        self.edges = torch.linspace(0, 1, _BINS + 1, dtype=torch.float64, device=device)[1:-1]
        self.bins = torch.zeros(3, _BINS, dtype=torch.float64, device=device)  # rows, sum of probabilities, right ones

    def add(self, outputs: Tree, targets: Tensor) -> None:
        """Add a batch's outputs and targets."""
        if not isinstance(self.task, Classification):
            return
        probabilities = self.task.predict(outputs)
        if isinstance(self.task, Binary):
            sure, right = probabilities.reshape(-1), targets.reshape(-1) == 1
            self._count(sure.float(), right, self.task.threshold)
        else:
            best = probabilities.float().max(1)
            sure, right = best.values.reshape(-1), (best.indices == targets).reshape(-1)
        self._calibrate(sure.double(), right)

    def _count(self, sure: Tensor, right: Tensor, threshold: float) -> None:
        cells = ((sure + 0.0).view(torch.int32) >> _DROPPED).clamp(0, _LAST).long() + right * (_LAST + 1)
        self.cells.view(-1).index_add_(0, cells, torch.ones_like(cells))
        # In float32, in which the task compares probabilities with its threshold, so that both count the same rows.
        passed = sure >= torch.tensor(threshold, dtype=torch.float32)
        self.passed += torch.stack(((passed & ~right).sum(), (passed & right).sum()))

    def _calibrate(self, sure: Tensor, right: Tensor) -> None:
        which = torch.bucketize(sure, self.edges)
        self.bins.index_add_(1, which, torch.stack((torch.ones_like(sure), sure, right.double())))

    def calibration(self) -> CalibrationBins | None:
        """The bins that have rows; None without any."""
        rows, predicted, observed = self.bins.cpu().numpy()
        held = rows > 0
        if not held.any():
            return None
        return CalibrationBins(
            predicted=predicted[held] / rows[held],
            observed=observed[held] / rows[held],
            rows=rows[held].astype(np.int64),
        )

    def ranking(self, state: Tensor | None) -> RankingCounts | None:
        """The counts of two classes. `state` is that of the metric `Ranking` over the same rows; None without rows."""
        if not isinstance(self.task, Binary) or state is None or not self.cells.any():
            return None
        cells = self.cells.cpu().numpy()
        thresholds, counts = _with(self.task.threshold, self.passed.cpu().numpy(), *_chosen(cells))
        negatives, positives = (int(each) for each in cells.sum(1))
        return RankingCounts(
            thresholds=thresholds,
            true_positives=counts[1],
            false_positives=counts[0],
            negatives=negatives,
            positives=positives,
            threshold=self.task.threshold,
            curve=_thinned(state, negatives, positives),
        )


def _chosen(cells: Array) -> tuple[Array, Array]:
    """Thresholds, the least probabilities of cells, and how many negatives and positives pass each, `(2, t)`."""
    held = np.flatnonzero(cells.any(0))
    shares = cells[:, held] / np.maximum(cells.sum(1, keepdims=True), 1)
    along = np.cumsum(shares.sum(0))
    places = np.searchsorted(along, np.linspace(0, along[-1], _STEPS)).clip(max=len(held) - 1)
    kept = np.union1d(held[places], [0, _LAST])
    thresholds = (kept << _DROPPED).astype(np.int32).view(np.float32).astype(np.float64)
    return thresholds, np.flip(np.flip(cells, 1).cumsum(1), 1)[:, kept]


def _with(threshold: float, passed: Array, thresholds: Array, counts: Array) -> tuple[Array, Array]:
    """The thresholds and their counts with one more at its place, unless it is there already."""
    own = float(np.float32(threshold))
    at = int(np.searchsorted(thresholds, own))
    if at < len(thresholds) and thresholds[at] == own:
        return thresholds, counts
    return np.insert(thresholds, at, own), np.insert(counts, at, passed, axis=1)


def _thinned(state: Tensor, negatives: int, positives: int) -> Array:
    """Points of the ROC curve in rows, spread evenly along it where there are very many."""
    curve = roc_curve(state)
    points = np.nan_to_num(np.stack((curve.fpr * negatives, curve.tpr * positives), axis=1))
    if len(points) <= _MOST_POINTS:
        return points
    shares = points / np.maximum((negatives, positives), 1)
    along = np.cumsum(np.abs(np.diff(shares, axis=0, prepend=0)).sum(1))
    even = np.searchsorted(along, np.linspace(0, along[-1], _MOST_POINTS - 2))
    kept = np.unique(np.concatenate(([0], np.minimum(even, len(points) - 1), [len(points) - 1])))
    thinned: Array = points[kept]
    return thinned
