"""Augmentations in words, as a command line or a run's settings hold them: `flip,shift:2,affine:15,0.05,0.95-1.05`."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from stepwell.core.errors import DataError, suggest
from stepwell.data.augment.affine import Affine
from stepwell.data.augment.augment import Augment
from stepwell.data.augment.colour import AddNoise, Jitter
from stepwell.data.augment.erase import Erase
from stepwell.data.augment.moves import Crop, Flip, Shift
from stepwell.data.augment.operation import Operation
from stepwell.data.augment.perspective import Perspective

DIRECTIONS = ("horizontal", "vertical", "both")
_RANGE = re.compile(r"([\d.]+(?:e[-+]?\d+)?)-([\d.]+(?:e[-+]?\d+)?)")


_affine = partial(Affine, padding="border")  # the edge goes on, where black corners would be a mark of training


def _flip(direction: str = "horizontal", p: float = 0.5) -> Flip:
    return Flip(horizontal=direction != "vertical", vertical=direction != "horizontal", p=p)


def _direction(text: str) -> str:
    if text not in DIRECTIONS:
        raise ValueError(f"one of {', '.join(DIRECTIONS)}")
    return text


def _whole(text: str) -> int:
    if not re.fullmatch(r"\d+", text):
        raise ValueError("a whole number, such as 2")
    return int(text)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError("a number, such as 0.5") from None


def _pair(text: str) -> tuple[float, float]:
    found = _RANGE.fullmatch(text)
    if not found:
        raise ValueError("a range, such as 0.9-1.1")
    return _number(found[1]), _number(found[2])


Read = Callable[[str], Any]

WORDS: Mapping[str, tuple[Callable[..., Operation], Mapping[str, Read]]] = {
    "flip": (_flip, {"direction": _direction, "p": _number}),
    "shift": (Shift, {"pixels": _whole}),
    "crop": (Crop, {"padding": _whole, "size": _whole}),
    "affine": (_affine, {"degrees": _number, "translate": _number, "scale": _pair, "shear": _number}),
    "perspective": (Perspective, {"distortion": _number, "p": _number}),
    "jitter": (Jitter, dict.fromkeys(("brightness", "contrast", "saturation", "hue"), _number)),
    "erase": (Erase, {"p": _number, "share": _pair, "ratio": _pair}),
    "noise": (AddNoise, {"std": _number}),
}
"""Each operation's word, what makes it, and the values that may follow its colon, in their order.

A permutation has no word: it would be of no use on training rows alone.
"""

SETS: Mapping[str, tuple[str, ...]] = {
    "light": ("affine:15,0.05,0.95-1.05",),
    "photos": ("flip", "crop:4"),
    "strong": ("jitter:0.4,0.4,0.4,0.05", "affine:20,0.1,0.8-1.2,10", "perspective:0.3,0.3", "erase:0.3"),
}
"""Sets of operations by name. `light` is Raff's for digits (row S-34), `photos` the usual one for CIFAR-10."""

_IDLE: tuple[Operation, ...] = (_affine(), Jitter(), AddNoise(0.0))

AUGMENT_HELP = (
    "what training changes at random in its pictures, such as flip,shift:2,affine:15,0.05,0.95-1.05; there are "
    + ", ".join(f"{word}:{','.join(fields)}" for word, (_, fields) in WORDS.items())
    + f" (values may be left out from the right) and the sets {', '.join(SETS)}"
)
"""The grammar, as the help of a flag."""


def parse_augment(words: Sequence[str]) -> Augment | None:
    """The augmentation that words stand for: `("flip", "shift:2", "affine:15,0.05")`; None for no words, and for `none`.

    A word is an operation's name and, after a colon, its values, divided by commas and in the order of `WORDS`; those that are
    left out are the operation's own. The name of one of the `SETS` stands for its words. Words that begin with a digit go on
    with the values of the word before, so texts that were divided at every comma are understood too. Raises `DataError`,
    which says what there is, for anything else.
    """
    given = list(_joined(words))
    whole = [word for word in given if word != "none"]
    if whole and whole != given:
        raise DataError(f"none stands alone; without it, {','.join(whole)} would be done.")
    operations = [_operation(word) for name in whole for word in SETS.get(name, (name,))]
    return Augment(*operations) if operations else None


def _joined(words: Sequence[str]) -> Iterator[str]:
    """The words with the values that belong to them."""
    pieces = [piece.strip() for word in words for piece in word.split(",") if piece.strip()]
    held: list[str] = []
    for piece in pieces:
        if re.match(r"[\d.+-]", piece):
            if not held:
                raise DataError(f"{piece!r} is a value, and no operation stands before it, as in affine:{piece}.")
        elif held:
            yield ",".join(held)
            held = []
        held.append(piece)
    if held:
        yield ",".join(held)


def _operation(word: str) -> Operation:
    name, _, values = word.replace(",", ":", 1).partition(":") if ":" not in word else word.partition(":")
    if name not in WORDS:
        known = f"there are {', '.join(WORDS)} and the sets {', '.join(SETS)}"
        raise DataError(f"Augmentation knows no {name!r}; {known}.{suggest(name, [*WORDS, *SETS])}")
    make, fields = WORDS[name]
    given = values.split(",") if values else []
    if len(given) > len(fields):
        raise DataError(f"{word} has {len(given)} values; {name} takes {len(fields)} at most: {', '.join(fields)}.")
    read = {field: _read(word, field, fields[field], text) for field, text in zip(fields, given, strict=False)}
    operation = make(**read)
    if operation in _IDLE:
        raise DataError(f"{word} changes nothing; give it values after a colon: {', '.join(fields)}.")
    return operation


def _read(word: str, field: str, read: Read, text: str) -> Any:
    try:
        return read(text)
    except ValueError as error:
        hint = suggest(text, DIRECTIONS) if read is _direction else ""
        raise DataError(f"In {word}, {field} is {error}; not {text!r}.{hint}") from None
