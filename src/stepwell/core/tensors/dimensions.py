"""Dimensions with names: converting layouts without a copy, and arithmetic that refuses dimensions that do not match.

torch's own named tensors were a prototype from version 1.3 on; 2.13 no longer has them (`names=`, `refine_names`,
`align_as` are gone). What they were for is here, around a plain tensor that goes into every operation of torch.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from stepwell.core.errors import StepwellError, suggest

LAYOUTS = {
    "image": "c h w",
    "images": "n c h w",
    "volume": "c d h w",
    "volumes": "n c d h w",
    "series": "n c l",
    "table": "n f",
    "text": "l v",
}
"""What torch's layers expect: n rows, c channels, d depth, h height, w width, l length, f features, v words."""

Name = str | None


def arrange(x: Tensor, pattern: str) -> Tensor:
    """The same elements under another order of dimensions: `arrange(photo, "h w c -> c h w")`.

    It copies nothing: the result is a view, which `stepwell.inspect(result, photo)` shows to have the same elements. A
    name that is new on the right becomes a dimension of size 1 (`"d h w -> c d h w"`, for a scan without channels). On
    either side a layout of `LAYOUTS` may be named: `"h w c -> image"`. Raises `StepwellError` for names that do not fit.
    Source: Stevens et al., chapter 4 (capability C1).
    """
    before, arrow, after = pattern.partition("->")
    if not arrow:
        raise StepwellError(
            f"{pattern!r} does not say where to: write the order that is and the one to be, 'h w c -> c h w'."
        )
    return Named(x, _split(before)).align_to(*_split(after)).tensor


def _split(side: str) -> tuple[str, ...]:
    return tuple(LAYOUTS.get(side.strip(), side).split())


@dataclass(frozen=True, eq=False)
class Named:
    """A tensor whose dimensions have names; None is a dimension without one. `.tensor` gives it back without.

    `+ - * /` compare names from the last dimension and refuse two that differ. Raises `StepwellError` for names that are
    too many, too few or repeated. Source: Stevens et al., section 3.4 (book row S3.4, capability C4).
    """

    tensor: Tensor
    names: tuple[Name, ...]

    def __post_init__(self) -> None:
        known = [name for name in self.names if name is not None]
        if len(self.names) != self.tensor.dim() or len(set(known)) < len(known):
            raise StepwellError(
                f"A tensor of shape {tuple(self.tensor.shape)} has {self.tensor.dim()} dimensions, each with a name of its"
                f" own; given are {_listed(self.names)}."
            )

    @property
    def shape(self) -> dict[Name, int]:
        """The size of each dimension by name."""
        return dict(zip(self.names, self.tensor.shape, strict=True))

    def refine(self, *names: Name) -> "Named":
        """Give names to dimensions without one. `...` stands for the rest: `refine(..., "channels", "rows", "columns")`.

        Raises `StepwellError` where a dimension has another name already.
        """
        full = self._spread(names)
        for place, (old, new) in enumerate(zip(self.names, full, strict=False)):
            if old is not None and old != new:
                raise StepwellError(
                    f"Dimension {place} is {old!r} already, not {new!r}; .rename({old}={new!r}) changes it."
                )
        return Named(self.tensor, full)

    def _spread(self, names: Sequence[Any]) -> tuple[Name, ...]:
        if ... not in names:
            return tuple(names)
        at = names.index(...)
        rest = self.names[at : len(self.names) - (len(names) - at - 1)]
        return (*names[:at], *rest, *names[at + 1 :])

    def rename(self, **new: Name) -> "Named":
        """Other names for some dimensions: `rename(rows="height")`; None takes a name away."""
        for name in new:
            self.place(name)
        return Named(self.tensor, tuple(new.get(name, name) if name is not None else None for name in self.names))

    def place(self, name: str) -> int:
        """The number of a dimension. Raises `StepwellError` for a name that there is none of."""
        if name not in self.names:
            near = suggest(name, [known for known in self.names if known is not None])
            raise StepwellError(f"There is no dimension {name!r}; there are {_listed(self.names)}.{near}")
        return self.names.index(name)

    def align_to(self, *names: str) -> "Named":
        """A view with the dimensions in this order; names that are new become dimensions of size 1. All old ones are there.

        Raises `StepwellError` where one is left out.
        """
        lost = [name for name in self.names if name not in names]
        if lost:
            raise StepwellError(
                f"{_listed(lost)} of {_listed(self.names)} has no place in {_listed(names)}. Name it, or take a sum or a mean"
                " over it first."
            )
        wide = self.tensor.permute([self.place(name) for name in names if name in self.names])
        for at, name in enumerate(names):
            wide = wide if name in self.names else wide.unsqueeze(at)
        return Named(wide, names)

    def align_as(self, other: "Named") -> "Named":
        """A view with the dimensions of another, to meet it: `weights.align_as(image)`."""
        return self.align_to(*other.names)  # type: ignore[arg-type]

    def reduce(self, function: Callable[..., Tensor], *names: str) -> "Named":
        """The tensor without the dimensions `names`, made one by a function of torch's that takes `dim=`, such as torch.amax."""
        places = [self.place(name) for name in names]
        return Named(function(self.tensor, dim=tuple(places)), tuple(n for n in self.names if n not in names))

    def sum(self, *names: str) -> "Named":
        """The sum over the dimensions `names`."""
        return self.reduce(torch.sum, *names)

    def mean(self, *names: str) -> "Named":
        """The mean over the dimensions `names`."""
        return self.reduce(torch.mean, *names)

    def __add__(self, other: "Operand") -> "Named":
        return self._with(other, torch.add)

    def __sub__(self, other: "Operand") -> "Named":
        return self._with(other, torch.sub)

    def __mul__(self, other: "Operand") -> "Named":
        return self._with(other, torch.mul)

    def __truediv__(self, other: "Operand") -> "Named":
        return self._with(other, torch.div)

    def _with(self, other: "Operand", operation: Callable[[Tensor, Tensor], Tensor]) -> "Named":
        if not isinstance(other, Named):
            other = Named(torch.as_tensor(other), (None,) * torch.as_tensor(other).dim())
        names = _united(self.names, other.names)
        return Named(operation(self.tensor, other.tensor), names)

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name or '_'}={size}" for name, size in zip(self.names, self.tensor.shape, strict=True))
        return f"Named({sizes})\n{self.tensor!r}"


Operand = Named | Tensor | float


def _united(one: tuple[Name, ...], other: tuple[Name, ...]) -> tuple[Name, ...]:
    """The names of a result: compared from the last, where a dimension without a name takes the other's."""
    depth = max(len(one), len(other))
    padded = [(None,) * (depth - len(names)) + names for names in (one, other)]
    for place, (left, right) in enumerate(zip(*padded, strict=True)):
        if left is not None and right is not None and left != right:
            raise StepwellError(
                f"Dimension {place - depth} is {left!r} on the left, but {right!r} on the right: {_listed(one)} with"
                f" {_listed(other)}. Bring one into the order of the other: right.align_as(left)."
            )
    return tuple(left if left is not None else right for left, right in zip(*padded, strict=True))


def _listed(names: Sequence[Name]) -> str:
    return f"({', '.join('_' if name is None else name for name in names)})"
