"""The forward and backward pass compiled: fewer, fused loops over memory."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from stepwell.core.modules import call_model
from stepwell.core.trees import Tree, tensors
from stepwell.data.batch import Batch
from stepwell.tasks.base import Task
from stepwell.training.step import EvaluationStep, StepResult

# Draw as eager torch does, so that dropout is the same function of the seed and both ways can be compared.
_OPTIONS = {"fallback_random": True}


class CompiledLook(EvaluationStep):
    """Forward and loss through compiled code, whose backward pass is compiled with it, for batches shaped as the first.

    Others, such as an epoch's short last one, go the eager way, which is cheaper than compiling for them. The update of the
    weights stays eager: compiled with the rest, it would be made anew for every value of a schedule, until torch gives up,
    and parameters that a batch does not use would get gradients of zero. Compiling takes 10 to 60 s at the first batch, and
    needs a C++ compiler on the CPU.
    """

    def __init__(self, model: nn.Module, task: Task, precision: str) -> None:
        super().__init__(model, task, precision)
        self.shapes: tuple[torch.Size, ...] | None = None
        self.compiled = _compiled(self)

    def __call__(self, batch: Batch, number: int) -> StepResult:
        """The loss and outputs of a batch."""
        shapes = tuple(tensor.shape for tensor in tensors((batch.inputs, batch.targets)))
        self.shapes = self.shapes or shapes
        if shapes != self.shapes:
            return super().__call__(batch, number)
        loss, outputs = self.compiled(batch.inputs, batch.targets)
        return StepResult(loss, self.task.weight(batch.targets), outputs)


def _compiled(look: EvaluationStep) -> Callable[[Tree, Tree], tuple[Tensor, Tree]]:
    model, task, context = look.model, look.task, look.context

    def both(inputs: Tree, targets: Tree) -> tuple[Tensor, Tree]:
        with context:
            outputs = call_model(model, inputs)
            return task.loss(outputs, targets), outputs

    compiled: Callable[[Tree, Tree], tuple[Tensor, Tree]] = torch.compile(both, options=dict(_OPTIONS))
    return compiled
