"""What becomes of a model's layers while it trains: their activations, gradients and weights, in a few numbers a step."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from stepwell.core.errors import TrainingError
from stepwell.core.layers import Choice, choose
from stepwell.core.trees import Tree, tensors
from stepwell.training.hooks.base import Hook
from stepwell.training.step import StepResult
from stepwell.training.training import Training

Array = npt.NDArray[np.float64]
KINDS = ("activations", "gradients", "weights")
NUMBERS = ("mean", "std", "largest", "zeros", "dead", "saturated")
_LIMITS: Mapping[type[nn.Module], tuple[float, float]] = {
    nn.Sigmoid: (0.0, 1.0),
    nn.Hardsigmoid: (0.0, 1.0),
    nn.Tanh: (-1.0, 1.0),
    nn.Hardtanh: (-1.0, 1.0),
    nn.Softsign: (-1.0, 1.0),
}
_NEAR = 0.01  # of a limit, as a share of the range


@dataclass(frozen=True, eq=False)
class Statistics:
    """Numbers of layers over `steps` (from 1): `values[kind][name]` is float64 `(steps, layers)`, for `layers` in their order.

    The kinds are `activations` (what a layer gives), `gradients` (of its weights) and `weights`; of layers without weights
    the last two are NaN. The names are `mean`, `std`, `largest` (absolute value), `zeros` (share of the numbers), `dead`
    (share of the units, along the second dimension, that are 0 for every row of a batch), and `saturated` (share within a
    hundredth of a limit, for activations that have limits).
    """

    steps: tuple[int, ...]
    layers: tuple[str, ...]
    values: Mapping[str, Mapping[str, Array]]

    def over(self, kind: str, name: str) -> dict[str, tuple[tuple[int, ...], Array]]:
        """A number over the steps by layer, as `plots.progress` draws it, without layers that have none."""
        table = self.values[kind][name]
        columns = {layer: table[:, place] for place, layer in enumerate(self.layers)}
        return {layer: (self.steps, column) for layer, column in columns.items() if not np.isnan(column).all()}


class LayerStatistics(Hook):
    """A hook that keeps, every so many steps, some numbers of each layer: see `Statistics`.

    `layers` are names, patterns or kinds, as for `capture`. The numbers stay on the device until they are read. At most `keep`
    steps are kept: where there are more, every second one is dropped, and from then on `every` is twice as large, so that the
    whole training stays in sight at a fixed cost. Steps in between cost nothing but the calls of the hooks. A layer that is
    called several times in a step gives the mean over its calls. Gradients are those that the optimizer works with. A step
    that is compiled shows nothing between its layers, so such a training is refused with `TrainingError`.
    """

    between_layers = True

    def __init__(self, layers: Choice | Sequence[Choice] = "*", *, every: int = 1, keep: int = 512) -> None:
        if every < 1 or keep < 2:
            raise TrainingError(
                f"Statistics of one step in {every}, {keep} of them at most: give every ≥ 1 and keep ≥ 2."
            )
        self._layers, self._first, self._keep = layers, every, keep
        self._every = every
        self._chosen: dict[str, nn.Module] = {}
        self._calls: dict[str, list[Tensor]] = {}
        self._seen: list[tuple[int, Tensor]] = []
        self._hooks: list[Any] = []
        self._due = False

    def fit_start(self, training: Training) -> None:
        """Put hooks on the layers; a new fit begins anew."""
        if training.experiment.compiled == "yes":
            raise TrainingError(
                "Statistics of layers are taken between them, where a compiled step has nothing to look at. Train with"
                " compiled='no', or without LayerStatistics."
            )
        self._chosen, self._seen, self._every = choose(training.model, self._layers), [], self._first
        for name, module in self._chosen.items():
            self._hooks.append(module.register_forward_hook(partial(self._called, name)))
        self._prepare(training)

    def step_end(self, training: Training, result: StepResult) -> None:
        """Keep the numbers of a step that is due."""
        if self._due:
            rows = [self._row(name, module, training.device) for name, module in self._chosen.items()]
            self._seen.append((training.step, torch.stack(rows)))
            if len(self._seen) > self._keep:
                self._every *= 2
                self._seen = [entry for entry in self._seen if entry[0] % self._every == 0]
        self._prepare(training)

    def fit_end(self, training: Training, error: BaseException | None) -> None:
        """Take the hooks away."""
        self._due = False
        while self._hooks:
            self._hooks.pop().remove()

    @property
    def statistics(self) -> Statistics:
        """What was kept so far."""
        layers, shape = tuple(self._chosen), (len(KINDS), len(NUMBERS))
        kept = [row.double().cpu().numpy() for _, row in self._seen]
        table = np.stack(kept) if kept else np.zeros((0, len(layers), *shape))
        values = {
            kind: {name: table[:, :, first, second] for second, name in enumerate(NUMBERS)}
            for first, kind in enumerate(KINDS)
        }
        return Statistics(tuple(step for step, _ in self._seen), layers, values)

    def _prepare(self, training: Training) -> None:
        self._due = (training.step + 1) % self._every == 0
        self._calls = {}

    def _called(self, name: str, module: nn.Module, inputs: Any, outputs: Tree) -> None:
        if self._due and module.training:
            given = [each for each in tensors(outputs) if each.is_floating_point() and each.numel()]
            self._calls.setdefault(name, []).extend(
                measure(each.detach(), _LIMITS.get(type(module))) for each in given[:1]
            )

    def _row(self, name: str, module: nn.Module, device: torch.device) -> Tensor:
        """The numbers of a layer, `(kinds, numbers)`."""
        calls, weight = self._calls.get(name), _weight(module)
        nothing = torch.full((len(NUMBERS),), torch.nan, device=device)
        return torch.stack(
            [
                torch.stack(calls).mean(0) if calls else nothing,
                nothing if weight is None or weight.grad is None else measure(weight.grad),
                nothing if weight is None else measure(weight.detach()),
            ]
        )


def measure(values: Tensor, limits: tuple[float, float] | None = None) -> Tensor:
    """The numbers of a tensor, rows first, in the order of `NUMBERS`, float32 on its device."""
    values = values.float()
    std, mean = torch.std_mean(values, correction=0)
    zero = values == 0
    dead = zero.movedim(1, 0).flatten(1).all(1).float().mean() if values.dim() > 1 else torch.nan * mean
    return torch.stack([mean, std, values.abs().max(), zero.float().mean(), dead, _saturated(values, limits)])


def _saturated(values: Tensor, limits: tuple[float, float] | None) -> Tensor:
    if limits is None:
        return torch.full((), torch.nan, device=values.device)
    low, high = limits
    near = _NEAR * (high - low)
    return ((values < low + near) | (values > high - near)).float().mean()


def _weight(module: nn.Module) -> nn.Parameter | None:
    """A layer's own weight: the first of its parameters that has two dimensions or more, or else the first."""
    own = list(module.parameters(recurse=False))
    return next((each for each in own if each.dim() > 1), own[0] if own else None)


def spread_of(
    model: nn.Module, backward: Callable[[], object], layers: Choice | Sequence[Choice] = "*"
) -> dict[str, dict[str, Tensor]]:
    """All numbers of some layers in one pass, for `plots.violins`: `activations`, `gradients` and `weights` by layer.

    `backward()` computes a loss of the model and calls its `.backward()`. The parameters' own gradients are given back as they
    were. Everything is a copy on the CPU. Godoy, extra chapter (rows SE.1 to SE.3).
    """
    chosen = choose(model, layers)
    found: dict[str, dict[str, Tensor]] = {kind: {} for kind in KINDS}
    weights = {name: weight for name, module in chosen.items() if (weight := _weight(module)) is not None}
    found["weights"] = {name: weight.detach().cpu().clone() for name, weight in weights.items()}

    def keep(name: str, module: nn.Module, inputs: Any, outputs: Tree) -> None:
        for tensor in list(tensors(outputs))[:1]:
            found["activations"][name] = tensor.detach().cpu().clone()

    kept = [(parameter, parameter.grad) for parameter in model.parameters()]
    hooks = [module.register_forward_hook(partial(keep, name)) for name, module in chosen.items()]
    try:
        for parameter, _ in kept:
            parameter.grad = None
        backward()
        found["gradients"] = {name: w.grad.cpu().clone() for name, w in weights.items() if w.grad is not None}
    finally:
        for parameter, gradient in kept:
            parameter.grad = gradient
        for hook in hooks:
            hook.remove()
    return found
