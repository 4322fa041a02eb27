"""The values of a recipe's parameters: from a command line's text or a saved run's JSON to their type, and back."""

from collections.abc import Callable
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

_PLAIN: dict[Any, tuple[str, str]] = {
    int: ("int", "a whole number"),
    float: ("float", "a number"),
    bool: ("true|false", "true or false"),
    str: ("text", "a text"),
    Path: ("path", "a path"),
    NoneType: ("none", "none"),
}
_BOOLS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
SUPPORTED = "int, float, bool, str, Path, Literal, an Enum, a tuple or list of these, or one of these | None"


def typed(value: Any, kind: Any) -> Any:
    """The value of the type `kind` that a text, or a value read from JSON, stands for; None and unknown types stay.

    `64,32` is a tuple. Raises `ValueError` whose text says what is due.
    """
    if value is None or not supported(kind):
        return value
    if get_origin(kind) in (Union, UnionType):
        return _first(value, get_args(kind))
    if get_origin(kind) in (tuple, list):
        return _items(value, kind)
    choices = _choices(kind)
    return _read(value, kind) if choices is None else _choose(value, choices)


def plain(value: Any) -> Any:
    """A value as JSON holds it."""
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, Path):
        return str(value)
    return [plain(item) for item in value] if isinstance(value, (tuple, list)) else value


def rooted(value: Any, kind: Any) -> Any:
    """A value of the type `kind` that means the same in any working folder, as JSON holds it: paths at which something lies
    are absolute. Others stay: they may be names that are looked for elsewhere. Raises `ValueError` as `typed` does.
    """
    read = typed(value, kind)
    if isinstance(read, (tuple, list)) and any(isinstance(item, Path) for item in read):
        return [_absolute(item) for item in read]
    return _absolute(read) if isinstance(read, Path) else plain(value)


def _absolute(value: Any) -> Any:
    found = isinstance(value, Path) and value.expanduser().exists()
    return str(value.expanduser().absolute()) if found else plain(value)


def text(value: Any) -> str:
    """A value as one writes it on a command line."""
    value = plain(value)
    if value is None or isinstance(value, bool):
        return str(value).lower()
    return ",".join(text(item) for item in value) if isinstance(value, list) else str(value)


def describe(kind: Any) -> str:
    """A type in the words of a help text: `int`, `fp32|bf16`, `int,int`, `float|none`."""
    if get_origin(kind) in (Union, UnionType):
        return "|".join(describe(one) for one in get_args(kind))
    if get_origin(kind) in (tuple, list):
        return ",".join("…" if one is ... else describe(one) for one in _item_kinds(kind))
    choices = _choices(kind)
    if choices is not None:
        return "|".join(choices)
    return _PLAIN[kind][0] if kind in _PLAIN else getattr(kind, "__name__", str(kind))


def supported(kind: Any) -> bool:
    """Whether `typed` can read values of a type."""
    if get_origin(kind) in (Union, UnionType):
        return all(map(supported, get_args(kind)))
    if get_origin(kind) in (tuple, list):
        return all(one is ... or (supported(one) and not get_args(one)) for one in _item_kinds(kind))
    return kind in _PLAIN or _choices(kind) is not None


def _item_kinds(kind: Any) -> tuple[Any, ...]:
    kinds = get_args(kind)
    return (*kinds, ...) if get_origin(kind) is list else kinds


def _choices(kind: Any) -> dict[str, Any] | None:
    if get_origin(kind) is Literal:
        return {text(choice): choice for choice in get_args(kind)}
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {text(member): member for member in kind}
    return None


def _choose(value: Any, choices: dict[str, Any]) -> Any:
    if text(value) not in choices:
        raise ValueError(f"{text(value)!r} is not one of {', '.join(choices)}")
    return choices[text(value)]


def _first(value: Any, kinds: tuple[Any, ...]) -> Any:
    if NoneType in kinds and str(value).lower() == "none":
        return None
    due = []
    for kind in (kind for kind in kinds if kind is not NoneType):
        try:
            return typed(value, kind)
        except ValueError as error:
            due.append(str(error))
    raise ValueError("; ".join(due) + (", nor none" if NoneType in kinds else ""))


def _items(value: Any, kind: Any) -> Any:
    items = [each for each in value.split(",") if value] if isinstance(value, str) else list(value)
    kinds = _item_kinds(kind)
    if kinds[-1] is ...:
        kinds = kinds[:1] * len(items)
    if len(items) != len(kinds):
        raise ValueError(f"{text(value)!r} has {len(items)} values, {len(kinds)} are due: {describe(kind)}")
    return get_origin(kind)(typed(item, one) for item, one in zip(items, kinds, strict=True))


def _read(value: Any, kind: Any) -> Any:
    readers: dict[Any, Callable[[Any], Any]] = {bool: _bool, int: _int, float: float, str: str, Path: Path}
    try:
        return readers[kind](value)
    except (ValueError, TypeError, KeyError):
        raise ValueError(f"{text(value)!r} is not {_PLAIN[kind][1]}") from None


def _bool(value: Any) -> bool:
    return value if isinstance(value, bool) else _BOOLS[str(value).lower()]


def _int(value: Any) -> int:
    if isinstance(value, float) and not value.is_integer():
        raise ValueError
    return int(value)
