"""Steps: one update of the model from one batch."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_, clip_grad_value_
from torch.optim import Optimizer

from stepwell.core.devices import autocast, device_of, seed_torch
from stepwell.core.keys import Key
from stepwell.core.modules import call_model
from stepwell.core.trees import Tree, map_tensors
from stepwell.data.batch import Batch
from stepwell.data.loader import split_batch
from stepwell.tasks.base import Task
from stepwell.training.world import SOLO, World

APART = 0x9E3779B97F4A7C15  # 2**64 over the golden ratio


class StepResult(NamedTuple):
    """What a step found, still on the device: the mean loss `()`, what it is the mean over, and the outputs."""

    loss: Tensor
    weight: float | Tensor
    outputs: Tree


class Step(Protocol):
    """`step(batch, number)` makes update `number`, or, for an evaluation, only looks."""

    def __call__(self, batch: Batch, number: int) -> StepResult:
        """Take a batch on the model's device."""


class EvaluationStep:
    """Forward and loss, no update."""

    def __init__(self, model: nn.Module, task: Task, precision: str) -> None:
        self.model, self.task, self.precision = model, task, precision
        self.device = device_of(model)
        self.context = autocast(precision, self.device)

    def __call__(self, batch: Batch, number: int) -> StepResult:
        """The loss and outputs of a batch. An empty batch, a process's share of a short one, weighs nothing."""
        with self.context:
            outputs = call_model(self.model, batch.inputs)
            loss = self.task.loss(outputs, batch.targets)
        if not batch.index.numel():
            loss = torch.zeros_like(loss)
        return StepResult(loss, self.task.weight(batch.targets), outputs)


class EagerStep:
    """Forward, loss, backward, clip, update, in plain eager torch.

    Before it, torch's generators are seeded from the seed and the step's number, so that dropout and its like are a
    function of those. `accumulate` cuts the batch into that many parts and sums their gradients, each weighted by its
    rows: the gradient is that of the whole batch, in less memory. `look` makes forward pass and loss in another way.
    """

    def __init__(
        self,
        model: nn.Module,
        task: Task,
        optimizer: Optimizer,
        *,
        seed: int = 0,
        precision: str = "fp32",
        clip_norm: float | None = None,
        clip_value: float | None = None,
        accumulate: int = 1,
        world: World = SOLO,
        look: EvaluationStep | None = None,
    ) -> None:
        self.task, self.optimizer, self.accumulate, self.world = task, optimizer, accumulate, world
        self.look = look or EvaluationStep(model, task, precision)
        self.seed = Key(seed)("model", world.rank).number
        self.clip_norm, self.clip_value = clip_norm, clip_value
        self.parameters = [p for group in optimizer.param_groups for p in group["params"] if p.requires_grad]

    def __call__(self, batch: Batch, number: int) -> StepResult:
        """One update."""
        # Neighbouring steps are set far apart by an odd multiplier, which is cheaper than a hash a step.
        seed_torch((self.seed + number * APART) % 2**64, self.look.device)
        self.optimizer.zero_grad(set_to_none=True)
        whole = self.accumulate == 1 or not batch.index.numel()
        result = self._backward(batch, number) if whole else self._accumulate(batch, number)
        if self.world.size > 1:
            weight = torch.as_tensor(result.weight, device=self.look.device, dtype=torch.float32)
            self.world.average_gradients(self.parameters, weight)
        self.apply_gradients()
        return result

    def apply_gradients(self) -> None:
        """Clip the gradients that the parameters have, and update."""
        if self.clip_value is not None:
            clip_grad_value_(self.parameters, self.clip_value)
        if self.clip_norm is not None:
            clip_grad_norm_(self.parameters, self.clip_norm)
        self.optimizer.step()

    def _backward(self, batch: Batch, number: int) -> StepResult:
        loss, weight, outputs = self.look(batch, number)
        if batch.index.numel():
            loss.backward()  # type: ignore[no-untyped-call]
        return StepResult(loss.detach(), weight, _detached(outputs))

    def _accumulate(self, batch: Batch, number: int) -> StepResult:
        total, loss, outputs = self.task.weight(batch.targets), torch.zeros((), device=self.look.device), []
        for part in split_batch(batch, _even(len(batch.index), self.accumulate)):
            result = self.look(part, number)
            share = result.loss * (result.weight / total)
            share.backward()  # type: ignore[no-untyped-call]
            loss = loss + share.detach()
            outputs.append(_detached(result.outputs))
        return StepResult(loss, total, concatenate(outputs))


def _detached(outputs: Tree) -> Tree:
    """The outputs without the graph that made them."""
    return outputs.detach() if isinstance(outputs, Tensor) else map_tensors(Tensor.detach, outputs)


def _even(length: int, parts: int) -> list[int]:
    """Sizes of `parts` parts, as even as can be and none empty."""
    whole, rest = divmod(length, parts)
    return [size for size in (whole + (number < rest) for number in range(parts)) if size]


def concatenate(trees: Sequence[Tree]) -> Tree:
    """Trees of the same form, joined along their rows."""
    first = trees[0]
    if isinstance(first, Tensor):
        return torch.cat(list(trees))
    if isinstance(first, dict):
        return {name: concatenate([tree[name] for tree in trees]) for name in first}
    return type(first)(concatenate([tree[number] for tree in trees]) for number in range(len(first)))
