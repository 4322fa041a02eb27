"""Evaluation and prediction: what a model is worth on rows, and what it says of new ones."""

import heapq
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from stepwell.core.devices import autocast, device_of
from stepwell.core.errors import DataError
from stepwell.core.modules import call_model, mode_restored
from stepwell.core.trees import Tree, between, rows, tensors, to_device
from stepwell.data.arrays import as_tensors
from stepwell.data.batch import Batch
from stepwell.metrics import Confusion, Ranking
from stepwell.tasks import Binary, Multiclass, Regression
from stepwell.tasks.base import Task
from stepwell.tasks.side_heads import main_task
from stepwell.training.batches import evaluation_batches
from stepwell.training.experiment import AUTO, Experiment
from stepwell.training.explain import explained
from stepwell.training.guards import check_batch, check_targets
from stepwell.training.scores import CalibrationBins, RankingCounts, Scores
from stepwell.training.step import EvaluationStep
from stepwell.training.tally import Tally
from stepwell.training.world import SOLO

_SAMPLE = 2000  # rows of a regression that are kept for its picture

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """A row with a large loss: its number, its input as an array, and both answers as a person reads them.

    An input of several tensors is one flat array of all their numbers, in their order.
    """

    row: int
    loss: float
    input: Array | None
    target: str
    predicted: str
    confidence: float | None = None


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What a model is worth on a side of the data.

    `confusion` counts rows by true (row) and predicted (column) class. `worst` are the rows of the largest losses, the
    largest first. For regression `targets` and `values` are those of an evenly spaced sample of rows. For two classes
    `ranking` counts right and wrong positives at every threshold; `calibration`, of any classes, sets probabilities
    against what came true. Both are over all rows.
    """

    split: str
    rows: int
    metrics: dict[str, float]
    classes: list[str] = field(default_factory=list)
    confusion: Array | None = None
    worst: list[Mistake] = field(default_factory=list)
    targets: Array | None = None
    values: Array | None = None
    ranking: RankingCounts | None = None
    calibration: CalibrationBins | None = None


def evaluate(experiment: Experiment, side: str = "val", *, worst: int = 12) -> Evaluation:
    """Evaluate an experiment's model, as it is, on a side of its data (`train`, `val` or `test`).

    Memory does not grow with the rows. Raises `DataError` where the experiment lacks that side.
    """
    data = getattr(experiment.data, side, None)
    if data is None:
        there = [name for name in ("train", "val", "test") if getattr(experiment.data, name) is not None]
        raise DataError(f"The experiment has no {side} rows; it has {', '.join(there)}.")
    task, device = experiment.task, device_of(experiment.model)
    classes = class_names(task)
    confusion = [Confusion(len(classes))] if classes else []
    tally = Tally(task, (*task.final_metrics(), *confusion), device)
    step, keeper = EvaluationStep(experiment.model, task, _precision(experiment)), _Keeper(task, worst)
    scores = Scores(task, device)
    inputs: Tree = None
    with mode_restored(experiment.model), torch.no_grad(), explained(experiment.model, lambda: inputs):
        experiment.model.eval()
        for batch in evaluation_batches(data, experiment, SOLO).epoch(0):
            batch = to_device(batch, device)
            first, inputs = inputs is None, batch.inputs
            if first:
                check_batch(experiment.model, task, batch)
            check_targets(task, batch)
            result = step(batch, 0)
            tally.add(result, batch, 0)
            keeper.add(batch, result.outputs)
            scores.add(result.outputs, batch.targets)
        metrics = tally.numbers()
        tally.flush()
    states = {type(metric): state for metric, state in zip(tally.metrics, tally.states, strict=True)}
    return Evaluation(
        split=side,
        rows=keeper.seen,
        metrics=metrics,
        classes=classes,
        confusion=confusion[0].matrix(tally.states[-1]).cpu().numpy() if classes else None,
        ranking=scores.ranking(states.get(Ranking)),
        calibration=scores.calibration(),
        **keeper.found(),
    )


def _precision(experiment: Experiment) -> str:
    """The experiment's; plain where it leaves that to a measurement, which only a training makes."""
    return "fp32" if experiment.precision == AUTO else experiment.precision


def class_names(task: Task) -> list[str]:
    """The names of a task's classes; none for other tasks."""
    task = main_task(task)
    if isinstance(task, Binary):
        return list(task.classes)
    return list(task.names) if isinstance(task, Multiclass) else []


def _shown(row: Tree) -> Array | None:
    """The input of one row, which still has its dimension of rows."""
    parts = [tensor[0].float().cpu() for tensor in tensors(row)]
    if len(parts) == 1:
        return np.asarray(parts[0].numpy())
    return torch.cat([part.flatten() for part in parts]).numpy() if parts else None


class _Keeper:
    """Keeps the rows of the largest losses, and a sample of a regression's values, while batches pass by."""

    def __init__(self, task: Task, worst: int) -> None:
        self.task, self.most = task, worst
        self.seen = 0
        self.heap: list[tuple[float, int, Mistake]] = []
        self.sample: list[tuple[Tensor, Tensor]] = []
        self.every = 1

    def add(self, batch: Batch, outputs: Tree) -> None:
        losses = self.task.losses(outputs, batch.targets).float().cpu()
        for place in losses.argsort(descending=True, stable=True)[: self.most].tolist():
            loss = float(losses[place])
            if len(self.heap) < self.most or loss > self.heap[0][0]:
                entry = (loss, -(self.seen + place), self._mistake(batch, outputs, place, loss))
                (heapq.heappush if len(self.heap) < self.most else heapq.heapreplace)(self.heap, entry)
        if isinstance(self.task, Regression):
            self._sample(batch.targets, outputs)
        self.seen += len(losses)

    def _sample(self, targets: Tensor, outputs: Tensor) -> None:
        """Keep every n-th row; where that becomes too many, every other of them, and n doubles."""
        rows = range(-self.seen % self.every, len(targets), self.every)
        self.sample += [(targets[row].cpu(), outputs[row].cpu()) for row in rows]
        while len(self.sample) > _SAMPLE:
            self.sample, self.every = self.sample[::2], 2 * self.every

    def _mistake(self, batch: Batch, outputs: Tree, place: int, loss: float) -> Mistake:
        answer = self.task.answers(between(outputs, place, place + 1))[0]
        shown = _shown(between(batch.inputs, place, place + 1))
        target = self.task.name_target(batch.targets[place])
        if "label" in answer:
            label = answer["label"]
            return Mistake(
                row=int(batch.index[place]),
                loss=loss,
                input=shown,
                target=target,
                predicted=label,
                confidence=answer["probabilities"][label],
            )
        predicted = self.task.name_target(between(outputs, place, place + 1)[0])
        return Mistake(row=int(batch.index[place]), loss=loss, input=shown, target=target, predicted=predicted)

    def found(self) -> dict[str, Any]:
        found: dict[str, Any] = {"worst": [mistake for *_, mistake in sorted(self.heap, key=lambda e: (-e[0], -e[1]))]}
        if self.sample:
            targets, values = (torch.stack([pair[side] for pair in self.sample]) for side in (0, 1))
            found.update(targets=targets.float().numpy(), values=values.float().numpy())
        return found


def predict(model: nn.Module, task: Task, inputs: Tree, *, batch_size: int = 1024, precision: str = "fp32") -> Tree:
    """What a model says of new rows: probabilities, or values, on the CPU. `inputs` are as those of an `ArraySource`.

    The model's mode is given back as it was. A dimension of rows is due even for one row.
    """
    inputs, device = as_tensors(inputs), device_of(model)
    if not rows(inputs):
        raise DataError("There are no rows to predict.")
    answers, part = [], None
    with mode_restored(model), torch.no_grad(), autocast(precision, device), explained(model, lambda: part):
        model.eval()
        for start in range(0, rows(inputs), batch_size):
            part = between(inputs, start, start + batch_size)
            answers.append(task.predict(call_model(model, to_device(part, device))).cpu())
    return torch.cat(answers)
