"""Activations by name, and what they do to a number: the gallery of Stevens et al., chapter 6, and Godoy, chapter 4."""

from collections.abc import Callable

from torch import nn

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,  # slope 0.01 on the left
    "prelu": nn.PReLU,  # slope 0.25 on the left at first; it is learned
    "hardtanh": nn.Hardtanh,
    "softplus": nn.Softplus,
}
"""What makes each activation. `insight.functions.slopes(ACTIVATIONS["tanh"](), x)` gives its values and gradients at `x`."""
