"""The arithmetic of convolutions: what sizes they give, and what a model's layers cost."""

import math
from dataclasses import dataclass
from typing import Any

from torch import nn

from stepwell.core.errors import ModelError
from stepwell.core.trees import Tree
from stepwell.models.describe import Layer, layers

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


def conv_output_size(
    size: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1, *, ceil: bool = False
) -> int:
    """How many numbers a convolution or a pooling gives along a side of `size`: one for each place that its kernel fits.

    `(size + 2 padding - dilation (kernel - 1) - 1) / stride + 1`, rounded down: what is left over at the far edge is not seen.
    (Godoy's equations 5.3 and 5.4 omit the rounding; book row S25.) `ceil` rounds up, as pooling can, but never so far that
    a window would begin beyond the padded side. Raises `ModelError` for a kernel that does not fit once.
    """
    _check(size=size, kernel=kernel, stride=stride, dilation=dilation)
    span = dilation * (kernel - 1) + 1
    room = size + 2 * padding - span
    if padding < 0 or room < 0:
        raise ModelError(
            f"A kernel that spans {span} does not fit on a side of {size} with a padding of {padding}. Use fewer poolings"
            " or strides before it, a larger padding, or larger pictures."
        )
    if not ceil:
        return room // stride + 1
    count = -(-room // stride) + 1
    return count - 1 if (count - 1) * stride >= size + padding else count


def transposed_output_size(
    size: int, kernel: int, stride: int = 1, padding: int = 0, output_padding: int = 0, dilation: int = 1
) -> int:
    """How many numbers a transposed convolution gives along a side of `size`: `conv_output_size` read backwards.

    `(size - 1) stride - 2 padding + dilation (kernel - 1) + output_padding + 1`. Several sizes are made one by a stride,
    so `output_padding`, less than it (or than the dilation), says which is meant. Raises `ModelError` for a size below 1.
    """
    _check(size=size, kernel=kernel, stride=stride, dilation=dilation)
    if not 0 <= output_padding < max(stride, dilation):
        raise ModelError(f"An output padding of {output_padding} needs a stride or dilation above it, not {stride}.")
    found = (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + output_padding + 1
    if padding < 0 or found < 1:
        raise ModelError(f"A padding of {padding} takes away all that a transposed kernel of {kernel} gives.")
    return found


def _check(**numbers: int) -> None:
    wrong = {name: value for name, value in numbers.items() if value < 1}
    if wrong:
        given = ", ".join(f"{name} {value}" for name, value in wrong.items())
        raise ModelError(f"Sizes, kernels, strides and dilations are 1 or more; got {given}.")


@dataclass(frozen=True)
class LayerCost:
    """A call of a layer: its name and kind, the shape that it gives for one row, its parameters, and its multiply-adds.

    `multiply_adds` counts, for one row, the products that convolutions and linear layers sum up; those of activations,
    poolings and normalisations, which are few, are not counted.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    parameters: int
    multiply_adds: int


def layer_costs(model: nn.Module, inputs: Tree) -> list[LayerCost]:
    """What the layers give and cost, in the order in which a batch of inputs passes them.

    A layer that is called again stands again, without parameters. The model is left as it was.
    """
    return [_cost(model.get_submodule(layer.name), layer) for layer in layers(model, inputs)]


def _cost(module: nn.Module, layer: Layer) -> LayerCost:
    shape = layer.shapes[0][1:] if layer.shapes else ()
    return LayerCost(layer.name, layer.kind, shape, layer.parameters, _multiply_adds(module, shape))


def _multiply_adds(module: Any, shape: tuple[int, ...]) -> int:
    if isinstance(module, _CONVOLUTIONS):
        return math.prod(shape) * (module.in_channels // module.groups) * math.prod(module.kernel_size)
    if isinstance(module, _TRANSPOSED):
        each = module.out_channels // module.groups * math.prod(module.kernel_size)
        return module.in_channels * math.prod(_inputs_of(module, shape[-len(module.kernel_size) :])) * each
    if isinstance(module, nn.Linear):
        return math.prod(shape) * module.in_features
    return 0


def _inputs_of(module: Any, sides: tuple[int, ...]) -> list[int]:
    """The sides that a transposed convolution was given, from those that it gave."""
    settings = zip(
        sides,
        *(module.kernel_size, module.stride, module.padding, module.dilation, module.output_padding),
        strict=True,
    )
    return [conv_output_size(side - extra, k, s, p, d) for side, k, s, p, d, extra in settings]
