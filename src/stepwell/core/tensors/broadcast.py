"""How shapes broadcast: the rule, dimension by dimension, from the last."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from stepwell.core.errors import StepwellError

Shape = tuple[int, ...]
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth")


@dataclass(frozen=True)
class Broadcast:
    """Shapes that broadcast, and the shape of the result; its `repr` shows the rule, a line a dimension."""

    shapes: tuple[Shape, ...]
    result: Shape

    def __repr__(self) -> str:
        names = [_name(number) for number in range(len(self.shapes))]
        head = ("dimension", *names, "result", "")
        rows = [head, *(self._row(names, place) for place in range(1, len(self.result) + 1))]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        title = f"{' with '.join(map(str, self.shapes))} gives {self.result}"
        cells = ("  ".join(f"{cell:>{width}}" for cell, width in zip(row[:-1], widths, strict=False)) for row in rows)
        lines = [f"{cell}  {row[-1]}".rstrip() for cell, row in zip(cells, rows, strict=True)]
        return "\n".join([title, "", *(lines if self.result else []), *self._warning()]).rstrip()

    def _row(self, names: Sequence[str], place: int) -> tuple[str, ...]:
        sizes, due = [_size(shape, place) for shape in self.shapes], self.result[-place]
        shown = ("·" if size is None else str(size) for size in sizes)
        said = (_said(name, size, due) for name, size in zip(names, sizes, strict=True))
        return (str(-place), *shown, str(due), ", ".join(filter(None, said)))

    def _warning(self) -> Iterator[str]:
        """A word on the shapes that meet although nobody meant them to: a column and a row of one length."""
        repeated = [
            {place for place in range(1, len(self.result) + 1) if _grows(s, place, self.result)} for s in self.shapes
        ]
        if len(self.shapes) == 2 and all(repeated):
            yield ""
            yield "Both grow: every element of one meets each of the other. Two lists of one length would meet pair by pair."


def explain_broadcast(*tensors: Any) -> Broadcast:
    """The shape of tensors, arrays or shapes (tuples of sizes) that meet in one operation, and why it is so.

    Shapes are compared from the last dimension: equal sizes stay, a size of 1 is repeated, a dimension that is missing in
    front counts as 1. Raises `StepwellError` for shapes that do not broadcast, with the dimension and its sizes, and with
    the way of making room for a dimension that would mend it, where there is one.
    Source: Stevens et al., chapter 5 (capability C3).
    """
    shapes = tuple(map(_shape, tensors))
    if not shapes:
        raise StepwellError("explain_broadcast takes tensors or shapes, such as explain_broadcast((3, 1), (1, 3)).")
    result = _result(shapes)
    if result is None:
        raise StepwellError(_refusal(shapes))
    return Broadcast(shapes, result)


def _shape(tensor: Any) -> Shape:
    sizes = tuple(getattr(tensor, "shape", tensor if isinstance(tensor, Sequence) else ("?",)))
    if not all(isinstance(size, int) and size >= 0 for size in sizes):
        raise StepwellError(f"{tensor!r} is neither a tensor nor a shape, such as (3, 1); a number has the shape ().")
    return sizes


def _size(shape: Shape, place: int) -> int | None:
    """The size of the dimension that is `place`-th from the end; None where it is missing."""
    return shape[-place] if place <= len(shape) else None


def _met(shapes: Sequence[Shape], place: int) -> set[int]:
    """The sizes at a place that are not repeated; shapes broadcast where there is at most one."""
    return {size for shape in shapes if (size := _size(shape, place)) not in (None, 1)}


def _result(shapes: Sequence[Shape]) -> Shape | None:
    met = [_met(shapes, place) for place in range(max(map(len, shapes)), 0, -1)]
    return None if any(len(sizes) > 1 for sizes in met) else tuple(min(sizes, default=1) for sizes in met)


def _grows(shape: Shape, place: int, result: Shape) -> bool:
    return _size(shape, place) in (None, 1) and result[-place] != 1


def _said(name: str, size: int | None, due: int) -> str:
    if size is None:
        return f"{name} has none: repeated {due} times" if due != 1 else f"{name} has none"
    return f"{name} is repeated {due} times" if size != due else ""


def _name(number: int) -> str:
    return _ORDINALS[number] if number < len(_ORDINALS) else f"{number + 1}th"


def _refusal(shapes: Sequence[Shape]) -> str:
    place = next(place for place in range(1, max(map(len, shapes)) + 1) if len(_met(shapes, place)) > 1)
    sizes = [(number, _size(shape, place)) for number, shape in enumerate(shapes)]
    found = " and ".join(f"{size} in the {_name(number)}" for number, size in sizes if size not in (None, 1))
    return (
        f"{' and '.join(map(str, shapes))} do not broadcast: counted from the end, dimension {-place} is {found}. Sizes that"
        f" meet are equal, or one of them is 1.{_mending(shapes)}"
    )


def _mending(shapes: Sequence[Shape]) -> str:
    """What would make the shapes broadcast: dimensions of size 1 put into a shorter one, or one of them transposed."""
    longest = max(map(len, shapes))
    for number, shape in sorted(enumerate(shapes), key=lambda one: len(one[1])):
        rest = [*shapes[:number], *shapes[number + 1 :]]
        for at in combinations(range(longest), longest - len(shape)):
            wide = _widened(shape, at)
            if at and _result([wide, *rest]) is not None:
                calls = "".join(f".unsqueeze({place})" for place in at)
                return f" If it is meant so, {calls} makes the {_name(number)} {wide}, which does."
        turned = (*shape[:-2], *shape[:-3:-1])
        if len(shape) > 1 and _result([turned, *rest]) is not None:
            return f" If it is meant so, .mT makes the {_name(number)} {turned}, which does."
    return " Reshape one of them, or take the rows of it that belong to the other's."


def _widened(shape: Shape, at: tuple[int, ...]) -> Shape:
    sizes = iter(shape)
    return tuple(1 if place in at else next(sizes) for place in range(len(shape) + len(at)))
