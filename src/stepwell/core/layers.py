"""Choosing layers of a model by name, by pattern or by kind."""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from torch import nn

from stepwell.core.errors import ModelError, suggest

Choice = str | type[nn.Module]
"""A layer's dotted name, a pattern of names such as `block*.conv?`, or a kind of layer, such as `nn.Conv2d`."""

_MOST_NAMED = 40


def choose(model: nn.Module, layers: Choice | Sequence[Choice] = "*") -> dict[str, nn.Module]:
    """The layers that names, patterns and kinds choose, by name, in the model's order.

    Raises `ModelError` for a choice that finds nothing, with the nearest name and all there are.
    """
    choices = [layers] if isinstance(layers, (str, type)) else list(layers)
    known = dict(model.named_modules(remove_duplicate=False))
    names = {name for choice in choices for name in _found_by(choice, known)}
    return {name: module for name, module in known.items() if name in names}


def layer_of(model: nn.Module, name: str) -> nn.Module:
    """The module of a dotted name. Raises `ModelError`, with the nearest name and all there are."""
    known: dict[str, nn.Module] = dict(model.named_modules(remove_duplicate=False))
    if name not in known:
        raise _unknown(name, known)
    return known[name]


def _found_by(choice: Choice, known: dict[str, nn.Module]) -> list[str]:
    layers = {name: module for name, module in known.items() if _is_layer(module)}
    if isinstance(choice, type):
        found = [name for name, module in layers.items() if isinstance(module, choice)]
        kinds = ", ".join(dict.fromkeys(type(module).__name__ for module in layers.values()))
        if not found:
            raise ModelError(f"The model has no layer of the kind {choice.__name__}; it has {kinds or 'no layers'}.")
        return found
    if choice in known:
        return [choice]
    found = [name for name in layers if fnmatchcase(name, choice)]
    if not found:
        raise _unknown(choice, known)
    return found


def _is_layer(module: nn.Module) -> bool:
    return not any(module.children()) or any(True for _ in module.parameters(recurse=False))


def _unknown(name: str, known: dict[str, nn.Module]) -> ModelError:
    names = [each for each in known if each]
    return ModelError(f"The model has no layer {name!r}; it has {listed(names)}.{suggest(name, names)}")


def listed(names: Iterable[str]) -> str:
    """Names with commas; of many, the first 40 and how many more there are."""
    shown = list(names)
    more = f" and {len(shown) - _MOST_NAMED} more" if len(shown) > _MOST_NAMED else ""
    return (", ".join(shown[:_MOST_NAMED]) or "nothing") + more
