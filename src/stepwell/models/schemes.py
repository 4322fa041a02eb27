"""Initial weights, by the names of the schemes."""

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from stepwell.core.devices import seeded
from stepwell.core.errors import ModelError, suggest

Fill = Callable[[Tensor, float, float], object]
_GAINS = ("linear", "sigmoid", "tanh", "relu", "selu")
_LAYERS = (nn.Linear, nn.Bilinear, nn.modules.conv._ConvNd, nn.RNNBase, nn.RNNCellBase)


def _uniform(weight: Tensor, deviation: float) -> Tensor:
    return nn.init.uniform_(weight, -math.sqrt(3.0) * deviation, math.sqrt(3.0) * deviation)


def _normal(weight: Tensor, deviation: float) -> Tensor:
    return nn.init.normal_(weight, 0.0, deviation)


def _by_fan(weight: Tensor, gain: float) -> float:
    """The deviation that keeps a signal's size: the gain over the root of how many numbers each output is the sum of."""
    return gain / math.sqrt(nn.init._calculate_fan_in_and_fan_out(weight)[0])


SCHEMES: dict[str, tuple[str | None, Fill]] = {
    "zeros": (None, lambda weight, gain, std: nn.init.zeros_(weight)),
    "normal": (None, lambda weight, gain, std: _normal(weight, std)),
    "uniform": (None, lambda weight, gain, std: _uniform(weight, std)),
    "truncated-normal": (None, lambda weight, gain, std: nn.init.trunc_normal_(weight, 0.0, std, -2 * std, 2 * std)),
    "xavier-uniform": ("linear", lambda weight, gain, std: nn.init.xavier_uniform_(weight, gain)),
    "xavier-normal": ("linear", lambda weight, gain, std: nn.init.xavier_normal_(weight, gain)),
    "kaiming-uniform": ("relu", lambda weight, gain, std: _uniform(weight, _by_fan(weight, gain))),
    "kaiming-normal": ("relu", lambda weight, gain, std: _normal(weight, _by_fan(weight, gain))),
    "lecun-normal": ("linear", lambda weight, gain, std: _normal(weight, _by_fan(weight, gain))),
    "orthogonal": ("linear", lambda weight, gain, std: nn.init.orthogonal_(weight, gain)),
}
"""The activation whose gain each scheme takes where none is given (None: it takes none), and how it fills a weight."""


def initialise(
    model: nn.Module,
    scheme: str,
    *,
    gain: float | str | None = None,
    std: float = 0.1,
    bias: float | None = 0.0,
    seed: int = 0,
) -> tuple[str, ...]:
    """Give the linear, convolutional and recurrent layers of a model weights by a scheme; returns their parameters' names.

    `scheme` is one of `SCHEMES`. `gain` is a number, or the activation that follows the layers (`relu`, `tanh`, …); by
    default 1 for xavier, lecun and orthogonal, and that of ReLU for kaiming. `std` is the standard deviation of `normal`,
    `uniform` and `truncated-normal`. Biases become `bias`, or stay with None. Other layers, such as norms and embeddings, are
    left alone. The weights are a function of `seed`; torch's generators are given back as they were.

    Raises `ModelError` for an unknown scheme or activation, and for a model without such layers. Glorot and Bengio, 2010; He
    and others, 2015; Godoy, extra chapter (rows SE.2, SE.6).
    """
    if scheme not in SCHEMES:
        raise ModelError(f"There is no scheme {scheme!r}; known: {', '.join(SCHEMES)}.{suggest(scheme, SCHEMES)}")
    usual, fill = SCHEMES[scheme]
    if usual is None and gain is not None:
        raise ModelError(f"The scheme {scheme} takes no gain; it has a standard deviation, std.")
    factor = _gain((usual or "linear") if gain is None else gain)
    found = [(name, parameter) for name, parameter in _parameters(model) if bias is not None or not _is_bias(name)]
    if not found:
        raise ModelError(f"{type(model).__name__} has no linear, convolutional or recurrent layer to give weights to.")
    with seeded(seed), torch.no_grad():
        for name, parameter in found:
            if not _is_bias(name):
                fill(parameter, factor, std)
            elif bias is not None:
                nn.init.constant_(parameter, bias)
    return tuple(name for name, _ in found)


def _gain(given: float | str) -> float:
    if not isinstance(given, str):
        return float(given)
    if given not in _GAINS:
        known = ", ".join(_GAINS)
        raise ModelError(f"No gain is known for {given!r}; known: {known}, or a number.{suggest(given, _GAINS)}")
    return float(nn.init.calculate_gain(given))  # type: ignore[arg-type] # one of the names above


def _is_bias(name: str) -> bool:
    return name.rpartition(".")[2].startswith("bias")


def _parameters(model: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    """The parameters of the layers by name, in the model's order, each once."""
    seen = set[int]()
    for prefix, module in model.named_modules():
        for name, parameter in module.named_parameters(prefix, recurse=False):
            if isinstance(module, _LAYERS) and id(parameter) not in seen:
                seen.add(id(parameter))
                yield name, parameter
