"""A few numbers that say what a tensor holds."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce

import numpy as np
import torch
from torch import Tensor

from stepwell.core.tensors.layout import Array

_BLOCK = 2**20  # elements that are looked at together, in float64


@dataclass(frozen=True)
class Statistics:
    """The finite values of a tensor: how many, least, largest, mean, standard deviation (divided by the count); and how
    many are NaN or infinite. Without a finite value, the four are NaN.
    """

    finite: int
    least: float
    largest: float
    mean: float
    std: float
    nan: int
    infinite: int


def statistics(x: Tensor | Array) -> Statistics | None:
    """The statistics of a tensor or an array; None where there is no data, no element, or no real number (text, complex).

    Blocks of rows are read one after another, so that an array on the disk is never in memory as a whole.
    """
    real = not x.is_complex() and x.device.type != "meta" if isinstance(x, Tensor) else x.dtype.kind in "fiub"
    if not real or 0 in x.shape:
        return None
    return reduce(_both, map(_of_block, _blocks(x)))


def _blocks(x: Tensor | Array) -> Iterator[Tensor]:
    rows = x.detach() if isinstance(x, Tensor) else x
    rows = rows[None] if not rows.ndim else rows
    size = max(1, _BLOCK // math.prod(rows.shape[1:]))
    for start in range(0, len(rows), size):
        block = rows[start : start + size]
        yield block.to(torch.float64) if isinstance(block, Tensor) else torch.from_numpy(block.astype(np.float64))


def _of_block(block: Tensor) -> Statistics:
    nan, infinite = int(block.isnan().sum()), int(block.isinf().sum())
    finite = block[block.isfinite()]
    if not finite.numel():
        return Statistics(0, math.nan, math.nan, math.nan, math.nan, nan, infinite)
    numbers = torch.stack([finite.min(), finite.max(), finite.mean(), finite.std(correction=0)])
    least, largest, mean, std = numbers.tolist()
    return Statistics(finite.numel(), least, largest, mean, std, nan, infinite)


def _both(one: Statistics, other: Statistics) -> Statistics:
    """The statistics of two blocks together (Chan, Golub, LeVeque 1983 for the deviation)."""
    nan, infinite = one.nan + other.nan, one.infinite + other.infinite
    if not one.finite or not other.finite:
        full = one if one.finite else other
        return Statistics(full.finite, full.least, full.largest, full.mean, full.std, nan, infinite)
    count, apart = one.finite + other.finite, other.mean - one.mean
    share = other.finite / count
    variance = one.std**2 * (1 - share) + other.std**2 * share + apart**2 * share * (1 - share)
    least, largest = min(one.least, other.least), max(one.largest, other.largest)
    return Statistics(count, least, largest, one.mean + apart * share, math.sqrt(variance), nan, infinite)
