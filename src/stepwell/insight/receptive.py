"""How much of a picture a unit can see: calculated for chains of convolutions, and measured for any model."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from stepwell.core.devices import device_of
from stepwell.core.errors import ModelError
from stepwell.core.modules import mode_restored
from stepwell.insight.capture import capture
from stepwell.insight.convolution import conv_output_size

_WINDOWS = (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d)
_POINTWISE = (
    *(nn.ReLU, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Tanh, nn.Sigmoid, nn.Softplus, nn.Hardtanh),
    *(nn.BatchNorm2d, nn.Dropout, nn.Dropout2d, nn.Identity),
)
Array = npt.NDArray[np.float64]


class Box(NamedTuple):
    """A part of a picture: from row `top` and column `left` to before `bottom` and `right`."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.bottom - self.top, self.right - self.left


@dataclass(frozen=True)
class Field:
    """What a unit of a layer sees: a window of `size` (height, width), which for the next unit lies `stride` pixels further.

    `start` is the window's first pixel for unit (0, 0), below zero where it begins in the padding.
    """

    name: str
    size: tuple[int, int]
    stride: tuple[int, int]
    start: tuple[int, int]


class _Window(NamedTuple):
    """A layer along one side."""

    kernel: int
    stride: int
    padding: int
    dilation: int
    ceil: bool


def receptive_fields(model: nn.Module) -> list[Field]:
    """The fields of the layers of a chain, such as an `nn.Sequential` of convolutions, poolings and activations, in order.

    The chain ends where the picture does, at an `nn.Flatten` or an adaptive pooling: what comes then sees everything.
    A convolution of kernel k widens the window by (k - 1) times the stride so far. Raises `ModelError` for a model that is
    no chain; `effective_field` measures any. Source: Stevens et al., section 8.3 (book row S8.1).
    """
    fields, size, stride, start = [], [1, 1], [1, 1], [0, 0]
    for name, layer in _chain(model):
        for side, window in enumerate(_windows(layer)):
            size[side] += window.dilation * (window.kernel - 1) * stride[side]
            start[side] -= window.padding * stride[side]
            stride[side] *= window.stride
        fields.append(Field(name, (size[0], size[1]), (stride[0], stride[1]), (start[0], start[1])))
    return fields


def seen_by(model: nn.Module, picture: tuple[int, int], at: tuple[int, int]) -> Box:
    """The pixels of a picture of (height, width) that the unit `at` (row, column) of a chain's last layer sees.

    Near the edges, padding takes the place of pixels, and less is seen. Raises `ModelError` for a unit that there is not.
    """
    windows = [_windows(layer) for _, layer in _chain(model)]
    ends = [_walk([each[side] for each in windows], picture[side], at[side]) for side in (0, 1)]
    return Box(ends[0][0], ends[1][0], ends[0][1] + 1, ends[1][1] + 1)


def _walk(windows: list[_Window], size: int, unit: int) -> tuple[int, int]:
    """First and last pixel of a unit: sizes forward, then the window back through each layer, cut to what there is."""
    sizes = [size]
    for window in windows:
        sizes.append(
            conv_output_size(sizes[-1], window.kernel, window.stride, window.padding, window.dilation, ceil=window.ceil)
        )
    if not 0 <= unit < sizes[-1]:
        raise ModelError(f"There is no unit {unit}: the last layer has {sizes[-1]} along this side.")
    first = last = unit
    for window, below in zip(reversed(windows), reversed(sizes[:-1]), strict=True):
        first = max(first * window.stride - window.padding, 0)
        last = min(last * window.stride - window.padding + window.dilation * (window.kernel - 1), below - 1)
    return first, last


def _chain(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The layers before the picture is flattened; one that is used twice comes twice."""
    for name, layer in model.named_modules(remove_duplicate=False):
        if isinstance(layer, (nn.Flatten, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)):
            return
        if isinstance(layer, nn.Sequential):
            continue
        if not isinstance(layer, (*_WINDOWS, *_POINTWISE)):
            raise ModelError(
                f"{name or 'The model'} is a {type(layer).__name__}; fields are calculated for chains (nn.Sequential) of"
                " convolutions, poolings and activations. effective_field measures those of any model."
            )
        yield name, layer


def _windows(layer: Any) -> tuple[_Window, _Window]:
    if not isinstance(layer, _WINDOWS):
        return _Window(1, 1, 0, 1, False), _Window(1, 1, 0, 1, False)
    kernel, stride, dilation = (_pair(getattr(layer, name, 1)) for name in ("kernel_size", "stride", "dilation"))
    padding = _padding(layer, kernel, dilation)
    ceil = bool(getattr(layer, "ceil_mode", False))
    first, second = (_Window(kernel[i], stride[i], padding[i], dilation[i], ceil) for i in (0, 1))
    return first, second


def _padding(layer: Any, kernel: tuple[int, int], dilation: tuple[int, int]) -> tuple[int, int]:
    if layer.padding == "valid":
        return 0, 0
    if layer.padding == "same":  # stride 1; of an even kernel torch pads one side more, and so the window is moved
        return dilation[0] * (kernel[0] - 1) // 2, dilation[1] * (kernel[1] - 1) // 2
    return _pair(layer.padding)


def _pair(value: int | tuple[int, int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[1])


@dataclass(frozen=True, eq=False)
class EffectiveField:
    """How strongly a unit depends on each pixel: `strength` `(h, w)`, the mean size of its gradient, 1 at most."""

    strength: Array
    at: tuple[int, int]

    @property
    def box(self) -> Box:
        """The least box with all pixels that the unit depends on; all zeros where it depends on none."""
        rows, columns = (np.flatnonzero(self.strength.any(axis=axis)) for axis in (1, 0))
        if not len(rows):
            return Box(0, 0, 0, 0)
        return Box(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)


def effective_field(
    model: nn.Module,
    shape: tuple[int, int, int],
    layer: str | None = None,
    at: tuple[int, int] | None = None,
    *,
    pictures: int = 64,
    seed: int = 0,
) -> EffectiveField:
    """Measure the field of a unit of a layer (default: the model's output), for pictures of `shape` (channels, h, w).

    The unit `at` (row, column; default: the middle one), in all of its channels, is differentiated by the pixels of random
    pictures. Where the middle counts far more than the rim, the network sees less than its field says (Luo et al.,
    *Understanding the effective receptive field*, 2016). Raises `ModelError` for a layer that gives no maps `(n, c, h, w)`.
    """
    generator = torch.Generator().manual_seed(seed)
    random = torch.rand(pictures, *shape, generator=generator).to(device_of(model)).requires_grad_()
    with mode_restored(model), torch.enable_grad(), capture(model, layer or "", detached=False) as seen:
        model.eval()(random.clone())
    maps = seen.last(layer or "")
    place = _middle(maps, at, layer)
    (gradient,) = torch.autograd.grad(maps[:, :, place[0], place[1]].abs().sum(), random)
    strength = gradient.abs().sum(dim=1).mean(dim=0).double().cpu()
    return EffectiveField((strength / strength.max().clamp(min=1e-300)).numpy(), place)


def _middle(maps: Any, at: tuple[int, int] | None, layer: str | None) -> tuple[int, int]:
    if not isinstance(maps, Tensor) or maps.dim() != 4:
        given = tuple(maps.shape) if isinstance(maps, Tensor) else type(maps).__name__
        raise ModelError(f"{layer or 'The model'} gives {given}, no maps (n, channels, h, w). Name a layer that does.")
    height, width = maps.shape[2:]
    row, column = (height // 2, width // 2) if at is None else at
    if not (0 <= row < height and 0 <= column < width):
        raise ModelError(f"There is no unit {(row, column)}: the maps are {height} × {width}.")
    return row, column
