"""Operations that move pixels and keep each one's value, so that bytes stay bytes: flips, shifts, crops, a permutation."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from stepwell.core.errors import DataError
from stepwell.core.keys import Key
from stepwell.data.augment.operation import check_range, check_spatial, of_rows


@dataclass(frozen=True)
class Flip:
    """Mirror left and right (`horizontal`), top and bottom (`vertical`), front and back (`depth`), each with the chance `p`.

    Every image tosses a coin for each of the directions. Volumes are `(n, c, depth, height, width)`. Raises `DataError` for
    a direction that the images lack, and where none is asked for.
    """

    horizontal: bool = True
    vertical: bool = False
    depth: bool = False
    p: float = 0.5

    def __post_init__(self) -> None:
        check_range("A flip's p", self.p, 0, 1)
        if not self.axes:
            raise DataError("A flip has a direction: horizontal, vertical or depth.")

    @property
    def axes(self) -> tuple[int, ...]:
        """The axes that are flipped, counted from the last: -1 is the width."""
        return tuple(-1 - place for place, on in enumerate((self.horizontal, self.vertical, self.depth)) if on)

    def __call__(self, images: Tensor, rows: Tensor, key: Key) -> Tensor:
        """The images, about a share `p` of them mirrored."""
        check_spatial("A flip", images, range(-min(self.axes), 4))
        chosen = key.uniform(rows, (len(self.axes),)) < self.p
        for place, axis in enumerate(self.axes):
            images = torch.where(of_rows(chosen[:, place], images), images.flip(axis), images)
        return images


@dataclass(frozen=True)
class Shift:
    """Move each image by a whole number of pixels along each spatial axis, at most `pixels` to either side; zeros move in.

    Raises `DataError` for images with a side of no more pixels than that, which would come out black.
    """

    pixels: int = 2

    def __post_init__(self) -> None:
        check_range("A shift's number of pixels", self.pixels, 1)

    def __call__(self, images: Tensor, rows: Tensor, key: Key) -> Tensor:
        """The images, moved."""
        if min(images.shape[2:]) <= self.pixels:
            sides = "×".join(map(str, images.shape[2:]))
            raise DataError(
                f"A shift of up to {self.pixels} pixels moves images of {sides} out of sight; give less than their smallest side."
            )
        return _window(images, self.pixels, tuple(images.shape[2:]), rows, key)


@dataclass(frozen=True)
class Crop:
    """Pad each image by `padding` zeros on every side, then cut out a piece of the size `size` at a random place.

    `size` is one number for all spatial axes, or one for each; None is the size that the images have. All pieces of a batch
    are of that one size. Raises `DataError` for a size that the padded images do not have.
    """

    padding: int = 4
    size: int | tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        check_range("A crop's padding", self.padding, 0)
        for length in (self.size,) if isinstance(self.size, int) else self.size or ():
            check_range("A crop's size", length, 1)

    def __call__(self, images: Tensor, rows: Tensor, key: Key) -> Tensor:
        """The pieces, `(n, c, *size)`."""
        spatial = tuple(images.shape[2:])
        size = self.size or spatial
        size = (size,) * len(spatial) if isinstance(size, int) else size
        if len(size) != len(spatial) or any(s > have + 2 * self.padding for s, have in zip(size, spatial, strict=True)):
            padded = tuple(have + 2 * self.padding for have in spatial)
            raise DataError(f"A crop of the size {size} is not part of images that are, padded, {padded}.")
        return _window(images, self.padding, size, rows, key)


@dataclass(frozen=True)
class Permutation:
    """Put the pixels of every image into one other order, which `seed` decides, the same for all images and channels.

    It is no augmentation but a probe: what is learned without regard to which pixels are neighbours does not suffer. So
    validation rows need it too: `Transformed(source, Augment(Permutation(1)))`. Source: Raff, *Inside Deep Learning*, exercise
    3.6 and row S-29.
    """

    seed: int = 0

    def __call__(self, images: Tensor, rows: Tensor, key: Key) -> Tensor:
        """The images, their pixels in the other order; nothing is drawn from `key`."""
        pixels = images.flatten(2)
        order = Key(self.seed)("permutation").permutation(pixels.shape[2])
        return pixels[:, :, order.to(images.device)].view_as(images)


def _window(images: Tensor, padding: int, size: tuple[int, ...], rows: Tensor, key: Key) -> Tensor:
    """A piece `size` of each padded image, at a place drawn for its row: one gather for the whole batch."""
    axes = len(size)
    windows = F.pad(images, (padding, padding) * axes) if padding else images
    for axis, length in enumerate(size, start=2):
        windows = windows.unfold(axis, length, 1)  # a view: (n, c, *starts, *size)
    places = torch.tensor(windows.shape[2 : 2 + axes], device=rows.device)
    starts = (key.words(rows, axes) * places) >> 32
    place: tuple[Any, ...] = (torch.arange(len(rows), device=rows.device), slice(None), *starts.unbind(1))
    return windows[place]
