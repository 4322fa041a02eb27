"""The files in an archive, tar or zip: their names and bytes, read up to a limit and never unpacked to the disk."""

import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from gzip import GzipFile
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from stepwell.core.errors import DataError
from stepwell.data.images.layout import is_picture
from stepwell.data.images.parts import Size, size_of
from stepwell.data.tables.memory import human

MOST_BYTES = 2**28
"""Bytes of the largest file in an archive that is read: no picture that can be decoded has more."""

DAMAGE = (
    tarfile.TarError, zipfile.BadZipFile, OSError, EOFError, zlib.error, lzma.LZMAError, NotImplementedError, RuntimeError,
)  # fmt: skip
"""What reading a damaged archive raises."""

_CHUNK = 2**20
_LOOKED_AT = 256


class Member(NamedTuple):
    """A file of an archive: its path without steps up or to the root, its bytes unpacked, and what reads them.

    `read` is called before the next member is asked for.
    """

    name: str
    size: int
    read: Callable[[], bytes]


def is_archive(path: Path) -> bool:
    """Whether a file is a tar (compressed or not) or a zip archive, by its content."""
    return path.is_file() and (zipfile.is_zipfile(path) or tarfile.is_tarfile(path))


def pictures_in(path: Path) -> Iterator[Member]:
    """The files that are pictures by name, in the archive's order. Raises one of `DAMAGE` where it is damaged."""
    members = _zipped(path) if zipfile.is_zipfile(path) else _in_tar(path)
    return (member for member in members if is_picture(member.name))


def count_of(path: Path) -> int | None:
    """How many pictures an archive has, where that is told without reading it: of a zip."""
    return sum(1 for _ in pictures_in(path)) if zipfile.is_zipfile(path) else None


def sizes_in(path: Path) -> Iterator[Size | None]:
    """Height and width of some pictures of an archive, over all of it, by their headers; None for those that have none.

    Raises `DataError` where it is damaged.
    """
    every = 1
    try:
        for place, member in enumerate(pictures_in(path)):
            if place >= 2 * _LOOKED_AT * every:
                every *= 2
            if place % every == 0 and member.size <= MOST_BYTES:
                yield size_of(BytesIO(member.read()))
    except DAMAGE as error:
        raise damaged(path, "an archive", error) from None


def damaged(path: Path, kind: str, error: Exception) -> DataError:
    """What to raise for one of `DAMAGE`."""
    what = (str(error).splitlines() or [type(error).__name__])[0].rstrip(":")  # tarfile lists what it tried below
    return DataError(f"{path} cannot be read as {kind}: {what}. Copy or download it again.")


def too_large(size: int) -> str:
    """What is wrong with a file of so many bytes in an archive, as a text that goes on after its name."""
    return f"has {human(size)}; files of more than {human(MOST_BYTES)} are not read out of an archive."


def read_most(stream: IO[bytes] | GzipFile, most: int) -> bytes:
    """The bytes of a stream to its end, at most `most`; memory is taken as they come."""
    parts: list[bytes] = []
    while most > 0 and (part := stream.read(min(_CHUNK, most))):
        parts.append(part)
        most -= len(part)
    return b"".join(parts)


def _zipped(path: Path) -> Iterator[Member]:
    with zipfile.ZipFile(path) as archive:
        last = {_inside(info.filename): info for info in archive.infolist() if not info.is_dir()}
        for name, info in last.items():
            yield Member(name, info.file_size, partial(_unpacked, archive, info))


def _unpacked(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # zipfile unpacks others without a limit
        raise DataError(
            f"{archive.filename}: {info.filename} is packed by another method than deflate; pack the archive again with that one."
        )
    with archive.open(info) as stream:  # its end is asked for, too, where the checksum is compared
        return read_most(stream, info.file_size + 1)


def _in_tar(path: Path) -> Iterator[Member]:
    with tarfile.open(path, "r:*") as stream:  # "r|*" would unpack without a limit
        for member in stream:
            file = stream.extractfile(member) if member.isfile() else None
            if file is not None:
                yield Member(_inside(member.name), member.size, file.read)


def _inside(path: str) -> str:
    return "/".join(part for part in PurePosixPath(path).parts if part not in ("/", ".", ".."))
