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

_GRID, _BINS, _MOST_POINTS = 101, 10, 400

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, kw_only=True, eq=False)
class RankingCounts:
    """How many rows two classes call positive, rightly and wrongly, at each threshold.

    A row is positive where its probability is at least the threshold; `thresholds` rise from 0 to 1, `(t,)`, and
    `true_positives` and `false_positives` are int64 of that length. Among them is `threshold`, the task's own. `curve`
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
        own = [task.threshold] if isinstance(task, Binary) else []
        grid = torch.linspace(0, 1, _GRID, dtype=torch.float64)
        # As float32, in which the task compares probabilities with its threshold, so that both count the same rows.
        self.thresholds = torch.unique(torch.cat((grid, torch.tensor(own, dtype=torch.float64))).float()).to(device)
        self.edges = torch.linspace(0, 1, _BINS + 1, dtype=torch.float64, device=device)[1:-1]
        self.passed = torch.zeros(2, len(self.thresholds) + 1, dtype=torch.int64, device=device)
        self.bins = torch.zeros(3, _BINS, dtype=torch.float64, device=device)  # rows, sum of probabilities, right ones

    def add(self, outputs: Tree, targets: Tensor) -> None:
        """Add a batch's outputs and targets."""
        if not isinstance(self.task, Classification):
            return
        probabilities = self.task.predict(outputs)
        if isinstance(self.task, Binary):
            sure, right = probabilities.reshape(-1), targets.reshape(-1) == 1
            # How many thresholds each row passes: thresholds[n - 1] <= p < thresholds[n].
            passed = torch.bucketize(sure.float(), self.thresholds, right=True)
            self.passed += _counted(passed, right, self.passed.shape[1])
        else:
            best = probabilities.float().max(1)
            sure, right = best.values.reshape(-1), (best.indices == targets).reshape(-1)
        self._calibrate(sure.double(), right)

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
        if not isinstance(self.task, Binary) or state is None or not self.passed.any():
            return None
        negatives, positives = self.passed.flip(1).cumsum(1).flip(1).cpu().numpy()
        found = {"true_positives": positives[1:], "false_positives": negatives[1:]}
        whole = (int(negatives[0]), int(positives[0]))
        return RankingCounts(
            thresholds=self.thresholds.cpu().double().numpy().round(6),
            negatives=whole[0],
            positives=whole[1],
            threshold=self.task.threshold,
            curve=_thinned(state, *whole),
            **found,
        )


def _counted(cells: Tensor, positive: Tensor, width: int) -> Tensor:
    """How many negatives and positives fall into each cell, `(2, width)`."""
    return torch.bincount(cells + width * positive, minlength=2 * width).view(2, width)


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
