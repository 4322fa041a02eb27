"""Pictures with captions: a table of paths and captions, decoded, split and counted."""

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from jaxtyping import Int64, UInt8
from torch import Tensor

from stepwell.core.errors import DataError
from stepwell.core.keys import Key
from stepwell.data.batch import Batch, Source
from stepwell.data.captions import encode_captions, known_words
from stepwell.data.images.caption_reader import CaptionReader
from stepwell.data.images.decode import decode, fits_memory
from stepwell.data.images.findings import STATED, copies
from stepwell.data.images.layout import listed
from stepwell.data.images.listing import Listing, title_of
from stepwell.data.images.opening import workers_for
from stepwell.data.images.parts import Size, digest_of
from stepwell.data.images.reader import ImageReader, scaled_note
from stepwell.data.images.sheet import named_column, read_paths, refuse_empty, refuse_missing, side_column, sides_of
from stepwell.data.pictures import channel_statistics
from stepwell.data.proportions import SIDES
from stepwell.data.splits import Split, Splits, split_grouped
from stepwell.data.tables.read import TableFile, read_table

_CAPTIONS = ("caption", "captions", "text", "description", "sentence")


@dataclass(frozen=True, eq=False)
class Captions:
    """A row is a caption: `texts`, and which of the pictures it is of, `which` (int64), and its side, where one is stated.

    `names` are the pictures' own, `title` that of all of it, and `notes` are sentences on what was found. A picture may have
    several captions.
    """

    title: str
    names: tuple[str, ...]
    texts: tuple[str, ...]
    which: Int64[Tensor, " n"]
    sides: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()


class Captioned(Source):
    """Rows `(picture, words)` with the words as targets, too: bytes `(n, c, h, w)` and numbers `(n, steps)`.

    `which` (int64) says of which picture a row is, so that one with five captions lies in memory once.
    """

    def __init__(self, images: UInt8[Tensor, "pictures c h w"], which: Tensor, words: Int64[Tensor, "n steps"]) -> None:
        self.images, self.which, self.words = images, which, words
        self.row_bytes = images[:1].nbytes + 2 * words[:1].nbytes

    def __len__(self) -> int:
        return len(self.words)

    def batch(self, index: Tensor, key: Key) -> Batch:
        """One gather of pictures, and one of words."""
        words = self.words.index_select(0, index)
        return Batch((self.images.index_select(0, self.which.index_select(0, index)), words), words, index)


def list_captions(path: Path | str, *, file: str | None = None, caption: str | None = None) -> tuple[Captions, Listing]:
    """The captions of a CSV or Parquet file, and its different pictures, which are not decoded yet.

    `file` and `caption` name the columns; what is not given is found. A column called side, split or the like that says
    train, val or test is kept to. Raises `DataError` with what to do, and the line, as `stepwell.data.images.listing.find_images`.
    """
    table, file = read_paths(Path(path).expanduser(), file)
    caption = named_column(table, caption, "caption") if caption else _caption_column(table, file)
    side = side_column(table, (file, caption), None)
    table = read_table(table.path, types={name: "text" for name in (file, caption, side) if name})
    refuse_empty(table, file, caption)
    paths: list[str] = table.frame[file].to_list()
    refuse_missing(table, paths)
    names = tuple(dict.fromkeys(paths))
    number = {name: place for place, name in enumerate(names)}
    which = torch.tensor([number[name] for name in paths], dtype=torch.int64)
    texts, title = tuple(table.frame[caption].to_list()), title_of(table.path)
    listing = Listing(table.path.parent, names, torch.zeros(len(names), dtype=torch.int64), (), title=title)
    return Captions(title, names, texts, which, sides_of(table, side) if side else None), listing


def _caption_column(table: TableFile, file: str) -> str:
    others = [name for name in table.frame.columns if name != file]
    by_name = [name for known in _CAPTIONS for name in others if name.casefold() == known]
    if by_name or len(others) == 1:
        return (by_name or others)[0]
    raise DataError(
        f"{table.path} does not say which column holds the captions of the pictures in {file!r}:"
        f" {listed(others) if others else 'there is no other column'}. Name it with caption= (--caption)."
    )


def decode_captioned(
    captions: Captions, listing: Listing, *, size: Size | None = None, channels: int | None = None
) -> tuple[Captions, UInt8[Tensor, "pictures c h w"]]:
    """The pictures of a listing in memory, and the captions with a note on those that were scaled. Errors as `decode`."""
    if not fits_memory(listing, size, channels):
        raise DataError(
            f"The {len(listing):,} pictures of {listing.title} do not fit in memory. Take a smaller --size."
        )
    found = decode(listing, size=size, channels=channels, workers=workers_for(None, len(listing)))
    height, width = found.images.shape[2:]
    return replace(captions, notes=(*captions.notes, *scaled_note(found.scan.sizes, (height, width)))), found.images


def fit_captions(
    captions: Captions,
    images: UInt8[Tensor, "pictures c h w"],
    *,
    val: float = 0.15,
    test: float = 0.15,
    least: int = 1,
    seed: int = 0,
) -> tuple[CaptionReader, Splits]:
    """The reader of captioned pictures, and their rows by side.

    Sides that are stated are kept; else equal pictures, and so all captions of one, are dealt out to one side. Words that
    stand less than `least` times in the training rows' captions are unknown, and so is what only others have. Mean and
    deviation are those of the training rows' pictures. Raises `DataError` for shares that do not fit, and for a caption
    without words.
    """
    digests = torch.tensor([digest_of(pixels.tobytes()) for pixels in images.numpy()], dtype=torch.int64)
    split = _split(captions, digests, val, test, seed)
    train = split.rows["train"]
    known = known_words([captions.texts[row] for row in train.tolist()], least)
    words = encode_captions(captions.texts, known)
    mean, std = (each / 255 for each in channel_statistics(images, torch.unique(captions.which[train])))
    pictures = ImageReader(
        title=captions.title, classes=(), size=(images.shape[2], images.shape[3]), channels=images.shape[1],
        mean=tuple(mean.tolist()), std=tuple(spread or 1.0 for spread in std.tolist()), notes=captions.notes,
        warnings=tuple(copies(digests[captions.which], [captions.names[row] for row in captions.which.tolist()], split)),
    )  # fmt: skip
    reader = CaptionReader(pictures=pictures, words=known, most=words.shape[1], given=_rows(captions))
    return reader, split.apply(Captioned(images, captions.which, words))


def _split(captions: Captions, digests: Tensor, val: float, test: float, seed: int) -> Split:
    if captions.sides is None:
        return split_grouped(digests[captions.which], train=round(1 - val - test, 9), val=val, test=test, seed=seed)
    number = torch.tensor([SIDES.index(side) for side in captions.sides])
    rows = {side: (number == place).nonzero()[:, 0] for place, side in enumerate(SIDES)}
    return Split(STATED, {side: numbers for side, numbers in rows.items() if len(numbers)})


def _rows(captions: Captions) -> tuple[tuple[str, str], ...]:
    """The file and the caption of each row."""
    pairs = zip(captions.which.tolist(), captions.texts, strict=True)
    return tuple((captions.names[picture], text) for picture, text in pairs)
