"""What a pass over the data adds up to: the mean loss and the metrics, kept on the device."""

import math
from collections.abc import Sequence
from copy import copy

import torch
from torch import Tensor

from stepwell.core.errors import DivergedError
from stepwell.core.trees import Tree, map_tensors, tensors
from stepwell.data.batch import Batch
from stepwell.metrics.base import Metric
from stepwell.tasks.base import Task
from stepwell.training.step import StepResult, concatenate
from stepwell.training.world import SOLO, World

_MOST_BATCHES, _MOST_BYTES = 64, 2**22


class Tally:
    """The loss, weighted by rows, and the metrics of a pass.

    Batches are kept for a while and added many at a time, which costs a tenth of adding them one by one, and lets numbers
    leave the device seldom. How many are kept depends on the first batch's size alone, and what is kept is part of the
    state, so a resumed pass adds in the same groups and ends with the same bits.
    """

    def __init__(self, task: Task, metrics: Sequence[Metric], device: torch.device, world: World = SOLO) -> None:
        self.task, self.metrics, self.device, self.world = task, metrics, device, world
        self.sums = torch.zeros(2, dtype=torch.float64, device=device)  # of loss times weight, and of weight
        self.states = [metric.zero(device) for metric in metrics]
        self.pending: list[tuple[int, Tensor, float | Tensor, Tree, Tree]] = []
        self.group = 0

    def add(self, result: StepResult, batch: Batch, number: int) -> None:
        """Add the result of step `number`. Raises `DivergedError`, some steps later, where its loss is not finite."""
        outputs, targets = (result.outputs, batch.targets) if self.metrics else (None, None)
        self.pending.append((number, result.loss, result.weight, outputs, targets))
        if len(self.pending) >= (self.group or self._choose_group()):
            self.flush()

    def _choose_group(self) -> int:
        size = sum(tensor.nbytes for tensor in tensors(self.pending[0]))
        self.group = max(1, min(_MOST_BATCHES, _MOST_BYTES // max(size, 1)))
        return self.group

    @property
    def last_loss(self) -> float:
        """The newest batch's mean loss, or NaN; asking for it waits for the device."""
        return float(self.pending[-1][1]) if self.pending else self.mean_loss

    @property
    def mean_loss(self) -> float:
        """The mean loss of what was added so far, of this process, up to the last group."""
        total, weight = self.sums.tolist()
        return total / weight if weight else float("nan")

    def check_finite(self) -> None:
        """Raise `DivergedError` where a loss that was kept is NaN or infinite."""
        if self.pending:
            self._finite_losses()

    def _finite_losses(self) -> Tensor:
        losses = torch.stack([loss for _, loss, *_ in self.pending])
        # One sum is enough to see whether any is not finite: NaN and infinity both survive it.
        if not math.isfinite(float(losses.sum(dtype=torch.float64))):
            first = int((~torch.isfinite(losses)).nonzero()[0])
            raise DivergedError(f"The loss became {float(losses[first])} at step {self.pending[first][0]}.")
        return losses

    def flush(self) -> None:
        """Add what was kept."""
        if not self.pending:
            return
        losses = self._finite_losses().to(torch.float64)
        pending, self.pending = self.pending, []
        weights = _as_tensor([entry[2] for entry in pending], self.device)
        self.sums += torch.stack([(losses * weights).sum(), weights.sum()])
        if self.metrics:
            self._update_together([entry[3] for entry in pending], [entry[4] for entry in pending])

    def _update_together(self, outputs: list[Tree], targets: list[Tree]) -> None:
        try:
            joined = [(concatenate(outputs), concatenate(targets))]
        except RuntimeError:  # batches of several shapes, such as sequences of several lengths, are added one by one
            joined = list(zip(outputs, targets, strict=True))
        for pair in joined:
            self._update_metrics(*pair)

    def _update_metrics(self, outputs: Tree, targets: Tree) -> None:
        views: dict[str, Tensor] = {}
        for metric, state in zip(self.metrics, self.states, strict=True):
            if metric.needs not in views:
                views[metric.needs] = self.task.view(metric.needs, outputs)
            metric.update(state, views[metric.needs], targets)

    def numbers(self) -> dict[str, float]:
        """The loss and the metrics of all processes, by name. What is kept stays kept, so that the pass may go on."""
        whole = copy(self)
        whole.sums, whole.states = self.sums.clone(), [state.clone() for state in self.states]
        whole.flush()
        total, weight = self.world.gather(whole.sums).sum(0).tolist()
        found = {"loss": total / weight if weight else float("nan")}
        for metric, state in zip(self.metrics, whole.states, strict=True):
            found.update(metric.compute(metric.merge(self.world.gather(state))))
        return found

    def merged_state(self) -> Tree:
        """The state of all processes as one; every process has to ask for it."""
        self.flush()
        states = [metric.merge(self.world.gather(s)) for metric, s in zip(self.metrics, self.states, strict=True)]
        return {"sums": self.world.gather(self.sums).sum(0), "states": states, "group": self.group, "pending": []}

    def state(self) -> Tree:
        """Everything as a tree of tensors and numbers, for a checkpoint in the middle of a pass."""
        return {"sums": self.sums, "states": self.states, "group": self.group, "pending": self.pending}

    def restore(self, state: Tree) -> None:
        """The way back from `state`."""
        self.sums, self.states = state["sums"].to(self.device), [part.to(self.device) for part in state["states"]]
        self.group = state["group"]
        self.pending = [tuple(map_tensors(lambda t: t.to(self.device), entry)) for entry in state["pending"]]


def _as_tensor(weights: list[float | Tensor], device: torch.device) -> Tensor:
    if any(isinstance(weight, Tensor) for weight in weights):
        return torch.stack([torch.as_tensor(weight, dtype=torch.float64, device=device) for weight in weights])
    return torch.tensor(weights, dtype=torch.float64, device=device)
