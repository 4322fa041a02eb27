"""Networks with several heads: what is added to the loss while training, and what counts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from stepwell.core.errors import TaskError
from stepwell.core.trees import Tree
from stepwell.metrics.base import Metric, View
from stepwell.tasks.base import Task


@dataclass(frozen=True, kw_only=True, eq=False)
class SideHeads(Task):
    """Another task for a network that gives `(main, side, …)` while training, and `main` alone in evaluation.

    The loss is that of the main outputs plus `share` times that of each side head's (0.4: Szegedy et al.; Godoy, row
    S7.3). Metrics, predictions and answers are of the main outputs. A network in evaluation mode gives one tensor, so its
    loss is the main one and compares with other networks'; it is lower than that of training for this reason alone.
    """

    task: Task
    share: float = 0.4

    def __post_init__(self) -> None:
        if self.share < 0:
            raise TaskError(f"The side heads' share is {self.share}; it must be 0 or more.")
        object.__setattr__(self, "watch", self.task.watch)  # a class's in other tasks, the inner task's here

    def losses(self, outputs: Tree, targets: Tree) -> Tensor:
        """The loss of each row, `(batch,)`."""
        return self._summed(self.task.losses, outputs, targets)

    def loss(self, outputs: Tree, targets: Tree) -> Tensor:
        """The mean loss, `()`."""
        return self._summed(self.task.loss, outputs, targets)

    def _summed(self, loss: Callable[[Tree, Tree], Tensor], outputs: Tree, targets: Tree) -> Tensor:
        total = loss(main_of(outputs), targets)
        for side in sides_of(outputs):
            total = total + self.share * loss(side, targets)
        return total

    def weight(self, targets: Tree) -> float | Tensor:
        """The inner task's."""
        return self.task.weight(targets)

    def view(self, view: View, outputs: Tree) -> Tensor:
        """The main outputs as a metric wants them."""
        return self.task.view(view, main_of(outputs))

    def metrics(self) -> tuple[Metric, ...]:
        """The inner task's."""
        return self.task.metrics()

    def train_metrics(self) -> tuple[Metric, ...]:
        """The inner task's."""
        return self.task.train_metrics()

    def final_metrics(self) -> tuple[Metric, ...]:
        """The inner task's."""
        return self.task.final_metrics()

    def check_targets(self, targets: Tree) -> None:
        """The inner task's check."""
        self.task.check_targets(targets)

    def check_outputs(self, outputs: Tree, targets: Tree) -> None:
        """The inner task's check, of every head."""
        for each in (main_of(outputs), *sides_of(outputs)):
            self.task.check_outputs(each, targets)

    def predict(self, outputs: Tree) -> Tree:
        """The inner task's predictions of the main outputs."""
        return self.task.predict(main_of(outputs))

    def answers(self, outputs: Tree) -> list[dict[str, Any]]:
        """The inner task's answers for the main outputs."""
        return self.task.answers(main_of(outputs))

    def name_target(self, target: Tensor) -> str:
        """The inner task's name."""
        return self.task.name_target(target)


def main_of(outputs: Tree) -> Tree:
    """The first of several heads' outputs; a tensor alone is the main head's."""
    return outputs[0] if isinstance(outputs, (tuple, list)) else outputs


def sides_of(outputs: Tree) -> tuple[Tree, ...]:
    """The outputs of the side heads; none for a tensor alone."""
    return tuple(outputs[1:]) if isinstance(outputs, (tuple, list)) else ()


def main_task(task: Task) -> Task:
    """The task of the main head, for what looks at a task's kind; other tasks as they are."""
    return task.task if isinstance(task, SideHeads) else task
