"""A model's loss as a function of two numbers, with the data and all else held."""

from copy import deepcopy
from typing import NamedTuple

import torch
from torch import Tensor, nn

from stepwell.core.devices import device_of
from stepwell.core.errors import ModelError
from stepwell.core.modules import call_model, mode_restored
from stepwell.core.trees import Tree, rows, tensors, to_device
from stepwell.insight.directions import Direction, one_number
from stepwell.tasks.base import Task

_NUMBERS_AT_ONCE = 2**21


class Rise(NamedTuple):
    """What a step of a number does to the loss: the `change`, and the change per step, the `slope`."""

    change: float
    slope: float


class Curvature(NamedTuple):
    """How a bowl bends: the Hessian's eigenvalues `(2,)`, the least first, and what follows from them.

    `condition` is how many times steeper its steepest direction bends than its flattest: 1 is a round bowl.
    `largest_rate` is the learning rate above which plain gradient descent leaves the bowl, two over the largest eigenvalue.
    Both are infinite where they have no meaning: for a condition with an eigenvalue that is not above 0, for a rate with
    none that is.
    """

    eigenvalues: Tensor
    condition: float
    largest_rate: float


class Plane:
    """The loss of all rows over two directions of a model's parameters.

    `first` and `second` are both names of single numbers (`b`, `0.weight[0,1]`), whose coordinates are their values; or both
    directions over many parameters, whose coordinates count from the parameters as they are now. `names` are for people,
    `start` `(2,)` is where the model is. The model is not changed, and what later becomes of it does not change the plane. It
    is computed in eval mode.

    `at_once` points are computed together (`torch.vmap`), by default as many as are good for memory; 1 takes them one by
    one, for models that vmap cannot follow. Raises `ModelError` for names that the model has not, and for two equal ways.
    """

    def __init__(
        self,
        model: nn.Module,
        task: Task,
        inputs: Tree,
        targets: Tree,
        first: str | Direction,
        second: str | Direction,
        *,
        at_once: int | None = None,
    ) -> None:
        device = device_of(model)
        self.model, self.task = model, task
        self.inputs, self.targets = to_device(inputs, device), to_device(targets, device)
        self._state = {name: t.detach().clone() for name, t in (*model.named_parameters(), *model.named_buffers())}
        self.names, self._ways, named = _understood(model, first, second)
        self._base = {name: self._state[name].clone() for way in self._ways for name in way}
        for name, direction in (pair for way in self._ways for pair in way.items() if named):
            self._base[name][direction != 0] = 0.0
        self._gram = _gram(self._ways)
        self.start = self.locate(model)
        self.at_once = at_once or _enough(model, self.inputs)

    def locate(self, model: nn.Module) -> Tensor:
        """Where a model of the same parameters is, `(2,)`: the nearest point of the plane, if it is beside it."""
        now = dict(model.named_parameters())
        away = {name: now[name].detach() - base for name, base in self._base.items()}
        found: Tensor = torch.linalg.solve(self._gram, torch.stack([_inner(way, away) for way in self._ways]))
        return found

    def model_at_start(self) -> nn.Module:
        """A copy of the model as it was when the plane was made."""
        copy = deepcopy(self.model)
        with torch.no_grad():
            for name, tensor in (*copy.named_parameters(), *copy.named_buffers()):
                tensor.copy_(self._state[name])
        return copy

    def loss(self, point: Tensor) -> Tensor:
        """The loss `()` at a point `(2,)`, which gradients flow through: `minimise(plane.loss, plane.start)` walks down."""
        moved = {name: base + _step(self._ways, point, name) for name, base in self._base.items()}
        with mode_restored(self.model):
            self.model.eval()
            outputs = torch.func.functional_call(_Called(self.model), _under({**self._state, **moved}), (self.inputs,))
        return self.task.loss(outputs, self.targets)

    def losses(self, points: Tensor) -> Tensor:
        """The losses `(points,)` at many points `(points, 2)`, without gradients."""
        points = points.to(self.start)
        with torch.no_grad():
            if self.at_once == 1:
                return torch.stack([self.loss(point) for point in points])
            try:
                return torch.vmap(self.loss, chunk_size=self.at_once)(points)
            except RuntimeError as error:
                raise ModelError(
                    f"The model cannot be computed for several points at once ({str(error).splitlines()[0]}). Give at_once=1:"
                    " it takes them one by one."
                ) from error

    def gradient(self, point: Tensor | None = None) -> Tensor:
        """The gradient `(2,)` at a point, by autograd; at the start, if none is given."""
        found: Tensor = torch.func.grad(self.loss)(self._at(point))
        return found

    def rise(self, along: int, step: float, point: Tensor | None = None) -> Rise:
        """What a finite step of the first (0) or second (1) number does: a gradient by geometry (Godoy, chapter 0)."""
        here = self._at(point)
        there = here + step * torch.eye(2).to(here)[along]
        change = float(self.loss(there)) - float(self.loss(here))
        return Rise(change, change / step)

    def hessian(self, point: Tensor | None = None) -> Tensor:
        """The second derivatives `(2, 2)` at a point, by autograd."""
        found: Tensor = torch.func.jacrev(torch.func.grad(self.loss))(self._at(point))
        return found

    def curvature(self, point: Tensor | None = None) -> Curvature:
        """How the surface bends at a point, and the learning rate that it bears there."""
        values: Tensor = torch.linalg.eigvalsh(self.hessian(point))
        least, most = values.tolist()
        condition = most / least if least > 0 else float("inf")
        return Curvature(values, condition, 2 / most if most > 0 else float("inf"))

    def _at(self, point: Tensor | None) -> Tensor:
        return self.start if point is None else torch.as_tensor(point).to(self.start)


class _Called(nn.Module):
    """A model that takes its inputs as one tree, as `functional_call` wants to give them."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, inputs: Tree) -> Tree:
        return call_model(self.model, inputs)


def _under(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {f"model.{name}": tensor for name, tensor in state.items()}


def _understood(
    model: nn.Module, first: str | Direction, second: str | Direction
) -> tuple[tuple[str, str], tuple[Direction, Direction], bool]:
    """The names for people, the two directions, and whether they are of single numbers."""
    if isinstance(first, str) and isinstance(second, str):
        return (first, second), (one_number(model, first), one_number(model, second)), True
    if isinstance(first, str) or isinstance(second, str):
        raise ModelError("A plane is spanned by two names of numbers or by two directions, not by one of each.")
    return ("direction 1", "direction 2"), (first, second), False


def _gram(ways: tuple[Direction, Direction]) -> Tensor:
    """The inner products `(2, 2)` of the directions."""
    gram = torch.stack([torch.stack([_inner(one, other) for other in ways]) for one in ways])
    if not float(torch.linalg.det(gram.double())) > 1e-12 * float(gram[0, 0].double() * gram[1, 1].double()):
        raise ModelError("The two directions are one and the same, or one has no length, so they span no plane.")
    return gram


def _inner(one: Direction, other: Direction) -> Tensor:
    parts = [(direction * other[name]).sum() for name, direction in one.items() if name in other]
    return torch.stack(parts).sum() if parts else torch.zeros_like(next(iter(one.values())).sum())


def _step(ways: tuple[Direction, Direction], point: Tensor, name: str) -> Tensor:
    parts = [point[i] * way[name] for i, way in enumerate(ways) if name in way]
    return parts[0] if len(parts) == 1 else parts[0] + parts[1]


def _enough(model: nn.Module, inputs: Tree) -> int:
    """How many points to compute together: each has parameters of its own, and activations of all rows."""
    widest = max((len(p) for p in model.parameters() if p.dim()), default=1)
    features = sum(tensor.numel() for tensor in tensors(inputs)) // max(rows(inputs), 1)
    flat = all(tensor.dim() <= 2 for tensor in tensors(inputs))
    each = rows(inputs) * (max(widest, features) if flat else widest * features)
    return max(2, _NUMBERS_AT_ONCE // max(each + sum(p.numel() for p in model.parameters()), 1))
