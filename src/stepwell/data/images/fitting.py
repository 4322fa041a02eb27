"""From a path to what is trained on: pictures found and decoded, the split, the statistics of the training rows."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Int64
from torch import Tensor

from stepwell.data.arrays import ArraySource
from stepwell.data.batch import Source
from stepwell.data.images.decode import Broken, Decoded, FileImages, Progress, decode, fits_memory, scan
from stepwell.data.images.findings import STATED, class_warnings, contradictions, copies, size_warnings, value_warnings
from stepwell.data.images.layout import check_classes
from stepwell.data.images.listing import Listing, title_of
from stepwell.data.images.opening import Archive, How, look, opened_by, workers_for
from stepwell.data.images.parts import digest_of
from stepwell.data.images.reader import ImageReader, ignored_note, left_out_note, scaled_note
from stepwell.data.images.resize import resized
from stepwell.data.images.stored import Images
from stepwell.data.pictures import channel_statistics, moments
from stepwell.data.proportions import SIDES
from stepwell.data.splits import Split, Splits, split_grouped, split_stratified


@dataclass(frozen=True, eq=False)
class _Rows:
    """Pictures, wherever they lie: what the split, the statistics and the warnings need of them."""

    source: Source
    labels: Int64[Tensor, " n"]
    classes: tuple[str, ...]
    sides: tuple[str, ...] | None
    names: tuple[str, ...]
    digests: Int64[Tensor, " n"]
    shape: tuple[int, int, int]
    sums: Tensor | None = None
    sizes: Tensor | None = None
    broken: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


def fit_images(
    data: Path | str | Images | Listing | Archive,
    *,
    size: tuple[int, int] | None = None,
    channels: int | None = None,
    val: float = 0.15,
    test: float = 0.15,
    together: bool = False,
    broken: Broken = "refuse",
    file: str | None = None,
    label: str | None = None,
    side: str | None = None,
    workers: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> tuple[ImageReader, Splits]:
    """The reader of labelled pictures, and their rows by side: bytes (n, channels, height, width) with class numbers.

    `data` is whatever `open_images` takes, or what `look` found there, or `Images`. Sides that the data
    states are kept; where it states no validation,
    `val` of its training rows become it. Else `val` and `test` are the shares of each class. Equal pictures on two sides are
    told of, or with `together` kept on one side. `size`, `channels` and `broken` as `decode` has them; images that lie in memory
    are scaled there. `workers` None takes as many as there are processors, for many pictures.

    Pictures lie in memory where they fit into half of what is available; else they are looked through once and then decoded
    as they are asked for. Mean and deviation are those of the training rows. Raises `DataError` as `find_images` and `decode`
    do, and for shares that do not fit.
    """
    how = How(size, channels, broken, workers, progress)
    found = look(data, file=file, label=label, side=side) if isinstance(data, Path | str) else data
    opened = opened_by(found, how)
    title = title_of(found.path) if isinstance(found, Archive) else found.title or "pictures"
    rows = _of_images(opened, how) if isinstance(opened, Images) else _of_files(opened, how)
    check_classes(title, [rows.classes[number] for number in rows.labels.tolist()], rows.sides)
    split = _split(rows, val, test, together, seed)
    rows.source.stated = _stated(rows)
    return _reader(title, rows, split), split.apply(rows.source)


def _stated(rows: _Rows) -> str:
    """A fingerprint of the pictures by their names, labels and digests, which is the same in memory and in files."""
    text = json.dumps([rows.names, rows.classes, rows.labels.tolist(), rows.digests.tolist(), rows.shape])
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _of_images(images: Images, how: How) -> _Rows:
    images = resized(images, how.size, how.channels)
    _, channels, height, width = images.images.shape
    digests = torch.tensor([digest_of(pixels.tobytes()) for pixels in images.images.numpy()], dtype=torch.int64)
    names = images.names or tuple(map(str, range(len(images))))
    source = ArraySource(images.images, images.labels)
    shape = (channels, height, width)
    return _Rows(source, images.labels, images.classes, images.sides, names, digests, shape, broken=images.broken)


def _of_files(listing: Listing, how: How) -> _Rows:
    count = workers_for(how.workers, len(listing))
    held = fits_memory(listing, how.size, how.channels)
    read = decode if held else scan
    found = read(listing, size=how.size, channels=how.channels, workers=count, broken=how.broken, progress=how.progress)
    looked = found.scan if isinstance(found, Decoded) else found
    kept, (channels, height, width) = listing.take(looked.kept), looked.shape
    source: Source = FileImages(kept, size=(height, width), channels=channels)
    if isinstance(found, Decoded):
        source = ArraySource(found.images, kept.labels)
    notes = [*ignored_note(listing), *scaled_note(looked.sizes, (height, width))]
    return _Rows(
        source, kept.labels, kept.classes, kept.sides, kept.files, looked.digests, looked.shape, looked.sums,
        looked.sizes, tuple(looked.broken), tuple(notes),
    )  # fmt: skip


def _split(rows: _Rows, val: float, test: float, together: bool, seed: int) -> Split:
    """The sides that the data states, with the validation cut from training where it is lacking; else shares of each class."""
    if rows.sides is None or set(rows.sides) == {"train"}:
        train = round(1 - val - test, 9)
        if together:
            return split_grouped(rows.digests, train=train, val=val, test=test, seed=seed)
        return split_stratified(rows.labels, train=train, val=val, test=test, seed=seed)
    number = torch.tensor([SIDES.index(side) for side in rows.sides])
    given = {side: (number == place).nonzero()[:, 0] for place, side in enumerate(SIDES)}
    stated = {side: numbers for side, numbers in given.items() if len(numbers)}
    if "val" in stated or not val:
        return Split(STATED, stated)
    return _with_val(rows, stated, val, together, seed)


def _with_val(rows: _Rows, stated: dict[str, Tensor], val: float, together: bool, seed: int) -> Split:
    train, share = stated["train"], round(1 - val, 9)
    if together:
        cut = split_grouped(rows.digests[train], train=share, val=val, seed=seed)
    else:
        cut = split_stratified(rows.labels[train], train=share, val=val, seed=seed)
    of_train = {side: train[numbers] for side, numbers in cut.rows.items()}
    return Split(f"{STATED}, its train cut by {cut.how}", {**stated, **of_train})


def _reader(title: str, rows: _Rows, split: Split) -> ImageReader:
    channels, height, width = rows.shape
    mean, std = _statistics(rows, split.rows["train"])
    constant = [channel for channel, spread in enumerate(std) if spread == 0]
    warnings = [
        *copies(rows.digests, rows.names, split),
        *contradictions(rows.digests, rows.labels, rows.names, rows.classes),
        *class_warnings(rows.labels, rows.classes, split),
        *(size_warnings(rows.sizes, (height, width), rows.names) if rows.sizes is not None else []),
        *value_warnings(mean, std, constant),
    ]
    return ImageReader(
        title=title,
        classes=rows.classes,
        size=(height, width),
        channels=channels,
        mean=mean,
        std=tuple(spread or 1.0 for spread in std),
        counts=_counts(rows, split),
        broken=rows.broken,
        notes=(*rows.notes, *left_out_note(rows.broken)),
        warnings=tuple(warnings),
        files=rows.names,
        labels=rows.labels,
    )


def _statistics(rows: _Rows, train: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel over all pixels of the training rows, for values 0 to 1."""
    if isinstance(rows.source, ArraySource):
        mean, std = channel_statistics(rows.source.inputs, train)
    else:
        assert rows.sums is not None
        sums, squares = rows.sums[train].sum(0).T.tolist()
        mean, std = moments(len(train) * rows.shape[1] * rows.shape[2], sums, squares)
    return tuple((mean / 255).tolist()), tuple((std / 255).tolist())


def _counts(rows: _Rows, split: Split) -> dict[str, dict[str, int]]:
    """How many pictures each side has of each class."""
    by_side = {
        side: torch.bincount(rows.labels[numbers], minlength=len(rows.classes)).tolist()
        for side in SIDES
        if (numbers := split.rows.get(side)) is not None
    }
    return {side: dict(zip(rows.classes, counts, strict=True)) for side, counts in by_side.items()}
