"""How pictures are read: kept in a run, so that new files become what the training pictures were."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar, Self

import polars as pl
import torch
from torch import Tensor

from stepwell.core.errors import DataError
from stepwell.data.images.decode import decode, fits_memory, refuse_broken
from stepwell.data.images.layout import is_picture, listed
from stepwell.data.images.listing import Listing, walk
from stepwell.data.images.sheet import read_paths, refuse_empty
from stepwell.data.images.stored import Images
from stepwell.data.pictures import SUFFIXES
from stepwell.data.reader import Reader, Reading
from stepwell.data.tables.memory import available_memory, human

FILE = "file"


@dataclass(frozen=True, kw_only=True, eq=False)
class ImageReader(Reader):
    """How pictures are read: scaled to `size` (height, width), with `channels` 1 or 3, for the `classes`, in order.

    `mean` and `std`, one a channel and for values 0 to 1, are those of the training pictures. `counts` say how many pictures
    each side has of each class, `broken` which files could not be decoded and why; `notes` what was found, `warnings` what
    may make the scores wrong. `files` and `labels` name the rows that it was fitted to; they are not kept with a run.
    """

    kind: ClassVar[str] = "images"
    suffixes: ClassVar[tuple[str, ...]] = SUFFIXES
    title: str
    classes: tuple[str, ...]
    size: tuple[int, int]
    channels: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    broken: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    files: tuple[str, ...] | None = field(default=None, repr=False)
    labels: Tensor | None = field(default=None, repr=False)

    def read(self, path: Path) -> Reading:
        """The pictures of a file: one picture, a folder (flat or of folders), or a CSV file with a column of paths.

        `inputs` are bytes (n, channels, height, width); `rows` have the column `file`, and those of the CSV file. Pictures of
        other sizes are scaled, and files that cannot be decoded are left out, with a note each. Raises `DataError` for a path
        without pictures, and where none of them can be decoded.
        """
        path = Path(path).expanduser()
        listing, rows = _listed(path)
        if not fits_memory(listing, self.size, self.channels):
            pixels = len(listing) * self.channels * self.size[0] * self.size[1]
            raise DataError(
                f"{path}: {len(listing):,} pictures take {human(pixels)} of memory, of which {human(available_memory())} are left;"
                " give a part of them at a time."
            )
        found = decode(listing, size=self.size, channels=self.channels, broken="skip")
        if not len(found.kept):
            refuse_broken(path, found.broken)
        notes = *ignored_note(listing), *scaled_note(found.scan.sizes, self.size), *left_out_note(found.broken)
        return Reading(found.images, rows[found.kept.numpy()], notes)

    def of_images(self, images: Images) -> Reading:
        """The same for pictures in memory, such as those of an archive. Raises `DataError` for another shape."""
        if tuple(images.images.shape[1:]) != (self.channels, *self.size):
            raise DataError(
                f"{images.title} has pictures {tuple(images.images.shape[1:])}; the network was trained with"
                f" {(self.channels, *self.size)} (channels, height, width)."
            )
        names = images.names or tuple(map(str, range(len(images))))
        return Reading(images.images, pl.DataFrame({FILE: names}, schema={FILE: pl.String}))

    def answered(self, reading: Reading, answers: list[dict[str, Any]]) -> pl.DataFrame:
        """The rows with `predicted class`, and the probability of each class, `probability of CLASS`."""
        labels = [answer["label"] for answer in answers]
        columns = {"predicted class": pl.Series(labels, dtype=pl.String)}
        for name in self.classes:
            chances = [answer["probabilities"][name] for answer in answers]
            columns[f"probability of {name}"] = pl.Series(chances, dtype=pl.Float64)
        return reading.rows.with_columns(values.alias(_free(name, reading.rows)) for name, values in columns.items())

    def row(self, number: int, *, whole: bool = False) -> dict[str, Any]:
        """The file of a row and its class; nothing where the files are not known any more."""
        if self.files is None or self.labels is None:
            return {}
        return {FILE: self.files[number], "class": self.classes[int(self.labels[number])]}

    def facts(self) -> dict[str, Any]:
        """All that is kept, as plain data, under the names of the fields."""
        return {"kind": self.kind, **self.to_json()}

    def to_json(self) -> dict[str, Any]:
        """All but the names of the rows."""
        kept = {each.name: getattr(self, each.name) for each in fields(self) if each.name not in ("files", "labels")}
        lists = {name: list(value) for name, value in kept.items() if isinstance(value, tuple)}
        counts = {side: dict(by_class) for side, by_class in self.counts.items()}
        return {**kept, **lists, "counts": counts, "broken": [list(pair) for pair in self.broken]}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Self:
        """What `to_json` wrote."""
        height, width = plain["size"]
        return cls(
            title=plain["title"],
            classes=tuple(plain["classes"]),
            size=(height, width),
            channels=plain["channels"],
            mean=tuple(plain["mean"]),
            std=tuple(plain["std"]),
            counts=plain["counts"],
            broken=tuple((file, why) for file, why in plain["broken"]),
            notes=tuple(plain["notes"]),
            warnings=tuple(plain["warnings"]),
        )


def scaled_note(sizes: Tensor, size: tuple[int, int]) -> list[str]:
    """A sentence on the pictures, of `sizes` (n, 2), that were of another size."""
    pairs = [(height, width) for height, width in sizes.tolist() if (height, width) != size]
    if not pairs:
        return []
    kinds = set(pairs)
    which = f"{len(kinds):,} sizes" if len(kinds) > 1 else f"{pairs[0][0]}×{pairs[0][1]}"
    return [
        f"{len(pairs):,} of {len(sizes):,} pictures, of {which} (height×width), were scaled to cover {size[0]}×{size[1]} and cut."
    ]


def ignored_note(listing: Listing) -> list[str]:
    """A sentence on the files that were no pictures."""
    if not listing.ignored:
        return []
    files = "1 file was" if listing.ignored == 1 else f"{listing.ignored:,} files were"
    return [f"{files} left out: hidden, or no picture by name."]


def left_out_note(broken: Sequence[tuple[str, str]]) -> list[str]:
    """A sentence on the files that could not be decoded."""
    if not broken:
        return []
    files = "1 file was" if len(broken) == 1 else f"{len(broken):,} files were"
    return [f"{files} left out, as decoding failed: {listed([file for file, _ in broken])}."]


def _listed(path: Path) -> tuple[Listing, pl.DataFrame]:
    """The pictures behind a path, and the rows that people know them by."""
    if path.is_dir():
        files, _ = walk(path)
        names = sorted(filter(is_picture, files))
        if not names:
            raise DataError(f"{path} has {len(files):,} files, but no pictures ({', '.join(SUFFIXES[:6])}, …).")
        return _plain(path, names, len(files) - len(names)), pl.DataFrame({FILE: names})
    if path.is_file() and is_picture(path.name):
        return _plain(path.parent, [path.name], 0), pl.DataFrame({FILE: [path.name]})
    table, column = read_paths(path)
    refuse_empty(table, column)
    given: list[str] = table.frame[column].to_list()
    frame = table.frame if FILE in table.frame.columns else table.frame.select(pl.col(column).alias(FILE), pl.all())
    return _plain(path.parent, given, 0), frame


def _plain(root: Path, names: list[str], ignored: int) -> Listing:
    return Listing(root, tuple(names), torch.zeros(len(names), dtype=torch.int64), (), None, ignored)


def _free(name: str, frame: pl.DataFrame) -> str:
    """A name that no column has yet."""
    while name in frame.columns:
        name += " (new)"
    return name
