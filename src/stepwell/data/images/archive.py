"""Pictures in an archive, tar or zip: decoded as they stream by, and never unpacked to the disk."""

import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from io import BytesIO
from itertools import chain
from pathlib import Path, PurePosixPath

import torch
from torch import Tensor

from stepwell.core.errors import DataError
from stepwell.data.images.decode import Broken, Progress, decode_parts, gather
from stepwell.data.images.layout import SIDE_FOLDERS, Layout, arrange, is_picture
from stepwell.data.images.listing import Listing
from stepwell.data.images.parts import File, Form, Part, Size, sound_size
from stepwell.data.images.stored import Images, check_chosen
from stepwell.data.pictures import check_size

_DAMAGE = (tarfile.TarError, zipfile.BadZipFile, OSError, EOFError, zlib.error, NotImplementedError, RuntimeError)

Members = Iterator[tuple[str, Callable[[], bytes]]]
"""Files of an archive in its order: each path, and a function that reads it before the next one is asked for."""


def is_archive(path: Path) -> bool:
    """Whether a file is a tar (compressed or not) or a zip archive, by its content."""
    return path.is_file() and (zipfile.is_zipfile(path) or tarfile.is_tarfile(path))


def read_archive(
    path: Path | str,
    *,
    classes: Sequence[str] = (),
    size: Size | None = None,
    channels: int | None = None,
    workers: int = 0,
    broken: Broken = "refuse",
    progress: Progress | None = None,
) -> Images:
    """The pictures of a tar or zip archive, laid out as folders are: `train/CLASS/1.jpg`, or `CLASS/1.jpg`, within any number
    of folders that hold all of it. Rows are in the order of sides, classes and names.

    `classes` are the only ones to decode, numbered anew in that order. `workers` processes decode (0: the calling one). The
    rest, and the errors, are those of `decode` and of `find_images`. Paths are names here and are never opened, so an archive
    cannot reach outside itself.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"There is no file {path}.")
    check_size(size)
    names: list[str] = []  # of all pictures
    wanted: list[str] = []  # of those to decode
    try:
        files = _wanted(_members(path), set(classes), names, wanted)
        parts = list(_parts(files, size, channels, workers, progress))
    except _DAMAGE as error:
        raise DataError(f"{path} cannot be read as an archive: {error}. Copy or download it again.") from None
    layout = _layout(path, names)
    check_chosen(path.name, classes, layout[1].classes)
    listing = Listing(path, tuple(wanted), torch.empty(0, dtype=torch.int64), ())
    decoded = gather(listing, parts, size, broken)
    found = _in_order(path, *layout, [wanted[row] for row in decoded.kept.tolist()], decoded.images)
    found = replace(found, broken=tuple(decoded.broken))
    return found.of_classes(classes) if classes else found


def _members(path: Path) -> Members:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            yield from ((name, partial(archive.read, name)) for name in archive.namelist() if not name.endswith("/"))
        return
    with tarfile.open(path, "r|*") as stream:
        for member in stream:
            file = stream.extractfile(member) if member.isfile() else None
            if file is not None:
                yield member.name, file.read


def _wanted(members: Members, classes: set[str], names: list[str], wanted: list[str]) -> Iterator[tuple[int, File]]:
    """The bytes of the pictures in one of the classes' folders, numbered; the lists are filled on the way."""
    for path, read in members:
        name = "/".join(part for part in PurePosixPath(path).parts if part not in ("/", ".", ".."))
        if not is_picture(name):
            continue
        names.append(name)
        if not classes or classes & set(name.split("/")[:-1]):
            wanted.append(name)
            yield len(wanted) - 1, BytesIO(read())


def _parts(
    files: Iterator[tuple[int, File]],
    size: Size | None,
    channels: int | None,
    workers: int,
    progress: Progress | None,
) -> Iterator[Part]:
    first: list[tuple[int, File]] = []
    form = Form(size or _first_size(files, first), size is not None, channels)
    return decode_parts(chain(first, files), form, workers, None, progress)


def _first_size(files: Iterator[tuple[int, File]], seen: list[tuple[int, File]]) -> Size:
    """The size of the first picture that has one; what was taken for it goes to `seen`."""
    for row, file in files:
        seen.append((row, file))
        if found := sound_size(file):
            return found
    return (1, 1)


def _layout(path: Path, names: Sequence[str]) -> tuple[str, Layout]:
    """The folders that all pictures lie in, and the layout of what is in these."""
    above = ""
    while names:
        tops = {name[len(above) :].partition("/")[0] if "/" in name[len(above) :] else None for name in names}
        top = tops.pop()
        if tops or top is None or top.lower() in SIDE_FOLDERS:
            break
        above += f"{top}/"
    return above, arrange(str(path), [name[len(above) :] for name in names])


def _in_order(path: Path, above: str, layout: Layout, names: Sequence[str], images: Tensor) -> Images:
    """The decoded pictures, `names` and `images`, in the layout's order."""
    place = {name.removeprefix(above): row for row, name in enumerate(names)}
    chosen = torch.tensor([row for row, file in enumerate(layout.files) if file in place], dtype=torch.int64)
    files = [layout.files[row] for row in chosen.tolist()]
    return Images(
        images.index_select(0, torch.tensor([place[file] for file in files], dtype=torch.int64)),
        layout.labels[chosen],
        layout.classes,
        tuple(files),
        None if layout.sides is None else tuple(layout.sides[row] for row in chosen.tolist()),
        path.name,
    )
