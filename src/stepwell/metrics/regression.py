"""How far predicted values are from their targets. All elements of a row count alike, whatever its shape."""

import math
from typing import ClassVar

import torch
from torch import Tensor

from stepwell.metrics.base import Metric, View
from stepwell.metrics.mean import Mean
from stepwell.metrics.pairs import paired

_MEAN = Mean()


def _in_double(predicted: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Both as float64 vectors: differences of float32 and shorter numbers are then exact, but for overflow."""
    values, truth = paired(predicted, targets)
    return values.double(), truth.double()


class MAE(Metric):
    """`mae`: the mean absolute error, in the targets' units; NaN of no rows. The state is that of `Mean`."""

    needs: ClassVar[View] = "values"

    def zero(self, device: torch.device) -> Tensor:
        """`(2,)` float64: the sum of absolute errors, and the number of elements."""
        return _MEAN.zero(device)

    def update(self, state: Tensor, predicted: Tensor, targets: Tensor) -> None:
        """Add a batch of values shaped as the targets. Raises `TaskError` where they do not pair up."""
        values, truth = _in_double(predicted, targets)
        _MEAN.update(state, (values - truth).abs_())

    def compute(self, state: Tensor) -> dict[str, float]:
        """`{"mae": error}`."""
        return {"mae": _MEAN.compute(state)}


class RMSE(Metric):
    """`rmse`: root of the mean squared error, in the targets' units; NaN of no rows. Its state is that of `Mean`."""

    needs: ClassVar[View] = "values"

    def zero(self, device: torch.device) -> Tensor:
        """`(2,)` float64: the sum of squared errors, and the number of elements."""
        return _MEAN.zero(device)

    def update(self, state: Tensor, predicted: Tensor, targets: Tensor) -> None:
        """Add a batch of values shaped as the targets. Raises `TaskError` where they do not pair up."""
        values, truth = _in_double(predicted, targets)
        _MEAN.update(state, (values - truth).square_())

    def compute(self, state: Tensor) -> dict[str, float]:
        """`{"rmse": error}`."""
        return {"rmse": math.sqrt(_MEAN.compute(state))}


class R2(Metric):
    """`r2`: one minus the squared error over the targets' squared distance from their mean.

    1 is perfect, 0 is no better than the mean, below 0 is worse. NaN for no rows, one element or constant targets,
    which have no spread to explain (scikit-learn's `r2_score` warns and gives NaN for one element, but says 0 or 1 for
    constant targets). Several values a row are pooled, as `r2_score` does with raveled arrays; no mean of columns.

    The state is `(4,)` float64: elements, mean of the targets, their summed squared distance from it, and the summed
    squared error. States are merged by Chan, Golub and LeVeque's rule (*Updating formulae and a pairwise algorithm for
    computing sample variances*, 1979); sums of squares would lose the spread of targets such as 1e8 ± 1.
    """

    needs: ClassVar[View] = "values"

    def zero(self, device: torch.device) -> Tensor:
        """`(4,)` zeros."""
        return torch.zeros(4, dtype=torch.float64, device=device)

    def update(self, state: Tensor, predicted: Tensor, targets: Tensor) -> None:
        """Add a batch of values shaped as the targets. Raises `TaskError` where they do not pair up."""
        values, truth = _in_double(predicted, targets)
        if not truth.numel():  # the mean of nothing is NaN, which no merging takes out again
            return
        variance, centre = torch.var_mean(truth, correction=0)
        elements, mean, spread, error = state.unbind()
        # The first batch must become the mean to the bit, or constant targets would seem to spread: 1 - 0 is exact.
        before, distance = elements / (elements + truth.numel()), centre - mean
        spread.add_(variance + distance.square() * before, alpha=truth.numel())
        mean.add_(distance * (1 - before))
        elements.add_(truth.numel())
        error.add_((values - truth).square_().sum())

    def compute(self, state: Tensor) -> dict[str, float]:
        """`{"r2": share}`."""
        _, _, spread, error = state.tolist()
        return {"r2": math.nan if spread == 0 else 1 - error / spread}

    def merge(self, states: Tensor) -> Tensor:
        """One state out of several of disjoint rows, stacked along the first dimension."""
        elements, means, spreads, errors = states.unbind(1)
        total = elements.sum()
        # As a distance from the mean of the largest state: equal means give back exactly that mean, hence no spread.
        anchor = means.gather(0, elements.argmax(keepdim=True))
        mean = anchor + (elements / total.clamp(min=1) * (means - anchor)).sum()
        spread = spreads.sum() + (elements * (means - mean).square()).sum()
        return torch.stack((total, mean.squeeze(0), spread, errors.sum()))
