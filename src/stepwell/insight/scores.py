"""A number that says how good a model's outputs are, and which way is good."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch

from stepwell.core.errors import TaskError, suggest
from stepwell.core.trees import Tree, tensors
from stepwell.metrics.base import Metric
from stepwell.tasks.base import Task
from stepwell.tasks.regression import Regression

_SMALL_IS_GOOD = ("loss", "mae", "rmse")


@dataclass(frozen=True)
class Score:
    """A named number of a model's outputs and the targets. `good` says whether it should be small or large."""

    name: str
    good: Literal["min", "max"]
    compute: Callable[[Tree, Tree], float]

    def worse(self, before: float, after: float) -> float:
        """By how much `after` is worse than `before`; below 0 where it is better."""
        return after - before if self.good == "min" else before - after


def score_of(task: Task, name: str | None = None) -> Score:
    """A task's loss (`loss`) or the number that one of its metrics calls so: `rmse`, `accuracy`, `roc_area`, …

    Without a name it is the RMSE of a regression, and the loss of other tasks, which sees changes of a probability that
    leave every label as it is. Raises `TaskError` for a number that the task has not.
    """
    name = name or ("rmse" if isinstance(task, Regression) else "loss")
    if name == "loss":
        return Score("loss", "min", lambda outputs, targets: float(task.loss(outputs, targets)))
    known = {number: metric for metric in task.final_metrics() for number in _numbers(metric)}
    if name not in known:
        raise TaskError(
            f"{type(task).__name__} has no metric {name!r}; it has loss, {', '.join(known)}.{suggest(name, known)}"
        )
    metric = known[name]
    good: Literal["min", "max"] = "min" if name in _SMALL_IS_GOOD else "max"
    return Score(name, good, lambda outputs, targets: _measure(task, metric, outputs, targets)[name])


def _numbers(metric: Metric) -> dict[str, float]:
    return metric.compute(metric.zero(torch.device("cpu")))


def _measure(task: Task, metric: Metric, outputs: Tree, targets: Tree) -> dict[str, float]:
    state = metric.zero(next(tensors(outputs)).device)
    metric.update(state, task.view(metric.needs, outputs), targets)
    return metric.compute(state)


def scores_of(task: Task, outputs: Tree, targets: Tree) -> dict[str, float]:
    """The loss and all final metrics of a task for a model's outputs, by name, as `stepwell.evaluate` gives them."""
    found = {"loss": float(task.loss(outputs, targets))}
    for metric in task.final_metrics():
        found |= _measure(task, metric, outputs, targets)
    return found
