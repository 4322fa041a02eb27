"""Images that lie in memory, wherever they came from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Int64, UInt8
from torch import Tensor

from stepwell.core.errors import DataError, suggest


@dataclass(frozen=True, eq=False)
class Images:
    """Labelled pictures in memory.

    `images` are bytes (n, channels, height, width), `labels` (int64) class numbers, `classes` the names by number, `names`
    what each picture is called, `sides` its side (`train`, `val` or `test`); the last two are None where nothing says.
    `title` is what people call all of it, `broken` are files that were left out, with what is wrong. Raises `DataError` where
    the numbers of rows differ.
    """

    images: UInt8[Tensor, "n c h w"]
    labels: Int64[Tensor, " n"]
    classes: tuple[str, ...]
    names: tuple[str, ...] | None = None
    sides: tuple[str, ...] | None = None
    title: str = "images"
    broken: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if self.images.dtype != torch.uint8 or self.images.ndim != 4:
            raise DataError(
                f"Images are bytes (n, channels, height, width), but these are {self.images.dtype} of the shape"
                f" {tuple(self.images.shape)}."
            )
        for what, values in (("labels", self.labels), ("names", self.names), ("sides", self.sides)):
            if values is not None and len(values) != len(self.images):
                raise DataError(f"There are {len(self.images)} images but {len(values)} {what}; give one each.")
        if len(self.labels) and not 0 <= int(self.labels.min()) <= int(self.labels.max()) < len(self.classes):
            raise DataError(f"Labels are class numbers from 0 to {len(self.classes) - 1}; these reach beyond.")

    def __len__(self) -> int:
        return len(self.images)

    def take(self, rows: Tensor) -> "Images":
        """Some rows (int64), in that order; the classes stay."""
        chosen = rows.tolist()
        return replace(
            self,
            images=self.images.index_select(0, rows),
            labels=self.labels.index_select(0, rows),
            names=None if self.names is None else tuple(self.names[row] for row in chosen),
            sides=None if self.sides is None else tuple(self.sides[row] for row in chosen),
        )

    def of_side(self, side: str) -> "Images":
        """The rows of one side. Raises `DataError` where there are none."""
        rows = [row for row, each in enumerate(self.sides or ()) if each == side]
        if not rows:
            known = ", ".join(dict.fromkeys(self.sides)) if self.sides else "none"
            raise DataError(f"{self.title} has no rows of the side {side!r}; its sides: {known}.")
        return self.take(torch.tensor(rows))

    def of_classes(self, classes: Sequence[str]) -> "Images":
        """The rows of some classes, which are numbered anew in the order of `classes` (CIFAR-2: airplane 0, bird 1).

        Raises `DataError` for a class that is not there (near names are suggested) and for one that is named twice.
        """
        check_chosen(self.title, classes, self.classes)
        number = torch.full((len(self.classes),), -1, dtype=torch.int64)
        for new, name in enumerate(classes):
            number[self.classes.index(name)] = new
        labels = number[self.labels]
        chosen = self.take((labels >= 0).nonzero()[:, 0])
        return replace(chosen, labels=labels[labels >= 0], classes=tuple(classes))


def check_chosen(title: str, classes: Sequence[str], known: Sequence[str]) -> None:
    """Raise `DataError` for classes to choose that are not known, or named twice."""
    for name in classes:
        if name not in known:
            raise DataError(f"{title} has no class {name!r}; it has {', '.join(known)}.{suggest(name, known)}")
    if len(set(classes)) < len(classes):
        raise DataError(f"classes={tuple(classes)} names a class twice.")


def joined(parts: Sequence[Images], title: str) -> Images:
    """Rows of several as one, in order. Raises `DataError` where classes or shapes differ."""
    first = parts[0]
    for part in parts[1:]:
        if part.classes != first.classes or part.images.shape[1:] != first.images.shape[1:]:
            raise DataError(
                f"{part.title} has classes {part.classes} and pictures {tuple(part.images.shape[1:])}, {first.title} has"
                f" {first.classes} and {tuple(first.images.shape[1:])}; only what is alike can be joined."
            )
    return Images(
        torch.cat([part.images for part in parts]),
        torch.cat([part.labels for part in parts]),
        first.classes,
        _chain([part.names for part in parts]),
        _chain([part.sides for part in parts]),
        title,
        tuple(pair for part in parts for pair in part.broken),
    )


def _chain(parts: Sequence[tuple[str, ...] | None]) -> tuple[str, ...] | None:
    given = [part for part in parts if part is not None]
    return tuple(one for part in given for one in part) if len(given) == len(parts) else None
