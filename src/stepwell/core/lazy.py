"""Names that are imported on first use (PEP 562), so that what needs no torch does not wait for it."""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def names_of(package: str, names: Mapping[str, Sequence[str]]) -> Callable[[str], Any]:
    """A package's `__getattr__`. `names` maps modules to what they give; a module with nothing to give is found itself."""
    homes = {name: module for module, given in names.items() for name in given}
    modules = {module.rpartition(".")[2]: module for module, given in names.items() if not given}

    def find(name: str) -> Any:
        if name in modules:
            return import_module(modules[name])
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(homes[name]), name)

    return find


def named(target: str) -> Any:
    """What `module:name` names, imported when it is asked for."""
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)
