"""Classification into several classes, with one output a class."""

from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from stepwell.core.errors import TaskError
from stepwell.metrics import Accuracy, Confusion
from stepwell.metrics.base import Metric, View
from stepwell.tasks.base import (
    at_least_float32,
    check_choice,
)
from stepwell.tasks.classification import Classification, refuse_probabilities


def _refuse_sums_to_one(outputs: Tensor) -> None:
    """A softmax that the graph does not show, such as one written by hand."""
    if bool((outputs >= 0).all()) and torch.allclose(outputs.sum(1), outputs.new_ones(()), atol=1e-3):
        raise TaskError(
            "The outputs of each row are none negative and sum to 1, so they are probabilities, but the loss expects logits"
            " and would squash them a second time. Remove the last softmax."
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Multiclass(Classification):
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
            refuse_probabilities(outputs)
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
