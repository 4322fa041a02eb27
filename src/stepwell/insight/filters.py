"""The filters of convolutions, learned or set by hand, and the maps that layers make of pictures."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stepwell.core.devices import device_of
from stepwell.core.errors import ModelError, suggest
from stepwell.core.layers import Choice, layer_of
from stepwell.core.modules import call_model, mode_restored
from stepwell.core.trees import Tree, to_device
from stepwell.insight.capture import capture

_FEWEST = 4
_SMALL = (nn.BatchNorm2d, nn.Flatten, nn.AdaptiveAvgPool2d)
_UNCHANGED = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.Identity)

KERNELS: dict[str, tuple[tuple[float, ...], ...]] = {
    "identity": ((0, 0, 0), (0, 1, 0), (0, 0, 0)),
    "blur": ((1 / 9, 1 / 9, 1 / 9), (1 / 9, 1 / 9, 1 / 9), (1 / 9, 1 / 9, 1 / 9)),
    "gaussian": ((1 / 16, 2 / 16, 1 / 16), (2 / 16, 4 / 16, 2 / 16), (1 / 16, 2 / 16, 1 / 16)),
    "sharpen": ((0, -1, 0), (-1, 5, -1), (0, -1, 0)),
    "edge": ((-1, -1, -1), (-1, 8, -1), (-1, -1, -1)),
    "laplace": ((0, 1, 0), (1, -4, 1), (0, 1, 0)),
    "horizontal edge": ((-1, -1, -1), (0, 0, 0), (1, 1, 1)),
    "vertical edge": ((-1, 0, 1), (-1, 0, 1), (-1, 0, 1)),
    "sobel down": ((-1, -2, -1), (0, 0, 0), (1, 2, 1)),
    "sobel right": ((-1, 0, 1), (-2, 0, 2), (-1, 0, 1)),
    "emboss": ((-2, -1, 0), (-1, 1, 1), (0, 1, 2)),
    "vertical line": ((0, 1, 0), (0, 1, 0), (0, 1, 0)),
    "horizontal line": ((0, 0, 0), (1, 1, 1), (0, 0, 0)),
}
"""Kernels of 3 × 3 that were made by hand (Raff, section 3.3; Stevens et al., section 8.2; Godoy, chapter 5)."""

Padding = Literal["same", "valid", "full"]
_ADDED: dict[str, Callable[[int], int]] = {
    "same": lambda kernel: kernel // 2,
    "valid": lambda kernel: 0,
    "full": lambda kernel: kernel - 1,
}


def kernel_of(kernel: str | Sequence[Sequence[float]] | Tensor) -> Tensor:
    """A kernel `(h, w)` by its name in `KERNELS`, or as it is given. Raises `ModelError` for an unknown name."""
    if isinstance(kernel, str):
        if kernel not in KERNELS:
            raise ModelError(f"There is no kernel {kernel!r}; known: {', '.join(KERNELS)}.{suggest(kernel, KERNELS)}")
        return torch.tensor(KERNELS[kernel])
    table = torch.as_tensor(kernel, dtype=torch.float32)
    if table.dim() != 2 or not table.numel():
        raise ModelError(f"A kernel is a table (height, width); got shape {tuple(table.shape)}.")
    return table


def apply_kernel(
    pictures: Tensor,
    kernel: str | Sequence[Sequence[float]] | Tensor,
    *,
    padding: Padding = "same",
    flipped: bool = False,
) -> Tensor:
    """Pictures `(…, h, w)` under a kernel, each channel by itself, as floats; bytes become 0 to 1.

    `padding` is of zeros: `same` keeps the size (for odd kernels), `valid` adds none, `full` lets the kernel overlap by one
    pixel only. What deep learning calls a convolution does not turn the kernel round; with `flipped` it is turned, which is
    the convolution of mathematics and of `scipy.signal.convolve` (book row S-31). Raises `ModelError` for an unknown kernel.
    """
    if padding not in _ADDED:
        raise ModelError(f"There is no padding {padding!r}; known: {', '.join(_ADDED)}.{suggest(padding, _ADDED)}")
    values = pictures.float() / 255 if pictures.dtype == torch.uint8 else pictures
    weights = kernel_of(kernel).to(values)
    weights = weights.flip(0, 1) if flipped else weights
    sides = (_ADDED[padding](weights.shape[0]), _ADDED[padding](weights.shape[1]))
    flat = values.reshape(-1, 1, *values.shape[-2:])
    found = F.conv2d(flat, weights[None, None], padding=sides)
    return found.reshape(*values.shape[:-2], *found.shape[-2:])


def set_kernel(convolution: nn.Conv2d, kernel: str | Sequence[Sequence[float]] | Tensor, *, bias: float = 0.0) -> None:
    """Give every filter of a convolution the same kernel in all of its channels, whose results it adds up, and a bias.

    Raises `ModelError` for a kernel of another size. Source: Stevens et al., section 8.2 (book row S8.1).
    """
    table = kernel_of(kernel)
    if tuple(table.shape) != convolution.kernel_size:
        raise ModelError(f"The layer's kernels are {convolution.kernel_size}, the given one is {tuple(table.shape)}.")
    with torch.no_grad():
        convolution.weight.copy_(table.expand_as(convolution.weight))
        if convolution.bias is not None:
            convolution.bias.fill_(bias)


@dataclass(frozen=True, eq=False)
class Filters:
    """A convolution's weights `(filters, channels, height, width)`, on the CPU, and its name in the model."""

    layer: str
    weights: Tensor


def filters_of(model: nn.Module, layer: str | None = None) -> Filters:
    """The filters of a layer, by default of the first `nn.Conv2d`. Raises `ModelError` where it is no such layer."""
    known = {name: module for name, module in model.named_modules() if isinstance(module, nn.Conv2d)}
    if layer is None and not known:
        raise ModelError("The model has no nn.Conv2d, so it has no filters to look at.")
    name = next(iter(known)) if layer is None else layer
    if name not in known:
        kind = type(layer_of(model, name)).__name__
        raise ModelError(
            f"{name!r} is a {kind}, and only nn.Conv2d has filters: {', '.join(known) or 'there is none'}."
        )
    return Filters(name, known[name].weight.detach().cpu().clone())


@dataclass(frozen=True, eq=False)
class Maps:
    """What a layer gave: its name (`relu#2` for a second call), its kind, and `values`: `(n, channels, h, w)` maps, or
    `(n, features)`.
    """

    name: str
    kind: str
    values: Tensor


def feature_maps(model: nn.Module, inputs: Tree, layers: Choice | Sequence[Choice] = "*") -> list[Maps]:
    """What the layers make of a batch of inputs, in the order of their calls, on the CPU.

    Layers that change nothing in eval mode (dropout) are left out, and those whose output is no tensor. The model runs in eval
    mode without gradients, and is left as it was. Raises `ModelError` for layers that the model has not.
    """
    with mode_restored(model), torch.no_grad(), capture(model, layers) as seen:
        call_model(model.eval(), to_device(inputs, device_of(model)))
    kinds = {name: model.get_submodule(name.partition("#")[0]) for name in seen}
    return [
        Maps(name, type(kinds[name]).__name__, values[-1])
        for name, values in seen.items()
        if isinstance(values[-1], Tensor) and not isinstance(kinds[name], _UNCHANGED)
    ]


def main_layers(model: nn.Module, most: int = 12) -> list[str]:
    """The names of at most `most` layers and blocks that tell how a model works, evenly over it, the first and last among them.

    They are the model's parts, those of an `nn.Sequential` in its place, without what changes little: normalisation, dropout and
    flattening. Where a model has fewer than four such parts, they are all of its convolutions, poolings and linear layers.
    """
    parts = [name for name, module in _parts(model, "") if not isinstance(module, (*_UNCHANGED, *_SMALL))]
    if len(parts) < _FEWEST:
        kinds = (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d, nn.Linear)
        parts = [name for name, module in model.named_modules() if isinstance(module, kinds)] or parts
    if len(parts) <= most:
        return parts
    return [parts[round(place * (len(parts) - 1) / (most - 1))] for place in range(most)]


def _parts(model: nn.Module, prefix: str) -> Iterator[tuple[str, nn.Module]]:
    for name, module in model.named_children():
        if isinstance(module, nn.Sequential):
            yield from _parts(module, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", module
