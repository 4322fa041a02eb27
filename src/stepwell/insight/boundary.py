"""Where a classifier changes its mind."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from stepwell.core.errors import DataError, ModelError
from stepwell.insight.outputs import outputs_of
from stepwell.tasks.base import Task

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Decisions:
    """What a model says over a grid of two features, `x` and `y`, with the others held, all float64.

    `outputs` are the model's own (such as logits) and `predictions` what the task makes of them (probabilities, values):
    `(len(y), len(x))` where there is one number a row, else `(len(y), len(x), numbers)`.
    """

    x: Array
    y: Array
    outputs: Array
    predictions: Array

    @property
    def classes(self) -> npt.NDArray[np.int64]:
        """The most probable class at each place, `(len(y), len(x))`; of one probability, whether it is 0.5 or more."""
        one = self.predictions.ndim == 2
        best = self.predictions >= 0.5 if one else self.predictions.argmax(axis=-1)
        return best.astype(np.int64)


def decision_grid(
    model: nn.Module,
    task: Task,
    inputs: Tensor,
    *,
    features: tuple[int, int] = (0, 1),
    held: Tensor | Sequence[float] | None = None,
    points: int = 150,
    margin: float = 0.1,
) -> Decisions:
    """What a model says of a plane through its inputs: over two features of the rows `inputs` `(rows, features)`.

    The grid has `points` by `points` places and goes from the least to the largest value of each feature, and a share
    `margin` of that range beyond. The other features are those of the row `held`, by default their medians. The model is left
    as it is. Raises `DataError` for inputs of another form and for features that they have not.
    """
    if not isinstance(inputs, Tensor) or inputs.dim() != 2 or not all(0 <= f < inputs.shape[1] for f in features):
        form = tuple(inputs.shape) if isinstance(inputs, Tensor) else type(inputs).__name__
        raise DataError(
            f"A grid over the features {features} takes inputs (rows, features) that have them; given: {form}."
        )
    row = inputs.median(dim=0).values if held is None else torch.as_tensor(held).to(inputs)
    if row.shape != inputs.shape[1:]:
        raise DataError(f"held is one row of {inputs.shape[1]} features; it has the shape {tuple(row.shape)}.")
    x, y = (_range(inputs[:, feature], points, margin) for feature in features)
    places = row.repeat(points * points, 1)
    across, along = torch.meshgrid(x, y, indexing="xy")
    places[:, features[0]], places[:, features[1]] = across.reshape(-1), along.reshape(-1)
    outputs = outputs_of(model, places)
    answers = [_as_grid(found, points) for found in (outputs, task.predict(outputs))]
    return Decisions(x.double().cpu().numpy(), y.double().cpu().numpy(), answers[0], answers[1])


def _range(values: Tensor, points: int, margin: float) -> Tensor:
    low, high = float(values.min()), float(values.max())
    beyond = margin * (high - low) if high > low else 1.0
    return torch.linspace(low - beyond, high + beyond, points, dtype=values.dtype, device=values.device)


def _as_grid(found: Tensor, points: int) -> Array:
    table = found.double().numpy().reshape(points, points, -1)
    return table[..., 0] if table.shape[-1] == 1 else table


def straight_boundary(layer: nn.Linear, threshold: float = 0.5) -> tuple[float, float]:
    """Intercept and slope of the line x₂ = intercept + slope · x₁ on which a logistic regression of two inputs gives the
    probability `threshold`.

    Raises `ModelError` for a layer that has not two inputs and one output, and for one whose boundary is upright.
    """
    if (layer.in_features, layer.out_features) != (2, 1):
        raise ModelError(f"A straight boundary needs a layer of 2 inputs and 1 output, not {layer}.")
    w1, w2 = layer.weight.detach().double()[0].tolist()
    if w2 == 0:
        raise ModelError("The boundary is upright: the layer does not look at its second input.")
    bias = float(layer.bias.detach()[0]) if layer.bias is not None else 0.0
    logit = float(torch.logit(torch.tensor(threshold, dtype=torch.float64)))
    return (logit - bias) / w2, -w1 / w2
