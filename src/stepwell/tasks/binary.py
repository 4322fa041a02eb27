"""Classification into two classes, with one output a row."""

from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from stepwell.core.errors import TaskError
from stepwell.metrics import Accuracy, Confusion, Ranking
from stepwell.metrics.base import Metric, View
from stepwell.tasks.base import (
    at_least_float32,
    check_choice,
    floating_targets,
    last_operation,
    same_shape,
)
from stepwell.tasks.classification import Classification, refuse_probabilities

_TO_ANY_NUMBER = {
    "Addmm": "a linear layer",
    "Mm": "a linear layer",
    "Bmm": "a matrix product",
    "Convolution": "a convolution",
}


def positive_weight(targets: Tensor) -> float:
    """Negative rows for each positive one: a `Binary(positive_weight=…)` with which both classes weigh alike.

    `targets` are 0 or 1. Raises `TaskError` where one of the classes has no row.
    """
    positives = int((targets == 1).sum())
    if not 0 < positives < targets.numel():
        raise TaskError(f"{positives} of {targets.numel()} targets are positive; both classes need rows to be weighed.")
    return (targets.numel() - positives) / positives


@dataclass(frozen=True, kw_only=True, eq=False)
class Binary(Classification):
    """Two classes. Outputs and targets share a shape, `(batch,)` or `(batch, 1)`; targets are floating 0 or 1.

    `outputs` says what the model gives: `logits`, or `probabilities` (a model that ends in a sigmoid, as some of the
    books'). `positive_weight` multiplies the loss of positive rows. torch then still divides by the number of rows; with
    `weighted_mean` the mean is a true weighted one (Godoy, chapter 3: 0.2464 against 0.1643).
    """

    classes: tuple[str, str] = ("0", "1")
    outputs: Literal["logits", "probabilities"] = "logits"
    positive_weight: float = 1.0
    weighted_mean: bool = False
    threshold: float = 0.5

    def __post_init__(self) -> None:
        check_choice("outputs", self.outputs, ("logits", "probabilities"))

    def losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Binary cross-entropy of each row, times its weight, `(batch,)`."""
        return self._compute(outputs, targets, "none").flatten()

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The mean over rows, or over weights."""
        if self.weighted_mean:
            return self._compute(outputs, targets, "sum") / self.weight(targets)
        return self._compute(outputs, targets, "mean")

    def _compute(self, outputs: Tensor, targets: Tensor, reduction: str) -> Tensor:
        same_shape(outputs, targets)
        outputs = at_least_float32(outputs)
        if self.outputs == "logits":
            weight = None if self.positive_weight == 1 else outputs.new_tensor(self.positive_weight)
            return F.binary_cross_entropy_with_logits(outputs, targets, pos_weight=weight, reduction=reduction)
        weight = None if self.positive_weight == 1 else 1 + (self.positive_weight - 1) * targets
        with torch.autocast("cuda", enabled=False) if outputs.is_cuda else nullcontext():  # in which CUDA refuses this
            return F.binary_cross_entropy(outputs, targets, weight=weight, reduction=reduction)

    def weight(self, targets: Tensor) -> float | Tensor:
        """The number of rows, or the sum of their weights."""
        return (1 + (self.positive_weight - 1) * targets).sum() if self.weighted_mean else targets.shape[0]

    def predict(self, outputs: Tensor) -> Tensor:
        """The probability of class 1, in the outputs' shape."""
        return outputs.sigmoid() if self.outputs == "logits" else outputs

    def view(self, view: View, outputs: Tensor) -> Tensor:
        """Scores are the outputs; labels are 1 where the probability is at least the threshold."""
        if view == "scores":
            return outputs.reshape(-1)
        if view == "labels":
            return (self.predict(outputs) >= self.threshold).reshape(-1).long()
        raise TaskError("A metric of values does not fit classification; use one of labels or scores.")

    def metrics(self) -> tuple[Metric, ...]:
        """Accuracy, and precision, recall and F1 of class 1."""
        return (Accuracy(), Confusion(2))

    def final_metrics(self) -> tuple[Metric, ...]:
        """With the areas under the ROC and the precision-recall curve."""
        return (*self.metrics(), Ranking())

    def check_targets(self, targets: Tensor) -> None:
        """Targets are floating 0 or 1, one a row."""
        floating_targets(targets)
        wrong = targets[(targets != 0) & (targets != 1)]
        if len(wrong):
            raise TaskError(f"Targets of two classes are 0.0 or 1.0; there is {wrong[0].item():g} among these.")
        if targets.numel() != targets.shape[0]:
            raise TaskError(f"Binary takes one target a row; these have the shape {tuple(targets.shape)}.")

    def check_outputs(self, outputs: Tensor, targets: Tensor) -> None:
        """Outputs have the targets' shape, and are what the task was told that they are."""
        same_shape(outputs, targets)
        if self.outputs == "logits":
            refuse_probabilities(outputs)
            return
        made_by = _TO_ANY_NUMBER.get(last_operation(outputs))
        outside = bool(((outputs < 0) | (outputs > 1)).any())
        if made_by or outside:
            why = "some lie outside 0..1" if outside else f"they come from {made_by}"
            raise TaskError(
                f"The task was told that the outputs are probabilities, but {why}: they are logits. Say outputs='logits'"
                " (more exact), or end the model in nn.Sigmoid."
            )

    def answers(self, outputs: Tensor) -> list[dict[str, Any]]:
        """`{"label": name, "probabilities": {name: number}}` a row."""
        rows = zip(self.view("labels", outputs).tolist(), self.predict(outputs).reshape(-1).tolist(), strict=True)
        return [
            {"label": self.classes[label], "probabilities": dict(zip(self.classes, (1 - p, p), strict=True))}
            for label, p in rows
        ]

    def name_target(self, target: Tensor) -> str:
        """The name of the class."""
        return self.classes[int(target.item())]
