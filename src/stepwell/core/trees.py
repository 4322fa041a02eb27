"""Trees of tensors: tensors nested in dicts, lists, tuples and named tuples, whose kinds are kept."""

from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Any, TypeVar, cast

import torch
from torch import Tensor

from stepwell.core.errors import StepwellError

Tree = Any  # a tensor, or a dict, list, tuple or named tuple of trees; other leaves are passed through
T = TypeVar("T")

_TENSOR, _ITEMS = "$tensor", "$items"  # how a place for a tensor, and a mapping with other keys than text, are written


def map_tensors(function: Callable[[Tensor], Any], tree: T) -> T:
    """The tree with `function` applied to every tensor; containers keep their kind, other leaves stay as they are."""
    return cast(T, _map(function, tree))


def _map(function: Callable[[Tensor], Any], tree: Tree) -> Tree:
    if isinstance(tree, Tensor):
        return function(tree)
    if isinstance(tree, Mapping):
        mapped = {name: _map(function, branch) for name, branch in tree.items()}
        return mapped if type(tree) is dict else type(tree)(mapped)  # type: ignore[call-arg]
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):  # a named tuple takes its fields one by one
        return type(tree)(*(_map(function, branch) for branch in tree))
    if isinstance(tree, (list, tuple)):
        return type(tree)(_map(function, branch) for branch in tree)
    return tree


def tensors(tree: Tree) -> Iterator[Tensor]:
    """Every tensor of the tree, in order."""
    if isinstance(tree, Tensor):
        yield tree
    elif isinstance(tree, Mapping):
        for branch in tree.values():
            yield from tensors(branch)
    elif isinstance(tree, (list, tuple)):
        for branch in tree:
            yield from tensors(branch)


def rows(tree: Tree) -> int:
    """How many rows a tree holds: the length of its tensors' first dimension.

    Raises `StepwellError` where the tensors disagree, or where there is none.
    """
    lengths = {len(tensor) if tensor.dim() else -1 for tensor in tensors(tree)}
    if len(lengths) != 1 or -1 in lengths:
        shapes = ", ".join(str(tuple(tensor.shape)) for tensor in tensors(tree)) or "none"
        raise StepwellError(
            f"The tensors of a batch share their first dimension, the rows; these have the shapes {shapes}."
        )
    return lengths.pop()


def to_device(tree: T, device: torch.device) -> T:
    """The tree with every tensor on `device`; tensors that are there already are not copied."""
    return map_tensors(lambda tensor: tensor.to(device, non_blocking=True), tree)


def take(tree: T, index: Tensor) -> T:
    """The rows `index` of every tensor of the tree."""
    return map_tensors(lambda tensor: tensor.index_select(0, index), tree)


def between(tree: T, start: int, end: int) -> T:
    """The rows from `start` to before `end` of every tensor of the tree, which share its memory."""
    return map_tensors(lambda tensor: tensor[start:end], tree)


def detach_tensors(tree: Tree, prefix: str = "") -> tuple[Tree, dict[str, Tensor]]:
    """A tree as something that JSON can hold, and its tensors by dotted names; `attach_tensors` is the way back.

    Tuples become lists. Raises `StepwellError` for a leaf or a key that JSON lacks.
    """
    found: dict[str, Tensor] = {}
    return _detach(tree, prefix, found), found


def _detach(tree: Tree, prefix: str, found: dict[str, Tensor]) -> Tree:
    if isinstance(tree, Tensor):
        # `{"a.b": …, "a": {"b": …}}` has two places of one dotted name; the second gets another.
        name = prefix if prefix not in found else next(n for n in (f"{prefix}~{i}" for i in count(2)) if n not in found)
        found[name] = tree
        return {_TENSOR: name}
    if isinstance(tree, Mapping):
        pairs = list(tree.items())
    elif isinstance(tree, (list, tuple)):
        pairs = list(enumerate(tree))
    elif tree is None or isinstance(tree, (bool, int, float, str)):
        return tree
    else:
        raise _unkept(prefix, tree)
    for name, _ in pairs:
        if name is not None and not isinstance(name, (bool, int, float, str)):
            raise _unkept(prefix, name, "the key of a mapping, ")
    plain = [[name, _detach(branch, f"{prefix}.{name}" if prefix else str(name), found)] for name, branch in pairs]
    return _as_json(tree, plain)


def _unkept(prefix: str, thing: object, role: str = "") -> StepwellError:
    what = f"{prefix or 'The state'} holds {role}a {type(thing).__name__}"
    return StepwellError(f"{what}, which a checkpoint cannot keep.")


def _as_json(tree: Tree, pairs: list[list[Any]]) -> Tree:
    if not isinstance(tree, Mapping):
        return [inner for _, inner in pairs]
    # JSON would make text of keys that are numbers, such as an optimizer's parameters; and ours are taken.
    plain = all(isinstance(name, str) and not name.startswith("$") for name, _ in pairs)
    return dict(pairs) if plain else {_ITEMS: pairs}


def attach_tensors(plain: Tree, found: Mapping[str, Tensor]) -> Tree:
    """The tree that `detach_tensors` took apart, with the tensors of `found` in their places."""
    if isinstance(plain, dict):
        if set(plain) == {_TENSOR}:
            return found[plain[_TENSOR]]
        pairs = plain[_ITEMS] if set(plain) == {_ITEMS} else plain.items()
        return {name: attach_tensors(branch, found) for name, branch in pairs}
    if isinstance(plain, list):
        return [attach_tensors(branch, found) for branch in plain]
    return plain
