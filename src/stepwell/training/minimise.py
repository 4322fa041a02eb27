"""Walking down a function of a few numbers, with every step written down: what training is, small enough to draw."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import SGD, Optimizer

from stepwell.core.errors import TrainingError

Function = Callable[[Tensor], Tensor]
Reason = Literal["settled", "steps", "diverged"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Descent:
    """A way down a function: the points `(updates + 1, *shape)` from the start to the end, and at each of them the value
    `(updates + 1,)` and the gradient `(updates + 1, *shape)`.

    `reason` is why it ended: `settled` (the last update moved the point by no more than the tolerance), `steps` (all were
    made) or `diverged` (the next point's value or gradient was NaN or infinite; it is left out, so that all numbers here
    are finite).
    """

    points: Tensor
    values: Tensor
    gradients: Tensor
    reason: Reason

    @property
    def updates(self) -> int:
        """How often the point was moved."""
        return len(self.points) - 1

    @property
    def point(self) -> Tensor:
        """Where it ended."""
        return self.points[-1]

    @property
    def value(self) -> float:
        """The function's value there."""
        return float(self.values[-1])


class _Sight(NamedTuple):
    """What is seen at a point."""

    point: Tensor
    value: Tensor
    gradient: Tensor

    @property
    def finite(self) -> bool:
        return bool(torch.isfinite(self.value)) and bool(torch.isfinite(self.gradient).all())


def minimise(
    function: Function,
    start: Tensor | Sequence[float] | float,
    *,
    rate: float = 0.1,
    optimizer: Callable[..., Optimizer] = SGD,
    tolerance: float | None = None,
    steps: int = 1000,
) -> Descent:
    """Walk from `start` (any shape) towards a minimum of `function`, which takes a tensor like it and gives one number.

    `optimizer` is called as torch's classes are, `optimizer([point], lr=rate)`; the default is plain gradient descent,
    and settings are given with `partial(SGD, momentum=0.9)`. It ends after `steps` updates, or before, once an update moves
    the point by at most `tolerance` (in the 2-norm), or where value or gradient stop being finite. `start` is not changed;
    its dtype is that of the walk, float32 for plain numbers. With `steps=0` it is a look at the start alone.

    Raises `TrainingError` for a function that gives several numbers, one that torch cannot differentiate, and one that is
    not finite at the start. Source: Raff, *Inside Deep Learning*, section 1.3 (book rows S-09 to S-12).
    """
    point = nn.Parameter(_as_point(start))
    walker = optimizer([point], lr=rate)
    seen = [_look(function, point)]
    if not seen[0].finite:
        raise TrainingError(
            f"At the start, {_shown(point)}, the function is {float(seen[0].value):g} and its gradient"
            f" {_shown(seen[0].gradient)}. Start where both are finite."
        )

    def look_again() -> float:  # LBFGS asks at several points of a step; the others once, where the answer is known
        return float(seen[-1].value if torch.equal(seen[-1].point, point) else _look(function, point).value)

    reason: Reason = "steps"
    for _ in range(steps):
        walker.step(look_again)
        sight = _look(function, point)
        if not sight.finite:
            reason = "diverged"
            break
        seen.append(sight)
        if tolerance is not None and float(torch.dist(sight.point, seen[-2].point)) <= tolerance:
            reason = "settled"
            break
    points, values, gradients = (torch.stack(column) for column in zip(*seen, strict=True))
    return Descent(points=points, values=values, gradients=gradients, reason=reason)


def _as_point(start: Tensor | Sequence[float] | float) -> Tensor:
    given = torch.as_tensor(start)
    return (given if given.is_floating_point() else given.to(torch.get_default_dtype())).detach().clone()


def _look(function: Function, point: nn.Parameter) -> _Sight:
    """Value and gradient at the point; the gradient is left there for the optimizer, too."""
    point.grad = None
    with torch.enable_grad():
        value = function(point)
    if value.numel() != 1:
        raise TrainingError(
            f"The function gives {value.numel()} numbers at a point of shape {tuple(point.shape)}; one is to be made small."
            " Say what they come to: their sum, or their mean."
        )
    if value.requires_grad:
        value.backward()  # type: ignore[no-untyped-call]
    if point.grad is None:
        raise TrainingError(
            "The function's value cannot be followed back to the point: it does not depend on it, or leaves torch on the way"
            " (NumPy, math, .item(), .detach()). Compute it with torch's operations."
        )
    return _Sight(point.detach().clone(), value.detach().reshape(()), point.grad.clone())


def _shown(tensor: Tensor) -> str:
    numbers = [f"{number:g}" for number in tensor.detach().reshape(-1)[:6].tolist()]
    return f"({', '.join(numbers)}{', …' if tensor.numel() > 6 else ''})"
