"""Calling a module with what a batch holds, and giving its modes back."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor, nn

from stepwell.core.trees import Tree


def call_model(model: nn.Module, inputs: Tree) -> Tree:
    """The model's outputs: inputs that are a dict go in as keywords, a tuple as positions, a tensor alone."""
    if isinstance(inputs, Tensor):
        return model(inputs)
    if isinstance(inputs, dict):
        return model(**inputs)
    if isinstance(inputs, (tuple, list)):
        return model(*inputs)
    return model(inputs)


@contextmanager
def mode_restored(model: nn.Module) -> Iterator[None]:
    """Give every module of the model its train or eval mode back."""
    modes = {module: module.training for module in model.modules()}
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode
