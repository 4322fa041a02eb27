"""Labels that an augmentation would make wrong: a flipped "left" is a "right"."""

import re
from collections.abc import Iterable, Sequence

from stepwell.core.errors import DataError
from stepwell.data.augment.affine import Affine
from stepwell.data.augment.augment import Augment
from stepwell.data.augment.moves import Flip

_SWAPS = {
    "horizontal flip": (("left", "right"), ("leftward", "rightward"), ("west", "east"), ("b", "d"), ("p", "q")),
    "vertical flip": (
        ("up", "down"),
        ("upward", "downward"),
        ("upper", "lower"),
        ("top", "bottom"),
        ("above", "below"),
        ("north", "south"),
        ("b", "p"),
        ("d", "q"),
        ("6", "9"),
        ("m", "w"),
    ),
    "half turn": (("6", "9"), ("left", "right"), ("up", "down"), ("n", "u"), ("b", "q"), ("d", "p"), ("m", "w")),
}
"""Words of a class that trade places; letters and digits alone are whole names."""
_WORD = re.compile(r"[^\W\d_]+|\d+")
_HALF_TURN = 120  # degrees from which a turned picture is nearer to one upside down


def label_conflicts(augment: Augment | None, classes: Sequence[str]) -> list[str]:
    """Why an augmentation would make labels wrong, a sentence each; none where nothing in the class names says so.

    Found are pairs of classes whose names are each other's with left and right (or up and down, east and west, 6 and 9, b and
    d, …) exchanged, under flips and turns that exchange them: `turn_left` and `turn_right` under `flip`.
    """
    return [
        f"A {change} makes {first!r} look like {second!r}."
        for change in _changes(augment)
        for first, second in _pairs(change, classes)
    ]


def refuse_conflicts(augment: Augment | None, classes: Sequence[str], *, flips_change_labels: bool = False) -> None:
    """Raise `DataError` where an augmentation would make labels wrong.

    `flips_change_labels` says that directions tell the classes apart, whatever their names: then any flip and any turn that
    may be a half one is refused.
    """
    found = label_conflicts(augment, classes)
    if flips_change_labels and not found:
        found = [
            f"A {change} changes what these pictures show: their classes differ in direction."
            for change in _changes(augment)
        ]
    if found:
        listed = " ".join(found[:3]) + (f" And {len(found) - 3} more." if len(found) > 3 else "")
        raise DataError(
            f"{listed} The labels would be wrong. Leave it out of the augmentation, and use shift, or affine with few degrees."
        )


def _changes(augment: Augment | None) -> list[str]:
    """What an augmentation may do to directions, in words."""
    found = dict.fromkeys(
        change for operation in (augment.operations if augment else ()) for change in _change(operation)
    )
    both = {"horizontal flip", "vertical flip"} <= found.keys()
    return [*found, *(["half turn"] if both and "half turn" not in found else [])]


def _change(operation: object) -> Iterable[str]:
    if isinstance(operation, Flip) and operation.p > 0:
        named = {"horizontal flip": operation.horizontal, "vertical flip": operation.vertical}
        yield from (name for name, on in named.items() if on)
    if isinstance(operation, Affine):
        degrees = operation.degrees if isinstance(operation.degrees, tuple) else (operation.degrees,)
        if max(degrees) >= _HALF_TURN:
            yield "half turn"


def _pairs(change: str, classes: Sequence[str]) -> list[tuple[str, str]]:
    """The pairs of classes that trade places, in the order of the classes."""
    swap = {a: b for pair in _SWAPS[change] for a, b in (pair, pair[::-1])}
    names = {_folded(name): name for name in classes}
    found = [(name, names.get(_swapped(_folded(name), swap))) for name in classes]
    return [
        (name, other)
        for place, (name, other) in enumerate(found)
        if other in classes[place + 1 :] and other is not None
    ]


def _folded(name: str) -> str:
    return name.strip().casefold()


def _swapped(name: str, swap: dict[str, str]) -> str:
    """The name with its words of direction exchanged; letters and digits alone only where they are the whole name."""

    def other(found: re.Match[str]) -> str:
        word = found[0]
        return swap.get(word, word) if len(word) > 1 or word == name else word

    return _WORD.sub(other, name)
