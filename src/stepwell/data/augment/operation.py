"""What an operation of an augmentation is, and what all of them need."""

import math
from collections.abc import Sequence
from typing import Protocol

import torch
from jaxtyping import Float, Int
from torch import Tensor

from stepwell.core.errors import DataError
from stepwell.core.keys import Key


class Operation(Protocol):
    """`operation(images, rows, key)` changes a whole batch of images `(n, channels, *spatial)`, each by draws of its own.

    `rows` (int64, on the device of the images) are their row numbers. What comes out for an image depends on the image, its
    row number and the key alone, bit for bit, whatever else is in the batch. The images given stay as they are.
    """

    def __call__(self, images: Tensor, rows: Int[Tensor, " n"], key: Key) -> Tensor:
        """The changed images."""


def floats(images: Tensor) -> Float[Tensor, "n c *spatial"]:
    """Bytes as float32 from 0 to 1; floats as they are. Raises `DataError` for other kinds of numbers."""
    if images.dtype == torch.uint8:
        return images.to(torch.float32).div_(255)
    if not images.is_floating_point():
        raise DataError(f"Images are bytes (torch.uint8) or floats from 0 to 1, but these are {images.dtype}.")
    return images


def of_rows(values: Tensor, images: Tensor) -> Tensor:
    """One number an image `(n,)`, shaped to be broadcast over the images."""
    return values.view(-1, *[1] * (images.dim() - 1))


def check_spatial(what: str, images: Tensor, allowed: Sequence[int]) -> None:
    """Raise `DataError` unless the images have one of the `allowed` numbers of spatial dimensions."""
    if images.dim() - 2 not in allowed:
        shapes = {
            1: "(n, channels, length)",
            2: "(n, channels, height, width)",
            3: "(n, channels, depth, height, width)",
        }
        due = " or ".join(shapes[dimensions] for dimensions in allowed)
        raise DataError(f"{what} takes batches {due}; this one is {tuple(images.shape)}.")


def check_range(what: str, value: float, low: float, high: float = float("inf")) -> None:
    """Raise `DataError` unless `low <= value <= high` and the value is finite."""
    if not (low <= value <= high and math.isfinite(value)):
        due = (
            f"{low:g} or more{', and finite' if value == high else ''}"
            if high == float("inf")
            else f"{low:g} to {high:g}"
        )
        raise DataError(f"{what} is {value:g}; it must be {due}.")


def check_pair(what: str, pair: tuple[float, float], low: float, high: float = float("inf")) -> None:
    """Raise `DataError` unless the pair are two finite numbers above `low`, up to `high`, the smaller one first."""
    if len(pair) != 2 or not (low < pair[0] <= pair[1] <= high and math.isfinite(pair[1])):
        given = ", ".join(f"{one:g}" for one in pair)
        due = "" if high == float("inf") else f" and at most {high:g}"
        raise DataError(f"{what} is ({given}); give the least and the greatest, both more than {low:g}{due}.")
