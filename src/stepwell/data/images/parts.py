"""Some pictures decoded at once: what a worker does, and what comes back from it."""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from stepwell.core.errors import DataError
from stepwell.data.images.jpeg import decode_plain, plain_frame
from stepwell.data.pictures import is_grey, opened, pixels_of, quiet_decoders, upright_size

Bytes = np.ndarray[Any, np.dtype[np.uint8]]
Numbers = np.ndarray[Any, np.dtype[np.int64]]
Size = tuple[int, int]

File = Path | IO[bytes]

_PART_BYTES = 2**20
_MOST_ROWS = 128
_READ_AT_ONCE = 2**26
_DIGEST = 8  # bytes: of a million pictures two different ones have the same with a chance of 3e-8


@dataclass(frozen=True)
class Form:
    """What pictures become: `size` (height, width) of all, `scale` whether others are scaled to it or only counted,
    `channels` 1 or 3, or None for 1 where all are grey; `keep` whether pixels are given back or only their sums.
    """

    size: Size
    scale: bool = True
    channels: int | None = None
    keep: bool = True

    @property
    def row_bytes(self) -> int:
        """Bytes of a picture, at most."""
        return self.size[0] * self.size[1] * (self.channels or 3)

    @property
    def rows(self) -> int:
        """How many pictures to decode at once."""
        return max(1, min(_MOST_ROWS, _PART_BYTES // self.row_bytes))


@dataclass(eq=False)
class Part:
    """Pictures that were decoded together: of k, the `rows` (their numbers), `images` uint8 (k, c, h, w), `sizes` (k, 2) before
    scaling, `digests` (one a picture, of its pixels), `sums` int64 (k, c, 2) of values and of their squares.

    `broken` maps numbers of the others to what was wrong; `strange` those of other sizes to them.
    """

    rows: list[int] = field(default_factory=list)
    images: Bytes = field(default_factory=lambda: np.empty((0, 1, 1, 1), np.uint8))
    sizes: list[Size] = field(default_factory=list)
    digests: list[int] = field(default_factory=list)
    sums: Numbers = field(default_factory=lambda: np.empty((0, 1, 2), np.int64))
    broken: dict[int, str] = field(default_factory=dict)
    strange: dict[int, Size] = field(default_factory=dict)


def decode_part(files: Iterable[tuple[int, File]], form: Form) -> Part:
    """Decode numbered files, or streams of their bytes. What cannot be decoded is noted in the part, never raised."""
    part = Part()
    pictures: list[_Pixels] = []
    with quiet_decoders():
        for row, file in files:
            try:
                picture = _decoded(row, file, form, part)
            except DataError as error:
                part.broken[row] = str(error)
                continue
            if picture is not None:
                pictures.append(picture)
                part.rows.append(row)
                part.digests.append(digest_of(_filled(picture) if form.channels is None else picture.values))
    if pictures:
        _fill(part, pictures, form)
    return part


def size_of(file: File) -> Size | None:
    """Height and width of a picture by its header, upright; None where it cannot be read."""
    try:
        with quiet_decoders(), opened(file) as image:
            return upright_size(image)
    except DataError:
        return None


def sound_size(file: File) -> Size | None:
    """The same of a picture that can be decoded as a whole; None for others."""
    size = size_of(file)
    return size if size and decode_part([(0, file)], Form(size)).rows else None


def digest_of(pixels: bytes) -> int:
    """A number, int64, that different pictures do not share, but by a chance that can be neglected."""
    return int.from_bytes(hashlib.blake2b(pixels, digest_size=_DIGEST).digest(), "little", signed=True)


class _Pixels(NamedTuple):
    """A picture's bytes, row by row, pixel by pixel."""

    values: bytes
    channels: int


def _decoded(row: int, file: File, form: Form, part: Part) -> _Pixels | None:
    """A picture, whose size is noted; None for one of another size that is not to be scaled."""
    content = _content(file)
    quick = _quick(content, form) if isinstance(content, bytes) else None
    if quick is not None:
        part.sizes.append(form.size)
        return quick
    with opened(BytesIO(content) if isinstance(content, bytes) else content) as image:
        size = upright_size(image)
        if size != form.size and not form.scale:
            part.strange[row] = size
            return None
        channels = form.channels or (1 if is_grey(image) else 3)
        values = pixels_of(image, size=form.size, channels=channels).tobytes()
    part.sizes.append(size)
    return _Pixels(values, channels)


def _filled(picture: _Pixels) -> bytes:
    """The bytes as three channels, so that a grey file and its copy in colour have the same digest."""
    return picture.values if picture.channels == 3 else np.frombuffer(picture.values, np.uint8).repeat(3).tobytes()


def _quick(content: bytes, form: Form) -> _Pixels | None:
    frame = plain_frame(content)
    if frame is None or frame[:2] != form.size or form.channels not in (None, frame.channels):
        return None
    values = decode_plain(content, frame)
    return None if values is None else _Pixels(values, frame.channels)


def _content(file: File) -> bytes | File:
    """All bytes of a file, which are read at once; of a very large one the file."""
    if not isinstance(file, Path):
        file.seek(0)
        return file.read()
    try:
        with open(file, "rb", buffering=0) as stream:
            return stream.read() if os.fstat(stream.fileno()).st_size < _READ_AT_ONCE else file
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}.") from None


def _fill(part: Part, pictures: list[_Pixels], form: Form) -> None:
    channels = max(picture.channels for picture in pictures)
    images = np.empty((len(pictures), channels, *form.size), np.uint8)
    if all(picture.channels == channels for picture in pictures):
        values = np.frombuffer(b"".join(picture.values for picture in pictures), np.uint8)
        images[:] = values.reshape(len(pictures), *form.size, channels).transpose(0, 3, 1, 2)
    else:
        for place, picture in enumerate(pictures):  # one channel fills three
            pixels = np.frombuffer(picture.values, np.uint8).reshape(*form.size, picture.channels)
            images[place] = pixels.transpose(2, 0, 1)
    if form.keep:
        part.images = images
    else:
        part.sums = picture_sums(images)


def picture_sums(images: Bytes) -> Numbers:
    """The sum of each picture's bytes, and that of their squares, by channel: int64 (n, channels, 2), exact."""
    flat = images.reshape(*images.shape[:2], -1)
    squares = np.square(flat, dtype=np.uint16)
    return np.stack([flat.sum(2, dtype=np.int64), squares.sum(2, dtype=np.int64)], axis=2)
