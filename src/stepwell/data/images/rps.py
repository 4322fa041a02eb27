"""Rock-paper-scissors, from its two archives."""

from dataclasses import replace
from pathlib import Path

from stepwell.core.errors import DataError
from stepwell.data.images.archive import read_archive
from stepwell.data.images.decode import Progress
from stepwell.data.images.parts import Size
from stepwell.data.images.stored import Images, joined

_ARCHIVES = (("rps.zip", "train"), ("rps-test-set.zip", "val"))


def rock_paper_scissors(
    folder: Path, *, size: Size | None = None, workers: int = 0, progress: Progress | None = None
) -> Images:
    """The 2,520 training pictures, and the 372 of the test set as the side `val`, which is what the book takes them for.

    `folder` is what `catalogue.get("rock-paper-scissors")` gives; its `rps.zip` and `rps-test-set.zip` are not unpacked. Classes
    are paper 0, rock 1, scissors 2; alpha is left out. Without `size` (height, width) pictures are 300 × 300. Raises `DataError`
    where an archive is not there. Source: Godoy, volume I, chapter 6 (book row S30).
    """
    parts = []
    for name, side in _ARCHIVES:
        if not (folder / name).is_file():
            raise DataError(
                f"There is no {folder / name}. Fetch it with `stepwell data get rock-paper-scissors`, or put it there."
            )
        images = read_archive(folder / name, size=size, workers=workers, progress=progress)
        parts.append(replace(images, sides=(side,) * len(images)))
    return joined(parts, "rock-paper-scissors")
