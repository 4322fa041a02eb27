"""Ways to walk through the space of a model's parameters: along one number, or along many at once."""

import re
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from stepwell.core.errors import ModelError, suggest
from stepwell.core.keys import Key

Direction = Mapping[str, Tensor]
"""How each parameter that moves does so, by its name and in its shape."""


def one_number(model: nn.Module, name: str) -> Direction:
    """The direction of a single number of a parameter: `b` of a parameter that has no other, or `0.weight[1,0]`.

    Raises `ModelError` for a parameter, or a place in it, that the model has not.
    """
    found = re.fullmatch(r"([^\[\]]+)(?:\[([\d,\s]+)\])?", name.strip())
    known = dict(model.named_parameters())
    label = found[1] if found else name
    if found is None or label not in known:
        raise ModelError(f"The model has no parameter {label!r}; it has {', '.join(known)}.{suggest(label, known)}")
    shape = tuple(known[label].shape)
    index = tuple(int(part) for part in found[2].split(",") if part.strip()) if found[2] else (0,) * len(shape)
    too_many = found[2] is None and known[label].numel() != 1
    if too_many or len(index) != len(shape) or any(i >= size for i, size in zip(index, shape, strict=False)):
        example = f"{label}[{','.join('0' * len(shape))}]"
        raise ModelError(f"{name!r} names no single number: {label} has the shape {shape}. Write such as {example!r}.")
    direction = torch.zeros_like(known[label], requires_grad=False)
    direction[index] = 1.0
    return {label: direction}


def random_direction(model: nn.Module, seed: int = 0) -> Direction:
    """A random direction of all trainable parameters, with filter normalisation: each filter (what belongs to one output)
    is as long as the model's own there, and parameters of one dimension, biases and norms, do not move.

    A step of 1 is then as large as the weights themselves, so that surfaces of several models can be compared. Source: Li
    and others, *Visualizing the loss landscape of neural nets* (2018).
    """
    key = Key(seed)("direction")
    return {
        name: _as_long(_drawn(key(name), parameter), parameter.detach())
        for name, parameter in model.named_parameters()
        if parameter.requires_grad and parameter.dim() > 1
    }


def _drawn(key: Key, parameter: Tensor) -> Tensor:
    rows = torch.arange(len(parameter), device=parameter.device)
    return key.normal(rows, parameter.shape[1:]).to(parameter.dtype)


def _as_long(direction: Tensor, weights: Tensor) -> Tensor:
    own, due = (tensor.flatten(1).norm(dim=1) for tensor in (direction, weights))
    scale = due / own.clamp_min(torch.finfo(own.dtype).tiny)
    scaled: Tensor = direction * scale.reshape(-1, *[1] * (direction.dim() - 1))
    return scaled
