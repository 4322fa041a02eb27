"""What every protocol asks of arrays before it makes them: names, shapes, dtypes, sizes."""

from collections.abc import Iterable, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from stepwell.core.errors import suggest
from stepwell.deploy.calls import Arrays, Numbers, Refused
from stepwell.deploy.card import Array, Card

DTYPES: Mapping[str, np.dtype[Any]] = {
    name: np.dtype(name).newbyteorder("<")
    for name in (
        "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64",
    )
}  # fmt: skip
"""The dtypes that clients may send, by numpy's names; little-endian."""


def only_input(card: Card, what: str) -> Array:
    """The input of a model that has one. Raises `Refused` (422) for others, since `what` holds one array."""
    if len(card.inputs) == 1:
        return card.inputs[0]
    raise Refused(
        422,
        f"{what} is one array, but the model {card.name} has {len(card.inputs)} inputs ({names_of(card.inputs)}). Send JSON, "
        f'{{"inputs": {{"{card.inputs[0].name}": …}}}}, or tensors by name to /v2/models/{card.name}/infer.',
    )


def names_of(arrays: Iterable[Array]) -> str:
    """`'numbers' and 'codes'`, for messages."""
    return listed([array.name for array in arrays])


def listed(names: Sequence[str]) -> str:
    """`'a', 'b' and 'c'`, for messages; long lists are cut."""
    shown = [repr(name if len(name) <= 80 else f"{name[:79]}…") for name in names[:8]]
    if len(names) > 8:
        shown.append(f"{len(names) - 8} more")
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def shape_of_rows(want: Array, shape: Sequence[int]) -> tuple[int, ...]:
    """The shape, rows first, of an array that has `shape`, where the dimension of a single row may be left out.

    Raises `Refused` (422) for a shape that is not the input's, and for one without rows or values.
    """
    whole = tuple(shape) if len(shape) > len(want.shape) else (1, *shape)
    if not want.fits(whole):
        raise Refused(422, f"The input {want.name!r} has the shape {written(shape)}. {_due(want)}")
    if 0 in whole:
        raise Refused(422, f"The input {want.name!r} has the shape {written(shape)}, and so no values. {_due(want)}")
    return whole


def _due(want: Array) -> str:
    sizes = ", ".join("any" if size is None else str(size) for size in want.shape)
    whole = f"(rows, {sizes})" if sizes else "(rows,)"
    return f"The model takes {want.written()} a row: send {whole}, or without the first dimension for one row."


def written(shape: Sequence[int]) -> str:
    """`(3, 32, 32)`, for messages; long ones are cut."""
    sizes = ", ".join(str(size) if abs(size) < 10**18 else "…" for size in shape[:8])
    return f"({sizes}{', …' if len(shape) > 8 else ',' if len(shape) == 1 else ''})"


def check_dtype(want: Array, dtype: np.dtype[Any]) -> None:
    """Raise `Refused` (422) for a dtype of which not every value is one of the input's."""
    if not np.can_cast(dtype, want.dtype, "safe"):
        raise Refused(
            422,
            f"The input {want.name!r} is {dtype.name}, and the model takes {want.dtype}: converting it here could change "
            f'values unseen. Convert it before it is sent, such as with numpy\'s array.astype("{want.dtype}").',
        )


def check_size(have: int, dtype: np.dtype[Any], shape: Sequence[int], what: str) -> None:
    """Raise `Refused` (400) unless `have` bytes are just those of an array."""
    due = prod(shape) * dtype.itemsize
    if have != due:
        raise Refused(
            400,
            f"{what} has {have:,} bytes, but {dtype.name} {written(shape)} takes {due:,}. It was cut off, or its shape or "
            "dtype is another.",
        )


def view(data: bytes | memoryview, dtype: np.dtype[Any], offset: int = 0) -> Numbers:
    """All values from `offset` on, one dimension, which shares the memory of `data`. Raises `Refused` (400) for truth values
    that are neither 0 nor 1.
    """
    values: Numbers = np.frombuffer(data, dtype, offset=offset)
    if dtype.kind == "b" and (values.view(np.uint8) > 1).any():
        raise Refused(
            400, "A truth value (bool) is one byte, 0 or 1; there are others. Send them as uint8 or compare first."
        )
    return values


def settled(want: Array, values: Numbers, shape: Sequence[int]) -> Numbers:
    """Values that were checked, as the model takes them: of its dtype, in order, aligned; copied only where they are not."""
    return np.require(values.reshape(shape), np.dtype(want.dtype), ("C", "A"))


def together(card: Card, given: Mapping[str, Numbers]) -> Arrays:
    """Arrays that each fit, in the card's order. Raises `Refused` (422) where the rows are not equally many."""
    counts = {name: len(array) for name, array in given.items()}
    if len(set(counts.values())) > 1:
        said = ", ".join(f"{name!r} has {count}" for name, count in counts.items())
        raise Refused(422, f"The inputs of a request have equally many rows, but {said}.")
    return Arrays({want.name: given[want.name] for want in card.inputs})


def check_names(card: Card, given: Sequence[str]) -> None:
    """Raise `Refused` (422) unless each of the card's inputs is given once, and nothing else."""
    known = [want.name for want in card.inputs]
    strange = [name for name in given if name not in known]
    if strange:
        raise Refused(
            422,
            f"The model {card.name} has no input {listed(strange[:1])}; its inputs are {listed(known)}."
            f"{suggest(strange[0][:80], known)}",
        )
    lacking = [name for name in known if name not in given]
    if lacking:
        raise Refused(
            422, f"The request lacks the input {listed(lacking)}. The model {card.name} takes {listed(known)}."
        )
    if len(given) > len(known):
        twice = next(name for name in given if given.count(name) > 1)
        raise Refused(422, f"The input {twice!r} is given twice. Give each input once, with all rows.")
