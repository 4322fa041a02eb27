"""The confusion matrix, and the rates that are read from it.

A matrix is `(classes, classes)`, any integer type, in scikit-learn's layout: row = true class, column = predicted
class, `[[TN, FP], [FN, TP]]` for two. A rate of nothing (the precision of a class that was never predicted) is NaN,
never a silent 0: the rows do not answer the question.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from stepwell.core.errors import TaskError
from stepwell.metrics.base import Metric, View
from stepwell.metrics.pairs import paired


@dataclass(frozen=True)
class Confusion(Metric):
    """`precision`, `recall` and `f1`: of class 1 where there are two classes, else the means over classes (macro).

    The means are over the classes that are there or were predicted, and an undefined rate counts as 0 in all three, as in
    scikit-learn with `zero_division=0`; so a class that is never predicted costs precision, as it costs F1. The state is
    `(classes + 1, classes + 1)` int64: the matrix, and a last row and column for labels outside `0..classes-1`, which a
    device can count but not complain of; `matrix` and `compute` do. Several labels a row are all counted.
    """

    classes: int
    needs: ClassVar[View] = "labels"

    def __post_init__(self) -> None:
        if self.classes < 2:
            raise TaskError(f"A confusion matrix needs two classes or more, not {self.classes}. Yes or no are two.")

    def zero(self, device: torch.device) -> Tensor:
        """`(classes + 1, classes + 1)` zeros."""
        return torch.zeros(self.classes + 1, self.classes + 1, dtype=torch.int64, device=device)

    def update(self, state: Tensor, predicted: Tensor, targets: Tensor) -> None:
        """Count a batch. Raises `TaskError` where predictions and targets do not pair up."""
        labels, truth = paired(predicted, targets)
        cells = self._place(truth) * (self.classes + 1) + self._place(labels)
        # Not bincount, which waits for the device to learn the largest number.
        state.view(-1).index_add_(0, cells, torch.ones_like(cells))

    def compute(self, state: Tensor) -> dict[str, float]:
        """`{"precision", "recall", "f1"}`, 0 to 1. Raises `TaskError` where labels were no class."""
        matrix = self.matrix(state).cpu()
        rates = {"precision": precision(matrix), "recall": recall(matrix), "f1": f_beta(matrix, 1)}
        if self.classes == 2:
            return {name: float(rate[1]) for name, rate in rates.items()}
        known = matrix.sum(0) + matrix.sum(1) > 0
        return {name: float(rate[known].nan_to_num(0.0).mean()) for name, rate in rates.items()}

    def matrix(self, state: Tensor) -> Tensor:
        """The `(classes, classes)` matrix of a state. Raises `TaskError` where labels were no class."""
        truth, labels = int(state[-1].sum()), int(state[:, -1].sum())
        if truth or labels:
            raise TaskError(
                f"{truth} targets and {labels} predictions are no whole number from 0 to {self.classes - 1}, the "
                f"classes of Confusion({self.classes}). Give it more classes, or map the labels to these numbers."
            )
        return state[:-1, :-1]

    def _place(self, labels: Tensor) -> Tensor:
        """The row or column of each label, the last one for what is no class (too large, negative, fractional, NaN)."""
        whole = labels.long()
        if labels.is_floating_point():
            whole = torch.where(whole == labels, whole, -1)
        return whole.clamp(-1, self.classes) % (self.classes + 1)


def class_of(metric: str, classes: Sequence[object]) -> str:
    """The class that a number of `Confusion` is of, the second of two, as `ship` or `class 1`; else nothing."""
    if metric not in ("precision", "recall", "f1") or len(classes) != 2:
        return ""
    name = str(classes[1])
    return f"class {name}" if name.isdecimal() else name


def accuracy(matrix: Tensor) -> float:
    """The share of rows on the diagonal; NaN of no rows."""
    rows = int(_square(matrix).sum())
    return int(matrix.diagonal().sum()) / rows if rows else math.nan


def precision(matrix: Tensor) -> Tensor:
    """`(classes,)` float64: of the rows predicted as a class, the share that are; NaN where none was predicted."""
    return _square(matrix).diagonal().double() / matrix.sum(0)


def recall(matrix: Tensor) -> Tensor:
    """`(classes,)` float64: of the rows of a class, the share that was found; NaN where there is none."""
    return _square(matrix).diagonal().double() / matrix.sum(1)


def f_beta(matrix: Tensor, beta: float) -> Tensor:
    """`(classes,)` float64: the harmonic mean of precision and recall, recall counting `beta` times as much.

    Computed from counts, as scikit-learn does: a class that is there but was never predicted scores 0, and only one
    that is neither there nor predicted is NaN. Raises `TaskError` for a negative or infinite `beta`. Source: van
    Rijsbergen, *Information Retrieval*, 1979; F1 and F2 in Stevens et al., *Deep Learning with PyTorch*, chapter 12.
    """
    if not 0 <= beta < math.inf:
        raise TaskError(
            f"beta weighs recall against precision: 1 for alike, 2 for recall, 0.5 for precision; not {beta}."
        )
    found = _square(matrix).diagonal().double()
    return (1 + beta**2) * found / (beta**2 * matrix.sum(1) + matrix.sum(0))


def rates(matrix: Tensor) -> tuple[float, float]:
    """The true and the false positive rate of a 2 × 2 matrix: one point of the ROC curve; NaN where a class is empty.

    Raises `TaskError` for other matrices. Source: book row S16.
    """
    if matrix.shape != (2, 2):
        raise TaskError(f"True and false positive rates are of two classes; the matrix is {tuple(matrix.shape)}.")
    false, true = (matrix[:, 1].double() / matrix.sum(1)).tolist()
    return true, false


def _square(matrix: Tensor) -> Tensor:
    if matrix.dim() != 2 or matrix.shape[0] != matrix.shape[1]:
        raise TaskError(
            f"A confusion matrix is (classes, classes), row = true, column = predicted; not {tuple(matrix.shape)}."
        )
    return matrix
