"""The layers of a model, as its data passes through them."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from stepwell.core.modules import call_model, mode_restored
from stepwell.core.trees import Tree, tensors


@dataclass(frozen=True)
class Layer:
    """One call of a module: its name in the model, its kind, the shapes of its outputs and its own parameters' number.

    A module that is used again has a layer for each call, and its parameters in the first alone.
    """

    name: str
    kind: str
    shapes: tuple[tuple[int, ...], ...]
    parameters: int


def layers(model: nn.Module, inputs: Tree) -> list[Layer]:
    """The layers that a batch of inputs passes, in the order of their calls, in eval mode and without gradients.

    They are the modules without children, and those that hold parameters themselves. Inputs that are a dict go to the
    model as keywords, a tuple as positions. The modules' modes are given back as they were.
    """
    calls = _Calls(model)
    hooks = [hook for module in model.modules() for hook in calls.watch(module)]
    try:
        with mode_restored(model), torch.no_grad():
            call_model(model.eval(), inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return calls.layers()


class _Calls:
    """The modules' calls, in the order in which they begin."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.names = {module: name for name, module in model.named_modules()}
        self.called: list[tuple[nn.Module, list[tuple[int, ...]]]] = []
        self.open: list[int] = []

    def watch(self, module: nn.Module) -> tuple[Any, Any]:
        return module.register_forward_pre_hook(self.begin), module.register_forward_hook(self.end)

    def begin(self, module: nn.Module, inputs: Any) -> None:
        self.open.append(len(self.called))
        self.called.append((module, []))

    def end(self, module: nn.Module, inputs: Any, outputs: Any) -> None:
        self.called[self.open.pop()][1].extend(tuple(tensor.shape) for tensor in tensors(outputs))

    def layers(self) -> list[Layer]:
        counts, found = self.counts(), []
        for module, shapes in self.called:
            name = self.names[module]
            if counts.get(name) or not any(module.children()):
                found.append(Layer(name, type(module).__name__, tuple(shapes), counts.pop(name, 0)))
        return found

    def counts(self) -> dict[str, int]:
        """The number of parameters of each called module: its own, and those of parts that it uses without a call."""
        called, counts = {self.names[module] for module, _ in self.called}, dict[str, int]()
        for name, parameter in self.model.named_parameters():
            owner = name.rpartition(".")[0]
            while owner and owner not in called:
                owner = owner.rpartition(".")[0]
            counts[owner] = counts.get(owner, 0) + parameter.numel()
        return counts
