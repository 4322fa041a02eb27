"""What a streaming metric is: a tensor of fixed size that batches are added to, and numbers computed from it."""

from abc import ABC, abstractmethod
from typing import ClassVar, Literal

import torch
from torch import Tensor

View = Literal["labels", "scores", "values"]


class Metric(ABC):
    """A number, or some, about all rows of an evaluation, in memory that does not grow with the rows.

    A metric object holds settings only. Its numbers live in a state tensor that `zero` makes, `update` adds a batch to
    (in place, without leaving the device), and `compute` reads. Counts are int64 and sums float64, so that splitting
    the rows into other batches changes no count and no sum beyond rounding.
    """

    needs: ClassVar[View]
    """What of the outputs `update` is given: predicted `labels` (int64, one a row), `scores` of the positive class (any
    real number, one a row, larger is more positive), or predicted `values` (shaped as the targets)."""

    @abstractmethod
    def zero(self, device: torch.device) -> Tensor:
        """The state of no rows."""

    @abstractmethod
    def update(self, state: Tensor, predicted: Tensor, targets: Tensor) -> None:
        """Add a batch to the state in place."""

    @abstractmethod
    def compute(self, state: Tensor) -> dict[str, float]:
        """The metric's numbers by name. A number that the rows do not define (no rows, no positives) is NaN."""

    def merge(self, states: Tensor) -> Tensor:
        """One state out of several of disjoint rows, stacked along the first dimension."""
        return states.sum(0)
