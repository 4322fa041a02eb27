"""Whatever labelled pictures lie behind a path: folders, a CSV file, an archive, idx files, CIFAR's files."""

import multiprocessing
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from stepwell.data.images.archive import read_archive
from stepwell.data.images.cifar import has_cifar, read_cifar
from stepwell.data.images.decode import Broken, Progress
from stepwell.data.images.idx import has_idx, read_idx
from stepwell.data.images.listing import Listing, find_images
from stepwell.data.images.members import is_archive, sizes_in
from stepwell.data.images.parts import Size, size_of
from stepwell.data.images.stored import Images

_MOST_WORKERS = 8
_LOOKED_AT = 256
_WORTH_WORKERS = 500  # pictures; fewer are decoded before processes have started


class How(NamedTuple):
    """How files are decoded; see `decode`. `workers` None is decided by how many there are."""

    size: tuple[int, int] | None
    channels: int | None
    broken: Broken
    workers: int | None
    progress: Progress | None


def open_images(
    path: Path | str,
    *,
    size: tuple[int, int] | None = None,
    channels: int | None = None,
    broken: Broken = "refuse",
    workers: int | None = None,
    file: str | None = None,
    label: str | None = None,
    side: str | None = None,
    progress: Progress | None = None,
) -> Images | Listing:
    """The labelled pictures behind a path, by what lies there.

    A folder of idx files or of CIFAR's binary files, CIFAR's tar file, and a tar or zip archive of class folders are read into
    memory; a folder of class folders and a CSV file of paths and labels are listed. Arguments and errors are those of
    `read_archive` and `find_images`.
    """
    how = How(size, channels, broken, workers, progress)
    return opened_by(look(path, file=file, label=label, side=side), how)


class Archive(NamedTuple):
    """An archive of pictures that is not read yet."""

    path: Path


def opened_by(found: Images | Listing | Archive, how: How) -> Images | Listing:
    """What `look` found, with an archive read."""
    if not isinstance(found, Archive):
        return found
    count = workers_for(how.workers, None)
    return read_archive(
        found.path, size=how.size, channels=how.channels, workers=count, broken=how.broken, progress=how.progress
    )


def look(
    path: Path | str, *, file: str | None = None, label: str | None = None, side: str | None = None
) -> Images | Listing | Archive:
    """As `open_images`, but an archive is not read yet; `sizes_of` and `fit_images` take what comes."""
    path = Path(path).expanduser()
    if path.is_dir() and has_idx(path):
        return read_idx(path)
    if (path.is_dir() and has_cifar(path)) or _is_original_cifar(path):
        return read_cifar(path)
    if is_archive(path):
        return Archive(path)
    return find_images(path, file=file, label=label, side=side)


def sizes_of(found: Images | Listing | Archive) -> Iterator[Size | None]:
    """Height and width of some pictures, evenly over all, by their headers; None for those that have none."""
    if isinstance(found, Images):
        yield (found.images.shape[2], found.images.shape[3])
    elif isinstance(found, Archive):
        yield from sizes_in(found.path)
    else:
        every = max(1, len(found) // _LOOKED_AT)
        yield from (size_of(found.root / file) for file in found.files[::every])


def _is_original_cifar(path: Path) -> bool:
    named = path.name.startswith("cifar-") and ("binary" in path.name or "python" in path.name)
    return named and path.is_file()


def workers_for(asked: int | None, pictures: int | None) -> int:
    """How many processes decode, if nobody says: none for few pictures; else one a processor, but not very many.

    None, too, where processes cannot be forked: others import the caller's script again, which not every script expects.
    """
    if asked is not None:
        return asked
    if (pictures is not None and pictures < _WORTH_WORKERS) or not _can_fork():
        return 0
    return min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, _MOST_WORKERS)


def _can_fork() -> bool:
    method = multiprocessing.get_start_method(allow_none=True) or multiprocessing.get_all_start_methods()[0]
    return method == "fork" and not multiprocessing.current_process().daemon
