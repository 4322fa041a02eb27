"""What a task is: the meaning of a model's outputs."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, ClassVar, Literal

from torch import Tensor

from stepwell.core.errors import TaskError, suggest
from stepwell.core.trees import Tree, rows
from stepwell.metrics.base import Metric, View


class Task(ABC):
    """Losses, predictions and metrics of one kind of problem. A task holds settings only.

    A loss refuses targets that would be broadcast against the outputs, and outputs that it is not made for.
    """

    watch: ClassVar[tuple[str, Literal["min", "max"]]]
    """The number of the validation history by which epochs are compared, and whether small or large is good."""

    @abstractmethod
    def losses(self, outputs: Tree, targets: Tree) -> Tensor:
        """The loss of each row, `(batch,)`. Their sum over `weight(targets)` is `loss(outputs, targets)`."""

    @abstractmethod
    def loss(self, outputs: Tree, targets: Tree) -> Tensor:
        """The mean loss, `()`, in one call of torch where it has one."""

    def weight(self, targets: Tree) -> float | Tensor:
        """What the mean is over: the number of rows, or the sum of their weights. Means of several batches are averaged by
        it, so that they equal the mean of all rows.
        """
        return rows(targets)

    @abstractmethod
    def view(self, view: View, outputs: Tree) -> Tensor:
        """The outputs as a metric wants them: labels, scores or values."""

    @abstractmethod
    def metrics(self) -> tuple[Metric, ...]:
        """The metrics of a validation pass."""

    def train_metrics(self) -> tuple[Metric, ...]:
        """The metrics that are also kept of the training pass; they see each batch as it was before its update."""
        return ()

    def final_metrics(self) -> tuple[Metric, ...]:
        """The metrics of an evaluation, which may cost more than those of every epoch."""
        return self.metrics()

    @abstractmethod
    def check_targets(self, targets: Tree) -> None:
        """Raise `TaskError` for targets of the wrong kind or range. Looks at values: for data, not for every step."""

    @abstractmethod
    def check_outputs(self, outputs: Tree, targets: Tree) -> None:
        """Raise `TaskError` for outputs that do not fit the loss (probabilities where logits are due, the wrong shape).

        Looks at values and at how the outputs were computed: for the first batch, not for every step.
        """

    @abstractmethod
    def predict(self, outputs: Tree) -> Tree:
        """The outputs as predictions: probabilities or values."""

    @abstractmethod
    def answers(self, outputs: Tree) -> list[dict[str, Any]]:
        """One plain dict a row, for people and for clients."""

    @abstractmethod
    def name_target(self, target: Tensor) -> str:
        """One row's target, for a person."""


def same_shape(outputs: Tensor, targets: Tensor) -> None:
    """Raise `TaskError` unless both shapes are equal: torch would broadcast them and average nonsense."""
    if outputs.shape != targets.shape:
        raise TaskError(
            f"The outputs have the shape {tuple(outputs.shape)}, the targets {tuple(targets.shape)}. Stepwell does not"
            f" broadcast them against each other: {_mend(outputs, targets)}."
        )


def _mend(outputs: Tensor, targets: Tensor) -> str:
    if outputs.dim() == targets.dim() + 1 and outputs.shape[-1] == 1:
        return "give the targets a last dimension, targets.unsqueeze(-1)"
    if targets.dim() == outputs.dim() + 1 and targets.shape[-1] == 1:
        return "drop the targets' last dimension, targets.squeeze(-1)"
    return f"the model's last layer should give {tuple(targets.shape[1:]) or '()'} numbers a row"


def floating_targets(targets: Tensor, outputs: Tensor | None = None) -> None:
    """Raise `TaskError` unless the targets are floating numbers (of the outputs' dtype, if these are given)."""
    if not targets.is_floating_point():
        raise TaskError(f"The targets are {targets.dtype}; this loss needs floating numbers: targets.float().")
    if outputs is not None and outputs.dtype != targets.dtype and outputs.dtype.itemsize > 2:
        raise TaskError(
            f"The outputs are {outputs.dtype}, the targets {targets.dtype}; make the data and the model alike."
        )


def at_least_float32(outputs: Tensor) -> Tensor:
    """Outputs in bf16 or fp16 as float32, in which losses are computed; others as they are."""
    return outputs.float() if outputs.dtype.itemsize < 4 else outputs


def check_choice(what: str, given: str, known: Iterable[str]) -> None:
    """Raise `TaskError` unless a setting is one of those known."""
    if given not in known:
        raise TaskError(f"Unknown {what} {given!r}; known: {', '.join(known)}.{suggest(given, known)}")


# What leaves each number as it is, or drops some: after them, probabilities are probabilities still.
_TRANSPARENT = {
    *("View", "UnsafeView", "Reshape", "ReshapeAlias", "Squeeze", "Unsqueeze", "Transpose", "T", "Permute", "Expand"),
    *("Select", "Slice", "Narrow", "Index", "IndexSelect", "Split", "Unbind"),
    *("ToCopy", "Clone", "Alias", "Clamp", "ClampMin", "ClampMax"),
}


def last_operation(outputs: Tensor) -> str:
    """The name of the operation that made the outputs (`Sigmoid`, `Softmax`, `Addmm`), read from autograd's graph and past
    what leaves the numbers as they are, such as changes of shape; empty where there is no graph.
    """
    node = outputs.grad_fn
    while node is not None and node.name().partition("Backward")[0] in _TRANSPARENT and node.next_functions:
        node = node.next_functions[0][0]
    return node.name().partition("Backward")[0] if node is not None else ""
