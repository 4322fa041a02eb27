"""Nested lists of JSON's numbers as arrays: their shape first, then every list, then every number."""

import json
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np

from stepwell.deploy.calls import Arrays, Numbers, Refused
from stepwell.deploy.card import Array, Card
from stepwell.deploy.protocols.checks import check_names, only_input, shape_of_rows, together

_SHOWN = 60
_DEEPEST = 32


def inputs_of(card: Card, plain: Any) -> Arrays:
    """Nested lists, or a dict of them by the names of the inputs, as rows. Raises `Refused` (422)."""
    if isinstance(plain, dict):
        check_names(card, list(plain))
        return together(card, {want.name: as_rows(want, plain[want.name]) for want in card.inputs})
    want = only_input(card, "A list")
    return Arrays({want.name: as_rows(want, plain)})


def as_rows(want: Array, value: Any) -> Numbers:
    """Nested lists as an array, rows first. Raises `Refused` (422) where its shape or a value is not the input's."""
    shape = _shape(value)
    whole = shape_of_rows(want, shape)
    return of_numbers(want, flattened(want, value, shape), shape).reshape(whole)


def _shape(value: Any) -> tuple[int, ...]:
    """The shape that the first elements tell."""
    sizes = list[int]()
    while type(value) is list and len(sizes) < _DEEPEST:
        sizes.append(len(value))
        value = value[0] if value else None
    return tuple(sizes)


def flattened(want: Array, value: Any, shape: Sequence[int]) -> list[Any]:
    """All numbers of nested lists. Raises `Refused` (422) where these have not the same shape everywhere."""
    flat = [value]
    for depth, size in enumerate(shape):
        odd = next((place for place, part in enumerate(flat) if type(part) is not list or len(part) != size), None)
        if odd is not None:
            raise Refused(
                422,
                f"The input {want.name!r} is ragged: {_place(odd, shape[:depth])} is {shown(flat[odd])}, where the first has "
                f"{size} elements. Give all of them equally many.",
            )
        flat = list(chain.from_iterable(flat))
    return flat


def of_numbers(want: Array, flat: list[Any], shape: Sequence[int]) -> Numbers:
    """JSON's numbers as an array of the input's dtype, one dimension; `shape` is for messages. Raises `Refused` (422) for
    others, and for numbers that the dtype cannot hold.
    """
    dtype = np.dtype(want.dtype)
    kinds = {bool} if dtype.kind == "b" else {int, float}
    if not kinds >= set(map(type, flat)):
        odd = next(place for place, number in enumerate(flat) if type(number) not in kinds)
        due = "true or false" if dtype.kind == "b" else "a number"
        raise Refused(
            422, f"The input {want.name!r} has {shown(flat[odd])} at {_place(odd, shape)}; {due} is expected."
        )
    if dtype.kind in "iu":
        return _whole(want, flat, shape)
    return _finite(want, flat, shape)


def _whole(want: Array, flat: list[Any], shape: Sequence[int]) -> Numbers:
    limits = np.iinfo(want.dtype)
    low, high = int(limits.min), int(limits.max)
    odd = next((place for place, number in enumerate(flat) if not low <= number <= high or number % 1), None)
    if odd is not None:
        raise Refused(
            422,
            f"The input {want.name!r} has {shown(flat[odd])} at {_place(odd, shape)}; {want.dtype} takes whole numbers from "
            f"{low} to {high}.",
        )
    return np.array([int(number) for number in flat], want.dtype)


def _finite(want: Array, flat: list[Any], shape: Sequence[int]) -> Numbers:
    """Each number rounded to the nearest of the dtype."""
    try:
        exact = np.array(flat, bool if want.dtype == "bool" else np.float64)
    except OverflowError:  # a whole number beyond float64
        exact = np.array([float(number) if abs(number) < 2**1000 else np.inf for number in flat])
    with np.errstate(over="ignore"):
        numbers: Numbers = exact.astype(want.dtype, copy=False)
    finite = np.isfinite(numbers)
    if not finite.all():
        odd = int(np.flatnonzero(~finite)[0])
        raise Refused(
            422,
            f"The input {want.name!r} has {shown(flat[odd])} at {_place(odd, shape)}, which is beyond what {want.dtype} holds.",
        )
    return numbers


def _place(flat: int, shape: Sequence[int]) -> str:
    """`[3][0][2]`, from 0."""
    places = np.unravel_index(flat, tuple(shape)) if shape else ()
    return "".join(f"[{place}]" for place in places) or "the whole"


def shown(value: Any) -> str:
    """A value of JSON in a message, cut."""
    if type(value) is list:
        return f"a list of {len(value)}"
    if type(value) is dict:
        return "an object"
    text = (
        json.dumps(value, ensure_ascii=False) if not isinstance(value, int) or abs(value) < 10**40 else "a huge number"
    )
    return readable(text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…")


def readable(text: str) -> str:
    """A text with its halves of surrogate pairs escaped, as JSON does it, since they cannot be encoded."""
    return text.encode(errors="backslashreplace").decode()
