"""Pictures that stand on both sides of a split, also when they were scaled, compressed or brightened in between."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from stepwell.core.errors import DataError

_SIDE = 8  # 8 × 8 bits
_THUMB = 16
_AT_ONCE, _COMPARED = 512, 64
Hashes = np.ndarray[Any, np.dtype[np.uint64]]


@dataclass(frozen=True)
class Duplicate:
    """A row of each side that look alike: the `bits` (of 64) in which their hashes differ, and the mean `difference` of their
    pixels (0 to 1) once both are grey, 16 × 16, and equally bright.
    """

    first: int
    second: int
    bits: int
    difference: float


def average_hash(pictures: Tensor) -> Hashes:
    """64 bits for each of pictures `(n, c, h, w)`: which parts of 8 × 8 are brighter than their mean, `(n,)` uint64.

    Scaling, compression and brightness hardly change it; a turn, a flip or a crop does. Pictures with little in them, such as
    a shape on black, share hashes although they are others: compare their pixels, as `near_duplicates` does.
    """
    bits = []
    for part in torch.split(_checked(pictures), _AT_ONCE):
        small = F.adaptive_avg_pool2d(_grey(part), _SIDE).flatten(1)
        bits.append((small > small.mean(dim=1, keepdim=True)).numpy())
    flat = np.concatenate(bits) if bits else np.zeros((0, _SIDE * _SIDE), dtype=bool)
    packed: Hashes = np.packbits(flat, axis=1).view(np.uint64)[:, 0] if len(flat) else np.zeros(0, np.uint64)
    return packed


def near_duplicates(first: Tensor, second: Tensor, *, bits: int = 3, tolerance: float = 0.03) -> list[Duplicate]:
    """For each row of `second` that looks like one of `first`, the pair that is most alike; pictures `(n, c, h, w)` both.

    Candidates are those whose average hashes differ in at most `bits` of 64; kept are those whose small grey versions differ
    by at most `tolerance` on average. Both tests can be fooled: plain pictures of one kind (two black T-shirts) pass as the
    same, and a copy that was cropped or flipped does not. So look at the pairs before you drop rows; for rows that are equal
    byte for byte there is `data.shared_rows`. All pairs are compared: 60,000 × 10,000 pictures take about ten seconds.
    """
    hashes, others = average_hash(first), average_hash(second)
    thumbs, other_thumbs = _thumbs(first), _thumbs(second)
    found = []
    for start in range(0, len(others), _COMPARED):
        apart = np.bitwise_count(others[start : start + _COMPARED, None] ^ hashes[None])
        for row in np.flatnonzero((apart <= bits).any(axis=1)):
            candidates = np.flatnonzero(apart[row] <= bits)
            differences = (thumbs[candidates] - other_thumbs[start + row]).abs().mean(dim=1).numpy()
            best = int(differences.argmin())
            if differences[best] <= tolerance:
                other = int(candidates[best])
                found.append(Duplicate(other, start + int(row), int(apart[row, other]), float(differences[best])))
    return found


def _checked(pictures: Tensor) -> Tensor:
    if pictures.dim() != 4:
        raise DataError(f"Pictures are (n, channels, height, width); got {tuple(pictures.shape)}.")
    return pictures


def _grey(pictures: Tensor) -> Tensor:
    """Floats `(n, 1, h, w)`, bytes as 0 to 1; the mean of the channels."""
    values = pictures.float() / 255 if pictures.dtype == torch.uint8 else pictures.float()
    return values.mean(dim=1, keepdim=True)


def _thumbs(pictures: Tensor) -> Tensor:
    """Small grey pictures `(n, 256)` with mean 0."""
    parts = [
        F.adaptive_avg_pool2d(_grey(part), _THUMB).flatten(1) for part in torch.split(_checked(pictures), _AT_ONCE)
    ]
    thumbs = torch.cat(parts) if parts else torch.zeros(0, _THUMB * _THUMB)
    return thumbs - thumbs.mean(dim=1, keepdim=True)
