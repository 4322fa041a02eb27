"""A step that is compiled whole: forward, loss, backward and update as one piece of machine code."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad_and_value

from stepwell.core.devices import autocast, device_of, seed_torch
from stepwell.core.modules import call_model
from stepwell.core.trees import Tree, map_tensors, tensors
from stepwell.data.batch import Batch
from stepwell.training.step import APART, EagerStep, StepResult

_OPTIONS = {"fallback_random": True}  # draw as eager torch does, so that both ways can be compared
Update = Callable[[Tree, Tree], tuple[Tensor, Tree]]


class CompiledStep:
    """Full batches go through compiled code, others (an epoch's short last one) through `eager`, whose settings these are.

    Draws are torch's own, seeded from the seed and the step's number as in an eager step. Compiling takes 10 to 60 s at
    the first step, and needs a C++ compiler on the CPU.
    """

    def __init__(self, model: nn.Module, eager: EagerStep) -> None:
        self.model, self.eager, self.device = model, eager, device_of(model)
        self.shapes: tuple[torch.Size, ...] | None = None
        self.update = _compiled(model, eager)

    def __call__(self, batch: Batch, number: int) -> StepResult:
        """One update."""
        shapes = tuple(tensor.shape for tensor in tensors((batch.inputs, batch.targets)))
        self.shapes = self.shapes or shapes
        if shapes != self.shapes:
            return self.eager(batch, number)
        seed_torch((self.eager.seed + number * APART) % 2**64, self.device)
        loss, outputs = self.update(batch.inputs, batch.targets)
        return StepResult(loss.detach(), self.eager.task.weight(batch.targets), outputs)


def _compiled(model: nn.Module, eager: EagerStep) -> Update:
    """In one piece where the forward pass changes nothing; running statistics that it updates keep it in parts."""
    tracks = any(getattr(module, "track_running_stats", False) for module in model.modules())
    return (_in_parts if tracks else _whole)(model, eager)


def _whole(model: nn.Module, eager: EagerStep) -> Update:
    parameters: dict[str, Tensor] = {
        name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad
    }

    def update(inputs: Tree, targets: Tree) -> tuple[Tensor, Tree]:
        def loss_of(given: dict[str, Tensor]) -> tuple[Tensor, Tree]:
            with autocast(eager.look.precision, eager.look.device):
                outputs = functional_call(model, given, *_arguments(inputs))
                return eager.task.loss(outputs, targets), outputs

        gradients, (loss, outputs) = grad_and_value(loss_of, has_aux=True)(parameters)
        for name, parameter in parameters.items():
            parameter.grad = gradients[name]
        eager.apply_gradients()
        return loss, outputs

    return torch.compile(update, options=dict(_OPTIONS))


def _arguments(inputs: Tree) -> tuple[Any, ...]:
    """Positions and keywords, as `call_model` gives them."""
    if isinstance(inputs, dict):
        return (), inputs
    return (tuple(inputs) if isinstance(inputs, (tuple, list)) else (inputs,),)


def _in_parts(model: nn.Module, eager: EagerStep) -> Update:
    """Forward and backward in a graph each, and the update in a third."""

    def look(inputs: Tree, targets: Tree) -> tuple[Tensor, Tree]:
        with autocast(eager.look.precision, eager.look.device):
            outputs = call_model(model, inputs)
            return eager.task.loss(outputs, targets), outputs

    forward = torch.compile(look, options=dict(_OPTIONS))
    apply = torch.compile(eager.apply_gradients, options=dict(_OPTIONS))

    def update(inputs: Tree, targets: Tree) -> tuple[Tensor, Tree]:
        eager.optimizer.zero_grad(set_to_none=True)
        loss, outputs = forward(inputs, targets)
        loss.backward()  # type: ignore[no-untyped-call]
        apply()
        return loss, map_tensors(Tensor.detach, outputs)

    return update
