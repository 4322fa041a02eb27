"""Decoding a listing: into memory as bytes where it fits, else looked through once and decoded as rows are asked for."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from torch import Tensor

from stepwell.core.errors import DataError
from stepwell.core.keys import Key
from stepwell.data.batch import Batch, Source
from stepwell.data.images.listing import Listing
from stepwell.data.images.parts import File, Form, Part, Size, decode_part, sound_size
from stepwell.data.images.pool import ahead
from stepwell.data.pictures import check_size
from stepwell.data.tables.memory import available_memory

Progress = Callable[[int, int | None], None]
"""Called with the pictures that are decoded, and with how many there are, where that is known."""

Broken = Literal["refuse", "skip"]

_SHOWN = 10


@dataclass(frozen=True, eq=False)
class Scan:
    """What a pass over the files of a listing found: `kept` are the numbers of those that can be decoded, `broken` the others
    with what is wrong; of the kept `sizes` (height, width) before scaling and `digests` of their pixels. `shape` is that of a
    picture, (channels, height, width). `sums` (n, channels, 2) as `picture_sums`, unless the pixels were kept.
    """

    shape: tuple[int, int, int]
    kept: Int64[Tensor, " n"]
    broken: list[tuple[str, str]]
    sizes: Int64[Tensor, "n 2"]
    digests: Int64[Tensor, " n"]
    sums: Int64[Tensor, "n c 2"] | None = None


@dataclass(frozen=True, eq=False)
class Decoded:
    """Pictures in memory: `images` of the files that `kept` numbers; `broken` as (file, what is wrong); `scan` has more."""

    images: UInt8[Tensor, "n c h w"]
    scan: Scan

    @property
    def kept(self) -> Int64[Tensor, " n"]:
        """The numbers in the listing of the pictures that were decoded."""
        return self.scan.kept

    @property
    def broken(self) -> list[tuple[str, str]]:
        """The files that were not, and why."""
        return self.scan.broken


class FileImages(Source):
    """The pictures of a listing, decoded when they are asked for: for folders that memory cannot hold.

    A row is uint8 (channels, height, width); others than of `size` (height, width) are scaled to cover it, and cut. A
    `DataError` names a file that cannot be decoded; `scan` finds those before training.
    """

    def __init__(self, listing: Listing, *, size: Size, channels: int) -> None:
        check_size(size)
        self.listing, self.form = listing, Form(size, channels=channels)

    def __len__(self) -> int:
        return len(self.listing)

    def batch(self, index: Tensor, key: Key) -> Batch:
        """The rows `index`, decoded in the calling process or the loader's worker."""
        rows = index.tolist()
        files = self.listing.files
        part = decode_part(((place, self.listing.root / files[row]) for place, row in enumerate(rows)), self.form)
        if part.broken:
            refuse_broken(self.listing.root, [(files[rows[at]], why) for at, why in part.broken.items()])
        empty = np.empty((0, self.form.channels or 3, *self.form.size), np.uint8)
        images = torch.from_numpy(part.images if rows else empty)
        return Batch(images, self.listing.labels.index_select(0, index), index)


def decode(
    listing: Listing,
    *,
    size: Size | None = None,
    channels: int | None = None,
    workers: int = 0,
    broken: Broken = "refuse",
    progress: Progress | None = None,
) -> Decoded:
    """Decode all pictures of a listing into memory.

    `size` (height, width) scales each picture until it covers it and cuts what stands out; without it all must be of one
    size. `channels` is 1, 3, or None for 1 where all pictures are grey and else 3. `workers` processes decode (0: the calling
    one). Files that cannot be decoded are refused, or skipped with `broken="skip"`.

    Raises `DataError`, which names the files, for those, and for pictures of several sizes.
    """
    return gather(listing, _parts(listing, size, channels, workers, keep=True, progress=progress), size, broken)


def scan(
    listing: Listing,
    *,
    size: Size | None = None,
    channels: int | None = None,
    workers: int = 0,
    broken: Broken = "refuse",
    progress: Progress | None = None,
) -> Scan:
    """Decode all pictures of a listing once and keep what is to be known of them, but not their pixels; as `decode`."""
    return gather(listing, _parts(listing, size, channels, workers, keep=False, progress=progress), size, broken).scan


def fits_memory(listing: Listing, size: Size | None, channels: int | None) -> bool:
    """Whether the decoded pictures take at most half of the memory that is available."""
    form = _form(listing, size, channels, keep=True)
    return len(listing) * form.row_bytes <= available_memory() // 2


def gather(listing: Listing, parts: Iterable[Part], size: Size | None, broken: Broken) -> Decoded:
    """The parts as one. Raises `DataError` as `decode` does."""
    held = list(parts)
    _refuse_sizes(listing, held, size)
    bad = [(listing.files[row], why) for part in held for row, why in part.broken.items()]
    rows = [row for part in held for row in part.rows]
    if bad and (broken == "refuse" or not rows):
        refuse_broken(listing.root, bad, len(listing))
    full = [part for part in held if part.rows]
    digests = torch.tensor([digest for part in full for digest in part.digests], dtype=torch.int64)
    sizes = torch.tensor([pair for part in full for pair in part.sizes], dtype=torch.int64)
    kept = torch.tensor(rows, dtype=torch.int64)
    if not len(full[0].images):
        sums = _joined([torch.from_numpy(part.sums) for part in full], len(rows), dim=1)
        shape = (sums.shape[1], *(size or full[0].sizes[0]))
        return Decoded(torch.empty(0, *shape, dtype=torch.uint8), Scan(shape, kept, bad, sizes, digests, sums))
    images = _images(full, len(rows))
    _, channels, height, width = images.shape
    return Decoded(images, Scan((channels, height, width), kept, bad, sizes, digests))


def refuse_broken(where: Any, bad: Sequence[tuple[str, str]], of: int | None = None) -> None:
    """Raise `DataError` for files that cannot be decoded, by name."""
    shown = "".join(f"\n  {name} {why}" for name, why in bad[:_SHOWN])
    more = f"\n  and {len(bad) - _SHOWN:,} more" if len(bad) > _SHOWN else ""
    count = f"{len(bad):,}{f' of {of:,}' if of else ''} {'picture' if len(bad) == 1 and not of else 'pictures'}"
    raise DataError(
        f"{where}: {count} cannot be decoded:{shown}{more}\nReplace or remove them"
        + (', or leave them out with broken="skip" (--broken skip).' if of and len(bad) < of else ".")
    )


def _images(parts: list[Part], rows: int) -> Tensor:
    channels = max(part.images.shape[1] for part in parts)
    images = torch.empty((rows, channels, *parts[0].images.shape[2:]), dtype=torch.uint8)
    at = 0
    for part in parts:
        images[at : at + len(part.rows)] = torch.from_numpy(part.images)  # one channel fills three
        at += len(part.rows)
        part.images = np.empty((0, 1, 1, 1), np.uint8)  # so that memory holds the pictures once
    return images


def _joined(tensors: Sequence[Tensor], rows: int, dim: int) -> Tensor:
    """Sums of one channel and of three as one tensor: one channel fills three."""
    channels = max(tensor.shape[dim] for tensor in tensors)
    return torch.cat([tensor.expand(-1, channels, -1) for tensor in tensors])


def _form(listing: Listing, size: Size | None, channels: int | None, keep: bool) -> Form:
    check_size(size)
    if channels not in (None, 1, 3):
        raise DataError(f"channels={channels}: pictures are read with 1 channel (grey) or 3 (red, green, blue).")
    if size is not None:
        return Form(size, True, channels, keep)
    sizes = (sound_size(listing.root / name) for name in listing.files)
    first = next((size for size in sizes if size is not None), (1, 1))
    return Form(first, False, channels, keep)


def _refuse_sizes(listing: Listing, parts: Sequence[Part], size: Size | None) -> None:
    if size is not None or not any(part.strange for part in parts):
        return
    first: dict[Size, int] = {}
    counts: Counter[Size] = Counter()
    for part in parts:
        for row, pair in [*zip(part.rows, part.sizes, strict=True), *part.strange.items()]:
            counts[pair] += 1
            first.setdefault(pair, row)
    common = counts.most_common()
    shown = ", ".join(f"{h}×{w} ({count:,}, such as {listing.files[first[h, w]]})" for (h, w), count in common[:5])
    more = f" and {len(common) - 5:,} sizes more" if len(common) > 5 else ""
    (height, width), _ = common[0]
    raise DataError(
        f"{listing.root} has pictures of {len(common):,} sizes (height×width): {shown}{more}. A network takes them of one size:"
        f" give it, such as size=({height}, {width}); each picture is scaled until it covers that, and what stands out is cut."
    )


def _parts(
    listing: Listing, size: Size | None, channels: int | None, workers: int, *, keep: bool, progress: Progress | None
) -> Iterator[Part]:
    form = _form(listing, size, channels, keep)
    files: Iterator[tuple[int, File]] = ((row, listing.root / name) for row, name in enumerate(listing.files))
    return decode_parts(files, form, workers, len(listing), progress)


def decode_parts(
    files: Iterator[tuple[int, File]], form: Form, workers: int, total: int | None, progress: Progress | None
) -> Iterator[Part]:
    """Numbered files, decoded many at a time by `workers` processes, in order; `total` is for the progress."""
    done = 0
    for part in ahead(partial(decode_part, form=form), iter(lambda: list(islice(files, form.rows)), []), workers):
        yield part
        done += len(part.rows) + len(part.broken) + len(part.strange)
        if progress is not None:
            progress(done, total)
