"""Whatever labelled pictures lie behind a path: folders, a CSV file, an archive, idx files, CIFAR's files."""

import multiprocessing
import os
from pathlib import Path
from typing import NamedTuple

from stepwell.data.images.archive import is_archive, read_archive
from stepwell.data.images.cifar import has_cifar, read_cifar
from stepwell.data.images.decode import Broken, Progress
from stepwell.data.images.idx import has_idx, read_idx
from stepwell.data.images.listing import Listing, find_images
from stepwell.data.images.stored import Images

_MOST_WORKERS = 8
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
    return opened_by(path, how, (file, label, side))


def opened_by(path: Path | str, how: How, columns: tuple[str | None, str | None, str | None]) -> Images | Listing:
    """As `open_images`; `columns` are the CSV file's of paths, labels and sides."""
    path = Path(path).expanduser()
    if path.is_dir() and has_idx(path):
        return read_idx(path)
    if (path.is_dir() and has_cifar(path)) or _is_original_cifar(path):
        return read_cifar(path)
    if is_archive(path):
        count = workers_for(how.workers, None)
        return read_archive(
            path, size=how.size, channels=how.channels, workers=count, broken=how.broken, progress=how.progress
        )
    file, label, side = columns
    return find_images(path, file=file, label=label, side=side)


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
