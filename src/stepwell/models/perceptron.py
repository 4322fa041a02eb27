"""Fully connected networks."""

from collections import OrderedDict
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from stepwell.core.errors import ModelError

Activation = type[nn.Module]


def mlp(
    sizes: Sequence[int],
    *,
    activation: Activation | None = nn.ReLU,
    dropout: float = 0.0,
    bias: bool = True,
    names: Sequence[str] = (),
) -> nn.Sequential:
    """Linear layers of the given sizes with an activation (None: none) and dropout between them, and none after the last.

    `mlp((2, 30, 30, 2), activation=nn.Tanh)` maps `(batch, 2)` to `(batch, 2)` logits. `names` name the layers, one each
    (`("hidden_linear", "hidden_activation", "output_linear")`); else they are numbered. Raises `ModelError` for fewer than
    two sizes, or another number of names.
    """
    if len(sizes) < 2:
        raise ModelError(f"A network has an input and an output size; given: {tuple(sizes)}.")
    layers: list[nn.Module] = []
    for before, after in zip(sizes, sizes[1:], strict=False):
        if layers:
            layers += [] if activation is None else [activation()]
            layers += [nn.Dropout(dropout)] if dropout else []
        layers.append(nn.Linear(before, after, bias=bias))
    if names and len(names) != len(layers):
        raise ModelError(f"There are {len(layers)} layers, but {len(names)} names.")
    labels = names or tuple(map(str, range(len(layers))))
    return nn.Sequential(OrderedDict(zip(labels, layers, strict=True)))


class Line(nn.Module):
    """`b + w·x` with two scalar parameters, as the first model of Godoy's chapter 1. Input and output `(batch, 1)`.

    A parameter that is not given is drawn from torch's generator, b first.
    """

    def __init__(self, b: float | None = None, w: float | None = None, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.b = nn.Parameter(torch.randn(1, dtype=dtype) if b is None else torch.tensor([b], dtype=dtype))
        self.w = nn.Parameter(torch.randn(1, dtype=dtype) if w is None else torch.tensor([w], dtype=dtype))

    def forward(self, x: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
        """The line's values at `x`."""
        return self.b + self.w * x


class Quadratic(nn.Module):
    """`w2·x² + w1·x + b`, the exercise of Stevens et al., chapter 5. Input and output `(batch, 1)`."""

    def __init__(self, w2: float = 1.0, w1: float = 1.0, b: float = 0.0) -> None:
        super().__init__()
        self.w2, self.w1, self.b = (nn.Parameter(torch.tensor([value])) for value in (w2, w1, b))

    def forward(self, x: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
        """The parabola's values at `x`."""
        return self.w2 * x**2 + self.w1 * x + self.b


class Neuron(nn.Module):
    """One neuron, `tanh(w·x + b)`, with scalar parameters (Stevens et al., chapter 1)."""

    def __init__(self, w: float, b: float) -> None:
        super().__init__()
        self.w, self.b = nn.Parameter(torch.tensor(w)), nn.Parameter(torch.tensor(b))

    def forward(self, x: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
        """The activation at `x`, in its shape."""
        return torch.tanh(self.w * x + self.b)


class HiddenTanh(nn.Module):
    """One hidden layer with tanh, written as a module of its own (Stevens et al., chapter 6).

    The activation has no parameters, so it is a function here and no submodule. Input and output `(batch, 1)`.
    """

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.hidden_linear, self.output_linear = nn.Linear(1, hidden), nn.Linear(hidden, 1)

    def forward(self, x: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
        """The network's values at `x`."""
        values: Tensor = self.output_linear(torch.tanh(self.hidden_linear(x)))
        return values
