"""The gradients of every step of a training."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from stepwell.core.layers import Choice, choose
from stepwell.training.hooks.base import Hook
from stepwell.training.step import StepResult
from stepwell.training.training import Training


class GradientRecorder(Hook):
    """A hook that keeps the gradients of some layers' parameters, step by step.

    `layers` are names, patterns or kinds, as for `capture`. What is kept is what the optimizer works with: added up over the
    parts of a batch, and clipped; with `clipped=False` what it was before clipping. It stays on the device until it is read,
    and all of it in memory: choose few layers, or one step in `every`. Godoy, chapter 6 and extra chapter (rows S37, SE.4, SE.6).
    """

    def __init__(self, layers: Choice | Sequence[Choice] = "*", *, every: int = 1, clipped: bool = True) -> None:
        self._layers, self._every, self._clipped = layers, every, clipped
        self._named: dict[str, nn.Parameter] = {}
        self._arrived: dict[str, Tensor] = {}
        self._seen: dict[str, list[Tensor]] = {}
        self._hooks: list[Any] = []
        self.steps: list[int] = []

    def fit_start(self, training: Training) -> None:
        """Find the parameters; a new fit begins anew."""
        self._named = _trainable(training.model, self._layers)
        self._seen, self.steps = {name: [] for name in self._named}, []
        if not self._clipped:
            for name, parameter in self._named.items():
                handle = parameter.register_post_accumulate_grad_hook(self._arriving(name))  # type: ignore[no-untyped-call]
                self._hooks.append(handle)

    def step_end(self, training: Training, result: StepResult) -> None:
        """Keep the step's gradients, 0 for a parameter that the loss did not depend on."""
        if training.step % self._every:
            return
        self.steps.append(training.step)
        for name, parameter in self._named.items():
            found = parameter.grad if self._clipped else self._arrived.pop(name, None)
            self._seen[name].append(torch.zeros_like(parameter) if found is None else found.detach().clone())

    def fit_end(self, training: Training, error: BaseException | None) -> None:
        """Take the hooks away."""
        while self._hooks:
            self._hooks.pop().remove()
        self._arrived.clear()

    @property
    def gradients(self) -> dict[str, Tensor]:
        """The gradients `(steps, *shape)` by the parameters' names, on the CPU; `steps` are their numbers, from 1."""
        return {name: torch.stack(seen).cpu() for name, seen in self._seen.items() if seen}

    def _arriving(self, name: str) -> Any:
        def keep(parameter: Tensor) -> None:  # of a batch in parts the last call has the whole
            if parameter.grad is not None:
                self._arrived[name] = parameter.grad.detach().clone()

        return keep


def _trainable(model: nn.Module, layers: Choice | Sequence[Choice]) -> dict[str, nn.Parameter]:
    chosen = {id(parameter) for module in choose(model, layers).values() for parameter in module.parameters()}
    return {name: each for name, each in model.named_parameters() if id(each) in chosen and each.requires_grad}
