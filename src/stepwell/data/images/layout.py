"""What folders say of the pictures in them: the class, and where there are folders of sides above the classes, the side."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Int64
from torch import Tensor

from stepwell.core.errors import DataError
from stepwell.data.pictures import SUFFIXES
from stepwell.data.proportions import SIDES

SIDE_FOLDERS: Mapping[str, str] = {
    "train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "dev": "val",
    "test": "test", "testing": "test",
}  # fmt: skip
"""Names of folders (in any case) above the classes, and the side of a split that each means."""

MENDS = (
    "Put the pictures of each class into a folder of its own, such as cat/1.jpg and dog/2.jpg, or list paths and labels in"
    " a CSV file."
)
_SHOWN = 10


@dataclass(frozen=True, eq=False)
class Layout:
    """The pictures among some paths: `files` in the order of class and name, `labels` their class numbers, `classes` the
    names in sorted order, `sides` each file's side or None; `ignored` are the files that are hidden or no pictures.
    """

    files: tuple[str, ...]
    labels: Int64[Tensor, " n"]
    classes: tuple[str, ...]
    sides: tuple[str, ...] | None
    ignored: int


def is_picture(path: str) -> bool:
    """Whether a relative path is a picture by its name: its suffix is of one, and no part of it is hidden."""
    return path.lower().endswith(SUFFIXES) and not is_hidden(path)


def is_hidden(path: str) -> bool:
    """Whether a part of a relative path begins with a dot, or is what macOS adds to archives."""
    return any(part.startswith(".") or part == "__MACOSX" for part in path.split("/"))


def arrange(where: str, paths: Sequence[str], folders: Sequence[str] = ()) -> Layout:
    """The layout of relative paths with slashes. `where` is what messages call their root; `folders` are the folders that
    are there, so that empty ones can be named.

    The folder below the root is the class, whatever is nested below it; or below a folder of `SIDE_FOLDERS`, if all
    folders at the root are such and one is for training. Raises `DataError` for no pictures, pictures without class
    folders, empty class folders, other folders of pictures beside train and a second side, fewer than two classes, and
    classes that are not among the training pictures.
    """
    pictures = sorted(path for path in paths if is_picture(path))
    _refuse_none(where, pictures, len(paths))
    with_sides = _has_sides({path.split("/")[0] for path in [*(p for p in pictures if "/" in p), *_visible(folders)]})
    if not with_sides:
        _refuse_beside(where, sorted({path.split("/")[0] for path in pictures if "/" in path}))
    depth = 1 if with_sides else 0
    lying = [path for path in pictures if path.count("/") > depth]
    loose = [path for path in pictures if path.count("/") <= depth]
    _refuse_loose(where, lying, loose, depth)
    _refuse_empty(where, lying, folders, depth)
    names = [path.split("/")[depth] for path in lying]
    sides = tuple(SIDE_FOLDERS[path.split("/")[0].lower()] for path in lying) if with_sides else None
    classes = tuple(sorted(set(names)))
    check_classes(where, names, sides)
    number = {name: place for place, name in enumerate(classes)}
    labels = torch.tensor([number[name] for name in names], dtype=torch.int64)
    return Layout(tuple(lying), labels, classes, sides, len(paths) - len(lying))


def check_classes(where: str, names: Sequence[str], sides: Sequence[str] | None) -> None:
    """Raise `DataError` for fewer than two classes, and for classes that no training picture has. One name a picture."""
    classes = sorted(set(names))
    if len(classes) < 2:
        inside = f" If the classes are the folders inside {classes[0]!r}, give that folder instead." if classes else ""
        raise DataError(
            f"{where} has one class only, {', '.join(map(repr, classes))}; a network needs two or more to tell apart.{inside}"
        )
    if sides is None:
        return
    known = {name for name, side in zip(names, sides, strict=True) if side == "train"}
    if unseen := [name for name in classes if name not in known]:
        found = Counter(side for name, side in zip(names, sides, strict=True) if name in unseen)
        shown = " and ".join(side for side in SIDES if side in found)
        raise DataError(
            f"{where}: {listed(unseen)} {'is' if len(unseen) == 1 else 'are'} on the side {shown}, but not among the training"
            " pictures, so it cannot be learnt. Is it spelt otherwise there? Add training pictures or take it out."
        )


def listed(names: Sequence[str], shown: int = _SHOWN) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - shown:,} more" if len(names) > shown else ""
    return ", ".join(map(repr, names[:shown])) + more


def _has_sides(top: set[str]) -> bool:
    sides = {SIDE_FOLDERS.get(name.lower()) for name in top}
    return "train" in sides and None not in sides


def _visible(folders: Sequence[str]) -> list[str]:
    return [folder for folder in folders if not is_hidden(folder)]


def _refuse_none(where: str, pictures: Sequence[str], files: int) -> None:
    if pictures:
        return
    found = f"{files:,} files, but none of them is a picture by its name" if files else "no files"
    raise DataError(
        f"{where} has {found}; expected are pictures in class folders ({', '.join(SUFFIXES[:6])}, …). {MENDS}"
    )


def _refuse_beside(where: str, tops: Sequence[str]) -> None:
    """Folders of pictures that lie beside train and a second side: were all of them classes, the test pictures would train."""
    sides = [name for name in tops if name.lower() in SIDE_FOLDERS]
    others = [name for name in tops if name not in sides]
    means = {SIDE_FOLDERS[name.lower()] for name in sides}
    if others and "train" in means and len(means) > 1:
        lies, it = ("lies", "it") if len(others) == 1 else ("lie", "them")
        raise DataError(
            f"{where}: {listed(others)} {lies} beside {listed(sides)}, which name sides of a split; what lies beside such is"
            f" no class and no side. Move {it} away (predict gives pictures without labels theirs), or rename {it} to a side:"
            f" {', '.join(SIDES)}. If {listed(sides)} are classes themselves, rename these."
        )


def _refuse_loose(where: str, lying: Sequence[str], loose: Sequence[str], depth: int) -> None:
    if not lying:
        raise DataError(f"{where} has {len(loose):,} pictures but no class folders, so no picture has a label. {MENDS}")
    if depth and loose:
        tops = sorted({path.split("/")[0] for path in loose})
        raise DataError(
            f"{where}: {listed(loose, 3)} lie in {listed(tops)} beside the class folders, or without any, so they have no"
            " label. Move them out; once the network is trained, predict gives them labels."
        )


def _refuse_empty(where: str, lying: Sequence[str], folders: Sequence[str], depth: int) -> None:
    filled = {"/".join(path.split("/")[: depth + 1]) for path in lying}
    empty = sorted(folder for folder in _visible(folders) if folder.count("/") == depth and folder not in filled)
    if empty:
        what = "is a class folder" if len(empty) == 1 else "are class folders"
        raise DataError(
            f"{where}: {listed(empty)} {what} without pictures. Fill {'it' if len(empty) == 1 else 'them'} or take"
            f" {'it' if len(empty) == 1 else 'them'} away."
        )
