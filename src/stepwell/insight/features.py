"""The spaces that a network moves its inputs through: what goes into a layer, what comes out, and how the grid is bent."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from stepwell.core.devices import device_of
from stepwell.core.errors import DataError, ModelError, suggest
from stepwell.core.layers import layer_of
from stepwell.core.modules import call_model, mode_restored
from stepwell.core.trees import Tree, to_device
from stepwell.insight.boundary import decision_grid
from stepwell.tasks.base import Task

Array = npt.NDArray[np.float64]


class Seen(NamedTuple):
    """What goes into a layer and what comes out of it, for the same rows, on the CPU."""

    before: Tensor
    after: Tensor


def transformed(model: nn.Module, layer: str, inputs: Tree) -> Seen:
    """What the rows `inputs` are before and after a layer of the model, named as in `model.named_modules()`.

    Of an activation `before` is the transformed space and `after` the activated one (Godoy, bonus chapter). The model runs in
    eval mode without gradients; its mode is given back, and the hook that looks is always removed. A layer that is called
    several times is seen at its last call. Raises `ModelError` for a layer that the model has not or does not use.
    """
    seen: list[Seen] = []

    def look(module: nn.Module, given: tuple[Any, ...], result: Any) -> None:
        if not (given and isinstance(given[0], Tensor) and isinstance(result, Tensor)):
            raise ModelError(f"The layer {layer!r} does not turn a tensor into a tensor; look at a layer that does.")
        seen.append(Seen(given[0].detach().cpu().clone(), result.detach().cpu().clone()))

    with _watched(layer_of(model, layer), look), mode_restored(model), torch.no_grad():
        model.eval()
        call_model(model, to_device(inputs, device_of(model)))
    if not seen:
        raise ModelError(f"The model does not use its layer {layer!r} for these inputs.")
    return seen[-1]


@contextmanager
def _watched(module: nn.Module, look: Callable[..., None]) -> Iterator[None]:
    handle = module.register_forward_hook(look)
    try:
        yield
    finally:
        handle.remove()


def grid_lines(points: Tensor, *, lines: int = 11, steps: int = 101, margin: float = 0.0) -> Tensor:
    """A grid over the rows `points` `(rows, 2)`: upright lines, then level ones, `(2 * lines, steps, 2)`.

    They go from the least to the largest value of both features, and a share `margin` of that range beyond.
    `push` takes them through a network.
    """
    if points.dim() != 2 or points.shape[1] != 2:
        raise DataError(f"A grid is drawn over rows of 2 features; these have the shape {tuple(points.shape)}.")
    low, high = points.min(dim=0).values, points.max(dim=0).values
    low, high = low - margin * (high - low), high + margin * (high - low)
    fine, coarse = (
        low + (high - low) * torch.linspace(0, 1, count, dtype=points.dtype).unsqueeze(1) for count in (steps, lines)
    )
    upright = torch.stack([coarse[:, :1].expand(lines, steps), fine[:, 1].expand(lines, steps)], dim=-1)
    level = torch.stack([fine[:, 0].expand(lines, steps), coarse[:, 1:].expand(lines, steps)], dim=-1)
    return torch.cat([upright, level])


def push(model: nn.Module, layer: str, lines: Tensor) -> Seen:
    """Grid lines `(lines, steps, 2)` of the input space before and after a layer, `(lines, steps, width)` each."""
    before, after = transformed(model, layer, lines.flatten(0, 1))
    return Seen(*(found.reshape(*lines.shape[:2], -1) for found in (before, after)))


def after(model: nn.Sequential, layer: str, *, inclusive: bool = False) -> nn.Sequential:
    """The part of a sequential network behind a layer, which says what a point of that layer's space means.

    It shares the layers of the model. With `inclusive` the layer itself comes first, so that the space is the one before it.
    Raises `ModelError` for a layer that the model has not.
    """
    parts: dict[str, nn.Module] = dict(model.named_children())
    if layer not in parts:
        raise ModelError(f"The model has no layer {layer!r}; it has {', '.join(parts)}.{suggest(layer, parts)}")
    names = list(parts)
    return nn.Sequential(*(parts[name] for name in names[names.index(layer) + (not inclusive) :]))


class Space(NamedTuple):
    """What `stepwell.plots.spaces` draws of a space: rows as `points` `(rows, 2)`, the input space's grid seen in it as `lines`
    `(lines, steps, 2)`, and the `probabilities` that the model gives over a grid `x` and `y` of it.
    """

    points: Array
    lines: Array
    x: Array
    y: Array
    probabilities: Array


def spaces_of(model: nn.Sequential, task: Task, layer: str, inputs: Tensor, *, lines: int = 15) -> dict[str, Space]:
    """The input space, the one before a layer (`transformed space`) and the one behind it (`activated space`), by name.

    Each has two dimensions; where the one before the layer has more, that is left out, and the last is called after the
    layer. `plots.spaces(spaces_of(…), labels)` draws
    them (Godoy, bonus chapter). Raises `ModelError` where the layer does not end in two numbers a row.
    """
    grid = grid_lines(inputs, lines=lines, margin=0.1)
    rows, bent = transformed(model, layer, inputs), push(model, layer, grid)
    if rows.after.shape[1:] != (2,):
        raise ModelError(
            f"The layer {layer!r} gives {tuple(rows.after.shape[1:])} numbers a row; a space is drawn where there are 2."
        )
    found = {"input space": _space(task, model, inputs, grid)}
    if rows.before.shape[1:] == (2,):
        found["transformed space"] = _space(task, after(model, layer, inclusive=True), rows.before, bent.before)
    behind = "activated space" if len(found) == 2 else f"space of {layer}"
    return {**found, behind: _space(task, after(model, layer), rows.after, bent.after)}


def _space(task: Task, rest: nn.Module, points: Tensor, lines: Tensor) -> Space:
    grid = decision_grid(rest, task, lines.flatten(0, 1), margin=0.02)
    return Space(points.double().numpy(), lines.double().numpy(), grid.x, grid.y, grid.predictions)
