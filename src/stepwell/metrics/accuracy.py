"""The share of labels that are right."""

import math
from typing import ClassVar

import torch
from torch import Tensor

from stepwell.metrics.base import Metric, View
from stepwell.metrics.pairs import paired


class Accuracy(Metric):
    """`accuracy`: the share, 0 to 1, of predicted labels that equal their targets; NaN of no rows.

    The state is `(2,)` int64: right labels, and labels. Targets may be of any numeric type; one that is no whole number
    equals no label, and counts as missed. Several labels a row, `(batch, length)`, are all counted. On imbalanced
    classes it flatters (book row S16: always "negative" scores 99 % on 990 negatives of 1,000); see `Confusion`.
    """

    needs: ClassVar[View] = "labels"

    def zero(self, device: torch.device) -> Tensor:
        """`(2,)` zeros."""
        return torch.zeros(2, dtype=torch.int64, device=device)

    def update(self, state: Tensor, predicted: Tensor, targets: Tensor) -> None:
        """Count a batch. Raises `TaskError` where predictions and targets do not pair up."""
        labels, truth = paired(predicted, targets)
        state[0].add_((labels == truth).sum())
        state[1].add_(truth.numel())

    def compute(self, state: Tensor) -> dict[str, float]:
        """`{"accuracy": share}`."""
        right, rows = state.tolist()
        return {"accuracy": right / rows if rows else math.nan}
