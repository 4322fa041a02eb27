"""Functions of one number, and how steep they are."""

from collections.abc import Callable

import torch
from torch import Tensor


def slopes(function: Callable[[Tensor], Tensor], x: Tensor) -> tuple[Tensor, Tensor]:
    """The function's values at the numbers `x` (any shape), and its derivatives there, by autograd; both in `x`'s shape.

    `function` takes a tensor and works on each number by itself, as `torch.tanh` does. Where it has no one slope (ReLU at
    0), torch's choice is given; a function that does not depend on `x` has slope 0. `x` is left as it is.
    `plots.function(x, {"f": values, "f'": derivatives})` draws both (book row S-08).
    """
    with torch.enable_grad():
        point = x.detach().clone().requires_grad_()
        values = function(point)
        if not values.requires_grad:
            return values.expand_as(point).clone(), torch.zeros_like(point)
        (derivatives,) = torch.autograd.grad(values.sum(), point, allow_unused=True, materialize_grads=True)
    return values.detach(), derivatives
