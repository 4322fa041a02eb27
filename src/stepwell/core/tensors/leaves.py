"""The tensors of a tree, a batch or a module, by name."""

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from torch import Tensor, nn

from stepwell.core.errors import StepwellError
from stepwell.core.tensors.layout import Array
from stepwell.core.trees import Tree


def leaves(tree: Tree, name: str = "") -> Iterator[tuple[str, Tensor | Array]]:
    """The tensors and arrays of a tree by dotted names; a module's are its parameters and buffers.

    What a tree holds besides is passed over. Raises `StepwellError` where there is none at all, and for a sparse one.
    """
    found = list(_walk(tree, name))
    if not found:
        raise StepwellError(
            f"{type(tree).__name__} {'is' if not _branches(tree) else 'holds'} no tensor. Give a tensor, a NumPy array, a"
            " module, or a dict or list of them; torch.as_tensor makes a tensor of numbers."
        )
    for place, x in found:
        if isinstance(x, Tensor) and x.layout != torch.strided:
            raise StepwellError(
                f"{place or 'The tensor'} has the layout {x.layout}: several tensors in one, without strides. Inspect its"
                " parts, such as x.indices() and x.values(), or x.to_dense()."
            )
    yield from found


def _walk(tree: Tree, name: str) -> Iterator[tuple[str, Tensor | Array]]:
    if isinstance(tree, (Tensor, np.ndarray)):
        yield name, tree
    for part, branch in _branches(tree):
        yield from _walk(branch, f"{name}.{part}" if name else part)


def _branches(tree: Tree) -> list[tuple[str, Tree]]:
    if isinstance(tree, nn.Module):  # tied weights are listed under each of their names
        return [*tree.named_parameters(remove_duplicate=False), *tree.named_buffers(remove_duplicate=False)]
    if isinstance(tree, Mapping):
        return [(str(key), branch) for key, branch in tree.items()]
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return list(zip(tree._fields, tree, strict=True))
    return [(str(number), branch) for number, branch in enumerate(tree)] if isinstance(tree, (list, tuple)) else []
