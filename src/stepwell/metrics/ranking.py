"""How well scores put positives before negatives: the ROC and the precision-recall curve, and the areas below them.

Exact curves need all scores sorted, in memory that grows with the rows. Here a score falls into one of 2**20 bins by
the leading 20 bits of its float32 pattern (sign, exponent, 11 bits of mantissa), so that no range has to be known
before. Bins are in the order of the scores and at most 2**-11 of a score wide; float16 and bfloat16 scores have a bin
for every number, so their curves are exact. Give logits where you can: probabilities crowd below 1, and all from
1 - 2**-12 to 1 share a bin.
"""

import math
from typing import ClassVar, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stepwell.core.errors import TaskError
from stepwell.metrics.base import Metric, View
from stepwell.metrics.pairs import paired

_DROPPED = 12  # of the 32 bits
BINS = 1 << (32 - _DROPPED)
# The bins at either end that hold NaN: the last exponent with every leading mantissa but zero, which is infinity's.
_NANS = (1 << (23 - _DROPPED)) - 1
_NEGATIVE_INFINITY = -0x7F800001  # in the order of `_ordered`

Points = NDArray[np.float64]


class RocCurve(NamedTuple):
    """Points of the ROC curve, from (0, 0) at threshold infinity to (1, 1); three float64 arrays of one length."""

    fpr: Points
    tpr: Points
    thresholds: Points


class PrecisionRecallCurve(NamedTuple):
    """Points by rising threshold, and a last one (recall 0, precision 1) without; float64, in scikit-learn's layout."""

    precision: Points
    recall: Points
    thresholds: Points


class Ranking(Metric):
    """`roc_area`, `pr_area` and `average_precision` of scores for targets 0 and 1 of any numeric type.

    `roc_area` is the chance that a positive scores above a negative, ties counting half. Scores in one bin are ties:
    that moves it by at most half the share of positive-negative pairs that fall into one bin, see `roc_area_error`.
    `pr_area` joins the points of the precision-recall curve by straight lines, as book row S16 does, which is a little
    too kind; `average_precision` takes steps, as scikit-learn advises. All are NaN without positives; `roc_area` also
    without negatives (every precision is then 1, and so are the other areas).

    The state is `(2, BINS)` int64, 16 MiB: negatives and positives by bin. The bins at both ends, beyond the
    infinities, are those of NaN: they count NaN scores, and rows with targets other than 0 and 1. A device cannot
    complain of these, so `compute` and the curves do.
    """

    needs: ClassVar[View] = "scores"

    def zero(self, device: torch.device) -> Tensor:
        """`(2, BINS)` zeros."""
        return torch.zeros(2, BINS, dtype=torch.int64, device=device)

    def update(self, state: Tensor, predicted: Tensor, targets: Tensor) -> None:
        """Count a batch of scores, one for each target. Raises `TaskError` where they do not pair up."""
        scores, truth = paired(predicted, targets)
        positive = truth == 1
        cells = torch.add(_bins(scores), positive, alpha=BINS)
        cells = torch.where(positive | (truth == 0), cells, 0)
        state.view(-1).index_add_(0, cells, torch.ones_like(cells, dtype=torch.int64))

    def compute(self, state: Tensor) -> dict[str, float]:
        """The three areas, 0 to 1. Raises `TaskError` for NaN scores, or targets other than 0 and 1."""
        _, negatives, positives = _occupied(state)
        trapezoids, average = _pr_areas(negatives, positives)
        return {"roc_area": _roc_area(negatives, positives), "pr_area": trapezoids, "average_precision": average}


def roc_curve(state: Tensor) -> RocCurve:
    """The ROC curve of a `Ranking` state, one point a bin with rows in it, by falling threshold.

    A threshold is the lowest score of its bin: `score >= threshold` holds for just the rows that the point counts as
    positive. A rate of nothing (no negatives, no positives) is NaN throughout. Raises `TaskError` as `compute` does.
    """
    bins, negatives, positives = _occupied(state)
    fpr, tpr = (np.cumsum(np.append(0, count)) / _or_nan(count) for count in (negatives, positives))
    return RocCurve(fpr, tpr, np.append(np.inf, _lowest(bins)))


def precision_recall_curve(state: Tensor) -> PrecisionRecallCurve:
    """The precision-recall curve of a `Ranking` state, one point a bin with rows in it; thresholds as in `roc_curve`.

    Recall is NaN throughout where there are no positives. Raises `TaskError` as `compute` does.
    """
    bins, negatives, positives = _occupied(state)
    return PrecisionRecallCurve(*_precision_recall(negatives, positives), _lowest(bins.flip(0)))


def roc_area_error(state: Tensor) -> float:
    """The most that binning may have moved `roc_area`: half the share of positive-negative pairs that share a bin.

    True ties, which are no error, are in it too. NaN without positives or negatives.
    """
    _, negatives, positives = _occupied(state)
    return float(np.dot(negatives, positives) / 2 / _or_nan(negatives) / _or_nan(positives))


def _ordered(bits: Tensor) -> Tensor:
    """The bit patterns of floats (int32) as integers in the order of the floats; its own inverse."""
    return bits ^ ((bits >> 31) & 0x7FFFFFFF)


def _bins(scores: Tensor) -> Tensor:
    """The bin of each score, int32 in `[0, BINS)`, higher for higher scores; NaN in the `_NANS` bins at either end."""
    # Adding zero makes -0.0 the 0.0 that it equals, and sets the leading mantissa bit of NaNs that lack it.
    bits = (scores.float() + 0.0).view(torch.int32)
    return (_ordered(bits) >> _DROPPED) + BINS // 2


def _lowest(bins: Tensor) -> Points:
    """The lowest score of each bin. Below minus infinity the patterns are NaN's."""
    keys = ((bins.int() - BINS // 2) << _DROPPED).clamp(min=_NEGATIVE_INFINITY)
    return _ordered(keys).view(torch.float32).double().numpy()


def _occupied(state: Tensor) -> tuple[Tensor, Points, Points]:
    """Bins with rows in them, highest scores first, and how many negatives and positives are in each (float64)."""
    counts = state[:, _NANS:-_NANS]
    unfit = int(state.sum() - counts.sum())
    if unfit:
        raise TaskError(
            f"{unfit} rows cannot be ranked: their scores are NaN, or their targets neither 0 nor 1. NaN scores come "
            "from a model that diverged or from NaN among its inputs; targets of more classes go with Confusion."
        )
    occupied = (counts[0] | counts[1]).nonzero().flip(0).squeeze(1)
    # float64 holds counts up to 2**53 exactly, and products of counts do not overflow it.
    negatives, positives = counts[:, occupied].cpu().double().numpy()
    return occupied.cpu() + _NANS, negatives, positives


def _or_nan(counts: Points) -> float:
    """The sum of counts to divide by; NaN instead of zero."""
    return float(counts.sum()) or math.nan


def _roc_area(negatives: Points, positives: Points) -> float:
    """Pairs in which the positive is above the negative, ties as halves, among all pairs."""
    above = np.cumsum(positives) - positives / 2
    return float(np.dot(negatives, above) / (_or_nan(negatives) * _or_nan(positives)))


def _precision_recall(negatives: Points, positives: Points) -> tuple[Points, Points]:
    """Precision and recall by rising threshold, with the last point (1, 0)."""
    found = np.cumsum(positives)
    precision, recall = found / np.cumsum(negatives + positives), found / _or_nan(positives)
    return np.append(precision[::-1], 1.0), np.append(recall[::-1], 0.0 * _or_nan(positives))


def _pr_areas(negatives: Points, positives: Points) -> tuple[float, float]:
    """The area below the precision-recall curve by trapezoids, and by steps (average precision)."""
    if not positives.any():
        return math.nan, math.nan
    precision, recall = _precision_recall(negatives, positives)
    widths = -np.diff(recall)
    return float(np.sum(widths * (precision[1:] + precision[:-1]) / 2)), float(np.sum(widths * precision[:-1]))
