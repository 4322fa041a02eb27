"""Pictures in an archive, tar or zip: decoded as they stream by, and never unpacked to the disk."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from io import BytesIO
from itertools import chain
from pathlib import Path

import torch
from torch import Tensor

from stepwell.core.errors import DataError
from stepwell.data.images.decode import Broken, Progress, decode_parts, gather
from stepwell.data.images.layout import SIDE_FOLDERS, Layout, arrange
from stepwell.data.images.listing import Listing
from stepwell.data.images.members import DAMAGE, MOST_BYTES, count_of, damaged, pictures_in, too_large
from stepwell.data.images.parts import File, Form, Part, Size, sound_size
from stepwell.data.images.stored import Images, check_chosen
from stepwell.data.pictures import check_size
from stepwell.data.tables.memory import available_memory, human


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
    rest, and the errors, are those of `decode` and of `find_images`; a file of more than `MOST_BYTES` counts as broken, and
    pictures that take more than half of the memory are refused as soon as that shows. Of files of one name the last counts.
    Paths are names here and are never opened, so an archive cannot reach outside itself.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"There is no file {path}.")
    check_size(size)
    wanted = _Wanted(path, set(classes))
    try:
        total = None if classes else count_of(path)
        decoding = _parts(wanted.files(), size, channels, workers, progress)
        parts = [*_within_memory(decoding, path, total), wanted.large]
    except DAMAGE as error:
        raise damaged(path, "an archive", error) from None
    layout = _layout(path, list(dict.fromkeys(wanted.all)))
    check_chosen(path.name, classes, layout[1].classes)
    listing = Listing(path, tuple(wanted.names), torch.empty(0, dtype=torch.int64), ())
    decoded = gather(listing, parts, size, broken)
    found = _in_order(path, *layout, _places(wanted.names, decoded.kept), decoded.images)
    found = replace(found, broken=tuple(decoded.broken))
    return found.of_classes(classes) if classes else found


class _Wanted:
    """The pictures of an archive that lie in the folder of one of some classes (none: all), numbered as they stream by."""

    def __init__(self, path: Path, classes: set[str]) -> None:
        self.path, self.classes = path, classes
        self.all: list[str] = []  # names of all pictures so far
        self.names: list[str] = []  # of those that are numbered
        self.large = Part()  # of those, the ones that are too large to be read

    def files(self) -> Iterator[tuple[int, File]]:
        """Number and bytes of each that can be read."""
        for member in pictures_in(self.path):
            self.all.append(member.name)
            if self.classes and not self.classes & set(member.name.split("/")[:-1]):
                continue
            self.names.append(member.name)
            row = len(self.names) - 1
            if member.size > MOST_BYTES:
                self.large.broken[row] = too_large(member.size)
            else:
                yield row, BytesIO(member.read())


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


def _within_memory(parts: Iterator[Part], path: Path, total: int | None) -> Iterator[Part]:
    """The parts, as long as all pictures (`total`, where it is known) fit into half of the memory, to judge by those so far."""
    available, held, rows = available_memory(), 0, 0
    for part in parts:
        held, rows = held + part.images.nbytes, rows + len(part.rows)
        count = max(total or 0, rows)
        need = held * count // max(rows, 1)
        if need > available // 2:
            which = f"its {count:,} pictures" if total else f"the first {count:,} pictures alone"
            raise DataError(
                f"{path}: {which} take {human(need)} of memory, of which {human(available)} are available, and half of that is"
                " for pictures. Take a smaller size, or unpack the archive: a folder's pictures are decoded as they are needed."
            )
        yield part


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


def _places(names: Sequence[str], kept: Tensor) -> dict[str, int]:
    """Where each file's picture is among those that were `kept`; of files of one name, the last one's, if it was."""
    last = {name: row for row, name in enumerate(names)}
    return {names[row]: place for place, row in enumerate(kept.tolist()) if last[names[row]] == row}


def _in_order(path: Path, above: str, layout: Layout, place: dict[str, int], images: Tensor) -> Images:
    """The decoded pictures, of which `place` says where they are, in the layout's order."""
    chosen = torch.tensor([row for row, file in enumerate(layout.files) if above + file in place], dtype=torch.int64)
    files = [layout.files[row] for row in chosen.tolist()]
    order = torch.tensor([place[above + file] for file in files], dtype=torch.int64)
    return Images(
        images if torch.equal(order, torch.arange(len(images))) else images.index_select(0, order),
        layout.labels[chosen],
        layout.classes,
        tuple(files),
        None if layout.sides is None else tuple(layout.sides[row] for row in chosen.tolist()),
        path.name,
    )
