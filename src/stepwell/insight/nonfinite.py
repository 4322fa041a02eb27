"""Where a training stopped being finite: the step, and the layer."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn

from stepwell.core.layers import choose
from stepwell.core.trees import Tree, tensors
from stepwell.training.hooks.base import Hook
from stepwell.training.step import StepResult
from stepwell.training.training import Training

What = Literal["output", "loss", "gradient", "weight"]
_KEPT = 160  # steps: the loop notices a loss that is not finite within 64 of them
_CHECKED_EVERY = 64


@dataclass(frozen=True)
class NonFinite:
    """The first number that was NaN or infinite: at `step` (from 1), `what` it was, and whose: a layer's, or a parameter's.

    `before` is the largest absolute value of the same a step earlier, None at the first step.
    """

    step: int
    what: What
    name: str
    before: float | None

    @property
    def sentence(self) -> str:
        """All of it in words."""
        whose = {"output": f"output of {self.name}", "loss": "loss"}.get(self.what, f"{self.what} of {self.name}")
        earlier = "" if self.before is None else f"; a step before, its largest number was {self.before:.3g}"
        return f"The first number that was not finite came at step {self.step}, in the {whose}{earlier}."


class FirstNonFinite(Hook):
    """A hook that finds the step and the layer at which a training first stopped being finite; `found` is None where none did.

    Of each step it keeps the largest absolute value of every layer's output, of the loss, of every gradient and of every
    weight after the update, in the order in which a step computes them, on the device; they are looked at every 64 steps and in
    the end, so that no step waits. It passes over all of these, which costs about as much as an element-wise layer behind each
    layer: it is for trainings that diverge. Godoy, extra chapter (row SE.4).
    """

    def __init__(self) -> None:
        self.found: NonFinite | None = None
        self._parameters: list[tuple[str, nn.Parameter]] = []
        self._outputs: list[tuple[str, Tensor]] = []
        self._steps: deque[tuple[int, list[tuple[What, str]], Tensor]] = deque(maxlen=_KEPT)
        self._hooks: list[Any] = []
        self._checked = 0

    def fit_start(self, training: Training) -> None:
        """Put hooks on the layers; a new fit begins anew."""
        self.found, self._checked = None, training.step
        self._steps.clear()
        self._outputs.clear()
        self._parameters = [(n, p) for n, p in training.model.named_parameters() if p.requires_grad]
        for name, module in choose(training.model).items():
            self._hooks.append(module.register_forward_hook(partial(self._called, name)))

    def step_end(self, training: Training, result: StepResult) -> None:
        """Keep the step's largest numbers."""
        outputs, self._outputs = self._outputs, []
        graded = [(name, p.grad) for name, p in self._parameters if p.grad is not None]
        weights = [(name, p.detach()) for name, p in self._parameters]
        names: list[tuple[What, str]] = [
            *(("output", name) for name, _ in outputs),
            ("loss", ""),
            *(("gradient", name) for name, _ in graded),
            *(("weight", name) for name, _ in weights),
        ]
        largest = [*(each for _, each in outputs), result.loss.abs()]
        largest += [_largest(tensor) for _, tensor in (*graded, *weights)]
        self._steps.append((training.step, names, torch.stack([each.float().reshape(()) for each in largest])))
        if training.step - self._checked >= _CHECKED_EVERY:
            self._look()
            self._checked = training.step

    def fit_end(self, training: Training, error: BaseException | None) -> None:
        """Take the hooks away, and look at what is left."""
        while self._hooks:
            self._hooks.pop().remove()
        self._look()

    def _called(self, name: str, module: nn.Module, inputs: Any, outputs: Tree) -> None:
        if module.training:
            given = [_largest(each.detach()) for each in tensors(outputs) if each.is_floating_point() and each.numel()]
            self._outputs.extend((name, each) for each in given)

    def _look(self) -> None:
        """Find the first number that is not finite among the steps that are kept."""
        if self.found is not None or not self._steps:
            return
        finite = torch.stack([torch.isfinite(largest).all() for _, _, largest in self._steps]).tolist()
        if all(finite):
            return
        number = finite.index(False)
        step, names, largest = self._steps[number]
        place = int((~torch.isfinite(largest)).nonzero()[0])
        what, name = names[place]
        self.found = NonFinite(step, what, name, _before(list(self._steps)[:number], (what, name)))


def _largest(tensor: Tensor) -> Tensor:
    """The largest absolute value; NaN where one is."""
    return tensor.abs().amax()


def _before(steps: Sequence[tuple[int, list[tuple[What, str]], Tensor]], which: tuple[What, str]) -> float | None:
    if not steps or which not in steps[-1][1]:
        return None
    return float(steps[-1][2][steps[-1][1].index(which)])
