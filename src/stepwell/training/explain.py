"""Errors inside a model, told with the layer, the shapes and the line. All of it runs after an error, never before."""

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from stepwell.core.errors import ModelError, StepwellError
from stepwell.core.modules import call_model
from stepwell.core.trees import Tree, tensors

_PACKAGES = (str(Path(torch.__file__).parent), str(Path(__file__).parent.parent))


@contextmanager
def explained(model: nn.Module, shown: Callable[[], Tree]) -> Iterator[None]:
    """Turn an error of the model's forward pass into a `ModelError` that names the layer, what it was given and the line.

    `shown()` are the inputs that the model was shown last, or None. Errors from elsewhere pass through as they are.
    """
    try:
        yield
    except StepwellError:
        raise
    except (RuntimeError, ValueError, TypeError, IndexError, AssertionError) as error:
        inputs = shown()
        place = None if inputs is None else locate(model, inputs)
        if place is None:
            raise
        raise ModelError(f"{place}{_line_of(error)}\n  torch says: {_first_line(error)}") from error


def locate(model: nn.Module, inputs: Tree) -> str | None:
    """Which layer fails on these inputs and what it was given; None where the forward pass goes through."""
    entered: list[tuple[str, nn.Module, Tree]] = []
    handles: list[Any] = []
    for name, module in model.named_modules():
        handles.append(module.register_forward_pre_hook(_enter(entered, name), with_kwargs=True))
        handles.append(module.register_forward_hook(lambda *_: entered.pop() and None))
    try:
        with torch.no_grad():
            call_model(model, inputs)
    except Exception:  # noqa: BLE001 - whatever it was, it is raised again by the caller; this only finds its place
        return _describe(entered, model)
    finally:
        for handle in handles:
            handle.remove()
    return None


def _enter(entered: list[tuple[str, nn.Module, Tree]], name: str) -> Any:
    def hook(module: nn.Module, args: Any, kwargs: Any) -> None:
        entered.append((name, module, (args, kwargs)))

    return hook


def _describe(entered: list[tuple[str, nn.Module, Tree]], model: nn.Module) -> str:
    if not entered:
        return f"{type(model).__name__} cannot be called with these inputs."
    name, module, given = entered[-1]
    shapes = (
        ", ".join(f"{tuple(t.shape)} of {str(t.dtype).removeprefix('torch.')}" for t in tensors(given)) or "no tensor"
    )
    layer = str(module) if len(str(module)) < 80 and "\n" not in str(module) else type(module).__name__
    where = f"Layer {name!r}, {layer}," if name else f"The model, {layer},"
    return f"{where} cannot take its input: {shapes}.{_expected(module)}"


def _expected(module: nn.Module) -> str:
    if isinstance(module, nn.Linear):
        return f" It expects {module.in_features} numbers in the last dimension, as {_dtype(module)}."
    if isinstance(module, (nn.Conv1d, nn.Conv2d, nn.Conv3d)):
        return f" It expects (batch, {module.in_channels} channels, …), as {_dtype(module)}."
    return ""


def _dtype(module: nn.Module) -> str:
    return str(next(module.parameters()).dtype).removeprefix("torch.")


def _line_of(error: BaseException) -> str:
    """The last line of the user's own code that the error passed through."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not f.filename.startswith(_PACKAGES)]
    own = [frame for frame in frames if frame.name == "forward"]
    return f"\n  {own[-1].filename}:{own[-1].lineno}: {own[-1].line}" if own else ""


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
