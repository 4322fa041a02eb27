"""Where a classifier changes its mind."""

import torch
from torch import nn

from stepwell.core.errors import ModelError


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
