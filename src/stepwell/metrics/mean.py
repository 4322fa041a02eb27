"""A weighted mean, kept as two float64 numbers: how an epoch's loss is made of its batches'."""

import math

import torch
from torch import Tensor


class Mean:
    """The weighted mean of all numbers seen; NaN of none. It has a metric's verbs, but no targets.

    The state is `(2,)` float64: the weighted sum, and the sum of weights. A batch's mean loss goes in with its number
    of rows as the weight, so that a short last batch counts for its rows only; a row's own loss goes in as it is.
    """

    def zero(self, device: torch.device) -> Tensor:
        """`(2,)` zeros."""
        return torch.zeros(2, dtype=torch.float64, device=device)

    def update(self, state: Tensor, values: Tensor, weight: float = 1.0) -> None:
        """Add `values` (any shape, any numeric type), each with the weight `weight`, in place."""
        state[0].add_(values.detach().sum(dtype=torch.float64), alpha=weight)
        state[1].add_(weight * values.numel())

    def compute(self, state: Tensor) -> float:
        """The mean; NaN where the weights are zero."""
        total, weight = state.tolist()
        return total / weight if weight else math.nan

    def merge(self, states: Tensor) -> Tensor:
        """One state out of several, stacked along the first dimension."""
        return states.sum(0)
