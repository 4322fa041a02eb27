"""The loss over a grid of two parameters: a landscape to look at."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from stepwell.core.errors import ModelError, suggest
from stepwell.core.trees import Tree
from stepwell.insight.directions import Direction
from stepwell.insight.plane import Plane
from stepwell.tasks.base import Task

Array = npt.NDArray[np.float64]
Span = float | tuple[tuple[float, float], tuple[float, float]]


class Spot(NamedTuple):
    """A point of a surface."""

    x: float
    y: float
    loss: float


@dataclass(frozen=True, eq=False)
class Cut:
    """The losses over one parameter, with the other held: `values` and `losses`, of one length."""

    along: str
    values: Array
    losses: Array
    held: str
    at: float


@dataclass(frozen=True, eq=False)
class Surface:
    """Losses `(len(y), len(x))` over values `x` of the first and `y` of the second number of a plane, all float64.

    `start` is where the model is, which need not be on the grid. `plane` computes gradients, curvature, and the loss at any
    other point. Where the loss is not finite, the surface is so, too.
    """

    plane: Plane
    x: Array
    y: Array
    losses: Array
    start: Spot

    @property
    def minimum(self) -> Spot:
        """The lowest point of the grid."""
        row, column = np.unravel_index(int(np.nanargmin(self.losses)), self.losses.shape)
        return self._spot(int(row), int(column))

    def nearest(self, x: float, y: float) -> Spot:
        """The point of the grid that is nearest to the coordinates."""
        return self._spot(int(np.abs(self.y - y).argmin()), int(np.abs(self.x - x).argmin()))

    def cut(self, along: str, at: float) -> Cut:
        """The cross-section along one number, with the other held at the value of the grid that is nearest to `at`.

        Raises `ModelError` for a number that the surface has not.
        """
        first, second = self.plane.names
        if along not in (first, second):
            raise ModelError(
                f"The surface is over {first} and {second}, not {along!r}.{suggest(along, (first, second))}"
            )
        if along == first:
            place = int(np.abs(self.y - at).argmin())
            return Cut(first, self.x, self.losses[place], second, float(self.y[place]))
        place = int(np.abs(self.x - at).argmin())
        return Cut(second, self.y, self.losses[:, place], first, float(self.x[place]))

    def _spot(self, row: int, column: int) -> Spot:
        return Spot(float(self.x[column]), float(self.y[row]), float(self.losses[row, column]))


def loss_surface(
    model: nn.Module,
    task: Task,
    inputs: Tree,
    targets: Tree,
    *,
    first: str | Direction,
    second: str | Direction,
    points: int = 101,
    span: Span = 1.0,
    at_once: int | None = None,
) -> Surface:
    """The loss of all given rows on a grid of `points` by `points` values of two parameters.

    `first` and `second` are names of single numbers, such as `b` and `w` or `0.weight[0,0]`; or directions over all
    parameters, such as two of `random_direction(model, seed)`. `span` is how far the grid goes to both sides of the model,
    or the ends themselves, `((x_least, x_most), (y_least, y_most))`. The model is left as it is; see `Plane` for the rest.
    """
    plane = Plane(model, task, inputs, targets, first, second, at_once=at_once)
    return surface_of(plane, points=points, span=span)


def surface_of(plane: Plane, *, points: int = 101, span: Span = 1.0) -> Surface:
    """The surface over a plane."""
    here: list[float] = plane.start.tolist()
    ends = [(at - span, at + span) for at in here] if isinstance(span, (int, float)) else span
    x, y = (np.linspace(low, high, points) for low, high in ends)
    grid = np.stack([each.reshape(-1) for each in np.meshgrid(x, y)], axis=1)
    losses = plane.losses(torch.from_numpy(grid)).double().cpu().numpy().reshape(len(y), len(x))
    return Surface(plane, x, y, losses, Spot(here[0], here[1], float(plane.loss(plane.start))))


def move(plane: Plane, along: int, rate: float, point: Tensor | None = None, *, step: float | None = None) -> float:
    """How far one update of gradient descent moves the first (0) or second (1) number: minus the rate times the gradient.

    The gradient is autograd's, or with a finite `step` the geometric one.
    """
    slope = float(plane.gradient(point)[along]) if step is None else plane.rise(along, step, point).slope
    return -rate * slope
