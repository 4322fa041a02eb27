"""Classification into two classes (one output a row) or several (one output a class)."""

from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from stepwell.core.errors import TaskError
from stepwell.metrics import Accuracy, Confusion, Ranking
from stepwell.metrics.base import Metric, View
from stepwell.tasks.base import (
    Task,
    at_least_float32,
    check_choice,
    floating_targets,
    last_operation,
    same_shape,
)

_TO_PROBABILITIES = {"Sigmoid": "nn.Sigmoid", "Softmax": "nn.Softmax"}
_TO_ANY_NUMBER = {
    "Addmm": "a linear layer",
    "Mm": "a linear layer",
    "Bmm": "a matrix product",
    "Convolution": "a convolution",
}


def _refuse_probabilities(outputs: Tensor) -> None:
    made_by = _TO_PROBABILITIES.get(last_operation(outputs))
    if made_by:
        raise TaskError(
            f"The model ends in {made_by}, so its outputs are probabilities, but the loss expects logits and would squash them"
            f" a second time. Remove the last {made_by}, or say outputs='probabilities' where the task has it."
        )


def _refuse_sums_to_one(outputs: Tensor) -> None:
    """A softmax that the graph does not show, such as one written by hand."""
    if bool((outputs >= 0).all()) and torch.allclose(outputs.sum(1), outputs.new_ones(()), atol=1e-3):
        raise TaskError(
            "The outputs of each row are none negative and sum to 1, so they are probabilities, but the loss expects logits"
            " and would squash them a second time. Remove the last softmax."
        )


def positive_weight(targets: Tensor) -> float:
    """Negative rows for each positive one: a `Binary(positive_weight=…)` with which both classes weigh alike.

    `targets` are 0 or 1. Raises `TaskError` where one of the classes has no row.
    """
    positives = int((targets == 1).sum())
    if not 0 < positives < targets.numel():
        raise TaskError(f"{positives} of {targets.numel()} targets are positive; both classes need rows to be weighed.")
    return (targets.numel() - positives) / positives


class _Classification(Task):
    """What both kinds of classification share."""

    watch: ClassVar[tuple[str, Literal["min", "max"]]] = ("accuracy", "max")

    def train_metrics(self) -> tuple[Metric, ...]:
        """Accuracy."""
        return (Accuracy(),)


@dataclass(frozen=True, kw_only=True, eq=False)
class Binary(_Classification):
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
            _refuse_probabilities(outputs)
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


@dataclass(frozen=True, kw_only=True, eq=False)
class Multiclass(_Classification):
    """Several classes. Outputs are `(batch, classes, …)`, targets int64 class numbers `(batch, …)`.

    `classes` is their number or their names. `outputs` says what the model gives: `logits`, or `log_probabilities` (a
    model that ends in a log-softmax, as some of the books'). `class_weights` (one number a class) weigh the rows, and the
    mean is the weighted one, as torch's.
    """

    classes: int | tuple[str, ...]
    outputs: Literal["logits", "log_probabilities"] = "logits"
    class_weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        check_choice("outputs", self.outputs, ("logits", "log_probabilities"))
        if self.class_weights is not None and len(self.class_weights) != self.count:
            raise TaskError(
                f"There are {self.count} classes but {len(self.class_weights)} class weights; give one each."
            )

    @property
    def count(self) -> int:
        """The number of classes."""
        return self.classes if isinstance(self.classes, int) else len(self.classes)

    @property
    def names(self) -> tuple[str, ...]:
        """The classes' names, or their numbers as text."""
        return tuple(map(str, range(self.classes))) if isinstance(self.classes, int) else self.classes

    def losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy of each row, times its class's weight, `(batch,)`."""
        each = self._compute(outputs, targets, "none")
        return each if each.dim() == 1 else each.flatten(1).mean(1)

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The mean, weighted by class."""
        return self._compute(outputs, targets, "mean")

    def _compute(self, outputs: Tensor, targets: Tensor, reduction: str) -> Tensor:
        if targets.dtype != torch.int64:
            self._check_kind(targets)
        outputs = at_least_float32(outputs)
        compute = F.cross_entropy if self.outputs == "logits" else F.nll_loss
        try:
            return compute(outputs, targets, weight=self._weights(outputs), reduction=reduction)
        except (RuntimeError, ValueError, IndexError):
            # torch refuses what does not fit; looking for the reason before would cost every step.
            self._check_shapes(outputs, targets)
            self.check_targets(targets)
            raise

    def _weights(self, like: Tensor) -> Tensor | None:
        return None if self.class_weights is None else like.new_tensor(self.class_weights)

    def _check_kind(self, targets: Tensor) -> None:
        if targets.dtype != torch.int64:
            one_hot = targets.dim() == 2 and targets.shape[1] == self.count
            mend = "targets.argmax(1), if they are one-hot" if one_hot else "targets.long()"
            raise TaskError(f"The targets are {targets.dtype}; class numbers are int64: {mend}.")

    def _check_shapes(self, outputs: Tensor, targets: Tensor) -> None:
        self._check_kind(targets)
        if outputs.shape[0] != targets.shape[0] or outputs.shape[2:] != targets.shape[1:]:
            raise TaskError(
                f"The outputs have the shape {tuple(outputs.shape)}, the targets {tuple(targets.shape)}; expected"
                " (batch, classes, …) and (batch, …): one class number for each vector of outputs, not one-hot."
            )

    def weight(self, targets: Tensor) -> float | Tensor:
        """The number of rows, or the sum of their classes' weights (a mean over the positions of a row)."""
        if self.class_weights is None:
            return targets.shape[0]
        weights = torch.tensor(self.class_weights, device=targets.device)[targets]
        return weights.sum() / targets.shape[1:].numel()

    def predict(self, outputs: Tensor) -> Tensor:
        """Probabilities, in the outputs' shape."""
        return outputs.softmax(1) if self.outputs == "logits" else outputs.exp()

    def view(self, view: View, outputs: Tensor) -> Tensor:
        """Labels are the classes with the largest outputs; scores exist for two classes alone."""
        if view == "labels":
            return outputs.argmax(1)
        if view == "scores" and self.count == 2:
            return outputs[:, 1] - outputs[:, 0]
        raise TaskError(f"A metric of {view} does not fit {self.count} classes; use one of labels.")

    def metrics(self) -> tuple[Metric, ...]:
        """Accuracy."""
        return (Accuracy(),)

    def final_metrics(self) -> tuple[Metric, ...]:
        """With mean precision, recall and F1 over the classes."""
        return (Accuracy(), Confusion(self.count))

    def check_targets(self, targets: Tensor) -> None:
        """Targets are int64 and lie in `0..classes-1`."""
        self._check_kind(targets)
        low, high = (int(bound) for bound in targets.aminmax())
        if low < 0 or high >= self.count:
            wrong = low if low < 0 else high
            raise TaskError(f"There is a target {wrong}, but {self.count} classes are numbered 0 to {self.count - 1}.")

    def check_outputs(self, outputs: Tensor, targets: Tensor) -> None:
        """Outputs are one number a class, and what the task was told that they are."""
        self._check_shapes(outputs, targets)
        if outputs.shape[1] != self.count:
            raise TaskError(f"The model gives {outputs.shape[1]} numbers a row, but there are {self.count} classes.")
        if self.outputs == "logits":
            _refuse_probabilities(outputs)
            _refuse_sums_to_one(outputs)
        elif bool((outputs > 0).any()) or not torch.allclose(outputs.exp().sum(1), outputs.new_ones(()), atol=1e-2):
            raise TaskError(
                "The task was told that the outputs are log-probabilities, but their exponentials do not sum to 1: they are"
                " logits. Say outputs='logits', or end the model in nn.LogSoftmax(dim=1)."
            )

    def answers(self, outputs: Tensor) -> list[dict[str, Any]]:
        """`{"label": name, "probabilities": {name: number}}` a row."""
        names, labels = self.names, outputs.argmax(1).tolist()
        rows = self.predict(outputs).tolist()
        return [
            {"label": names[label], "probabilities": dict(zip(names, row, strict=True))}
            for label, row in zip(labels, rows, strict=True)
        ]

    def name_target(self, target: Tensor) -> str:
        """The name of the class."""
        return self.names[int(target.item())]
