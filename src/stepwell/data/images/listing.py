"""Listings: which pictures there are, of which class and on which side, before any of them is decoded."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

from jaxtyping import Int64
from torch import Tensor

from stepwell.core.errors import DataError, suggest
from stepwell.data.images.layout import arrange, is_picture


@dataclass(frozen=True, eq=False)
class Listing:
    """Pictures in files: `files` are their paths from `root`, with slashes; `labels` (int64) their class numbers;
    `classes` the classes' names by number; `sides` each file's side (`train`, `val`, `test`), or None where nothing says.

    `ignored` files were hidden or no pictures. `title` is what people call all of it.
    """

    root: Path
    files: tuple[str, ...]
    labels: Int64[Tensor, " n"]
    classes: tuple[str, ...]
    sides: tuple[str, ...] | None = None
    ignored: int = 0
    title: str = ""

    def __len__(self) -> int:
        return len(self.files)

    def take(self, rows: Tensor) -> "Listing":
        """Some of the files, by number (int64), in that order; the classes stay."""
        chosen = rows.tolist()
        sides = None if self.sides is None else tuple(self.sides[row] for row in chosen)
        return replace(
            self, files=tuple(self.files[row] for row in chosen), labels=self.labels.index_select(0, rows), sides=sides
        )


def find_images(
    path: Path | str, *, file: str | None = None, label: str | None = None, side: str | None = None
) -> Listing:
    """The pictures of a folder of class folders, or those that a CSV file lists.

    A class is a folder's name; below it folders may be nested. Above the classes there may be folders of sides: train,
    val, valid or validation, test. Class numbers follow the names in sorted order. In a CSV file `file`, `label` and `side`
    name the columns of paths (relative to the CSV file), of labels, and of sides; what is not given is found.

    Raises `DataError`, with what to do: for a path that is missing, pictures without class folders, an empty class folder,
    a single class, a class that is on no training picture, a path of the CSV file that is missing (with its line).
    """
    path = Path(path).expanduser()
    if path.is_dir():
        return replace(_in_folders(path), title=title_of(path))
    if not path.exists():
        near = suggest(path.name, (entry.name for entry in path.parent.iterdir())) if path.parent.is_dir() else ""
        raise DataError(
            f"There is no folder or file {path}.{near or f' Paths start from {Path.cwd()}.'} Expected is a folder of class"
            " folders with pictures, or a CSV file of paths and labels."
        )
    if is_picture(path.name):
        raise DataError(
            f"{path} is one picture; to train, give a folder of class folders, or a CSV file of paths and labels."
        )
    from stepwell.data.images.sheet import read_sheet

    return replace(read_sheet(path, file=file, label=label, side=side), title=title_of(path))


def title_of(path: Path) -> str:
    """What people call a folder or file: its own name, wherever one stands."""
    return path.expanduser().absolute().resolve().name


def walk(root: Path) -> tuple[list[str], list[str]]:
    """All files below a folder and all folders, as paths from it with slashes. Folders behind links are entered once."""
    files: list[str] = []
    folders: list[str] = []
    seen: set[tuple[int, int]] = set()
    for place, below, names in os.walk(root, followlinks=True):
        here = os.stat(place)
        if (here.st_dev, here.st_ino) in seen:  # a link to a folder above
            below.clear()
            continue
        seen.add((here.st_dev, here.st_ino))
        below[:] = sorted(name for name in below if not name.startswith("."))
        prefix = os.path.relpath(place, root).replace(os.sep, "/")
        prefix = "" if prefix == "." else f"{prefix}/"
        files += [prefix + name for name in names]
        folders += [prefix + name for name in below]
    return files, folders


def _in_folders(root: Path) -> Listing:
    files, folders = walk(root)
    found = arrange(str(root), files, folders)
    return Listing(root, found.files, found.labels, found.classes, found.sides, found.ignored)
