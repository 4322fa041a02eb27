"""Clipping gradients in flight: on the way back, before they are added up.

`Experiment(clip_value=…)` and `clip_norm=…` clip what has arrived at the parameters, after the whole way back; these clip
what passes hidden states, so that a gradient that explodes on its way does not reach what lies before. Godoy, extra chapter
(rows SE.5 to SE.7).
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from stepwell.core.errors import TrainingError
from stepwell.core.layers import Choice, choose
from stepwell.core.trees import Tree, tensors


@contextmanager
def clip_hidden(
    model: nn.Module, layers: Choice | Sequence[Choice], value: float | None = None, *, norm: float | None = None
) -> Iterator[None]:
    """While the context is open, clip every gradient that flows back through what some layers give.

    `layers` are names, patterns such as `block*`, or kinds; patterns and kinds find layers without children, or with parameters
    of their own, a plain name finds any module. Each number of such a gradient is kept within `value`; or with `norm`
    each gradient, as a whole, is scaled to have at most this norm. A cell that is called once a time step is clipped at each
    of them; of `nn.LSTM` and its like, which run all steps at once, only what they give in the end is reached. The hooks
    change no output, and are removed when the context ends, also by an error.

    Raises `ModelError` for layers that the model has not, `TrainingError` for a limit that is none.
    """
    _checked(value, norm)

    def clip(module: nn.Module, inputs: Any, outputs: Tree) -> None:
        for tensor in tensors(outputs):
            if tensor.requires_grad:
                tensor.register_hook(partial(clipped, value=value, norm=norm))  # type: ignore[no-untyped-call]

    with ExitStack() as hooks:
        for module in dict.fromkeys(choose(model, layers).values()):  # one of several names is clipped once
            hooks.callback(module.register_forward_hook(clip).remove)
        yield


@contextmanager
def clip_parameters(model: nn.Module, value: float | None = None, *, norm: float | None = None) -> Iterator[None]:
    """While the context is open, clip the gradient of each trainable parameter as it arrives.

    On parameters this is no clipping in flight: nothing lies before them, so with `value` it gives the same updates, bit by
    bit, as `Experiment(clip_value=…)`, as long as a batch is not cut into parts (`accumulate`), whose gradients it would clip
    one by one. With `norm` each parameter has a norm of its own, where `Experiment(clip_norm=…)` has one for all.
    """
    _checked(value, norm)
    with ExitStack() as hooks:
        for parameter in model.parameters():
            if parameter.requires_grad:
                handle = parameter.register_hook(partial(clipped, value=value, norm=norm))  # type: ignore[no-untyped-call]
                hooks.callback(handle.remove)
        yield


def clipped(gradient: Tensor, *, value: float | None = None, norm: float | None = None) -> Tensor:
    """A gradient with each number within `value`, which may turn it; or scaled to a `norm`, which keeps its direction.

    As torch's `clip_grad_value_` and `clip_grad_norm_` do for parameters, but in a tensor of its own.
    """
    _checked(value, norm)
    if norm is None:
        return gradient.clamp(-(value or 0.0), value)
    length: Tensor = torch.linalg.vector_norm(gradient)
    return gradient * (norm / (length + 1e-6)).clamp(max=1.0)


def _checked(value: float | None, norm: float | None) -> None:
    if (value is None) == (norm is None):
        raise TrainingError("Clip by value or by norm: give one of them.")
    limit = norm if value is None else value
    if limit is None or not limit > 0:
        raise TrainingError(f"Gradients cannot be clipped to {limit}; give a number above 0.")
