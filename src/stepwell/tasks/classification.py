"""What both kinds of classification share."""

from typing import ClassVar, Literal

from torch import Tensor

from stepwell.core.errors import TaskError
from stepwell.metrics import Accuracy
from stepwell.metrics.base import Metric
from stepwell.tasks.base import (
    Task,
    last_operation,
)

_TO_PROBABILITIES = {"Sigmoid": "nn.Sigmoid", "Softmax": "nn.Softmax"}


def refuse_probabilities(outputs: Tensor) -> None:
    """Raise `TaskError` for outputs of a sigmoid or softmax, where logits are due."""
    made_by = _TO_PROBABILITIES.get(last_operation(outputs))
    if made_by:
        raise TaskError(
            f"The model ends in {made_by}, so its outputs are probabilities, but the loss expects logits and would squash them"
            f" a second time. Remove the last {made_by}, or say outputs='probabilities' where the task has it."
        )


class Classification(Task):
    """Classification: accuracy is watched, and kept of the training pass, too."""

    watch: ClassVar[tuple[str, Literal["min", "max"]]] = ("accuracy", "max")

    def train_metrics(self) -> tuple[Metric, ...]:
        """Accuracy."""
        return (Accuracy(),)
