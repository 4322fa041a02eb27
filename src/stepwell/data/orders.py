"""Orders: which rows an epoch shows, and when; each a pure function of the length and a key of (seed, epoch)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from stepwell.core.errors import DataError
from stepwell.core.keys import Key


class Order(Protocol):
    """`order(length, key)` gives the row numbers of an epoch, int64, in the order in which they are shown."""

    def __call__(self, length: int, key: Key) -> Tensor:
        """The rows of the epoch that `key` stands for."""


@dataclass(frozen=True)
class Sequential:
    """Every row once, from first to last."""

    def __call__(self, length: int, key: Key) -> Tensor:
        """`0..length-1`."""
        return torch.arange(length)


@dataclass(frozen=True)
class Shuffled:
    """Every row once, in another order each epoch."""

    def __call__(self, length: int, key: Key) -> Tensor:
        """A permutation."""
        return key.permutation(length)


@dataclass(frozen=True)
class TorchShuffled:
    """The order of torch's `DataLoader(shuffle=True)` in a script that called `torch.manual_seed(seed)` before its loop.

    So the numbers of such a script come out here, and a resumed run still sees the rows that an uninterrupted one does.
    An epoch of the script draws a number when it starts on its training loader, one for the permutation, and one for each
    of the `other_loaders` that it goes through, such as the validation's. Scripts that draw more in their loop (dropout,
    augmentation, workers) have another order.
    """

    seed: int
    other_loaders: int = 1

    def __call__(self, length: int, key: Key) -> Tensor:
        """The script's permutation in the epoch that `key` ends with."""
        before = (2 + self.other_loaders) * int(key.path[-1])
        drawn = torch.empty(before + 2, dtype=torch.int64).random_(generator=torch.Generator().manual_seed(self.seed))
        return torch.randperm(length, generator=torch.Generator().manual_seed(int(drawn[-1])))


@dataclass(frozen=True, eq=False)
class Weighted:
    """Rows drawn with replacement, each with a chance in proportion to its weight.

    `weights` is one number ≥ 0 a row; `rows` is how many are drawn an epoch (default: as many as there are).
    """

    weights: Tensor
    rows: int | None = None

    def __post_init__(self) -> None:
        if (
            bool((self.weights < 0).any())
            or not bool(torch.isfinite(self.weights).all())
            or not float(self.weights.sum())
        ):
            raise DataError("Weights of rows are finite, not negative, and not all zero.")

    def __call__(self, length: int, key: Key) -> Tensor:
        """Draws by inverting the cumulated weights."""
        _check_length("weights", len(self.weights), length)
        cumulated = self.weights.to(torch.float64).cumsum(0)
        words = key.words(torch.arange(self.rows or length), 1)[:, 0]
        drawn = (
            words.to(torch.float64) * 2.0**-32 * cumulated[-1]
        )  # fine enough for millions of rows, as float32 is not
        return torch.searchsorted(cumulated, drawn, right=True).clamp_(max=length - 1)


@dataclass(frozen=True, eq=False)
class TorchWeighted:
    """The draws of torch's `WeightedRandomSampler(weights, rows)` whose generator was seeded with `seed` before the loop.

    So the numbers of such a script come out here, as they do with `TorchShuffled`: of those, Godoy's, whose balanced
    sampler has a generator of its own. `weights` is one number ≥ 0 a row, `rows` how many are drawn an epoch (default: as
    many as there are). Epoch `e` repeats the draws of those before it.
    """

    weights: Tensor
    seed: int
    rows: int | None = None

    def __call__(self, length: int, key: Key) -> Tensor:
        """The sampler's draws in the epoch that `key` ends with."""
        _check_length("weights", len(self.weights), length)
        generator, weights = torch.Generator().manual_seed(self.seed), self.weights.to(torch.float64)
        for _ in range(int(key.path[-1]) + 1):
            drawn = torch.multinomial(weights, self.rows or length, replacement=True, generator=generator)
        return drawn


@dataclass(frozen=True, eq=False)
class Balanced:
    """Classes taken in turn by a fixed pattern, whatever their sizes; each class's rows are shuffled and used in turn.

    `labels` is a class number a row. `ratio` is how many rows of each class make one round: `(2, 1)` shows two rows of
    class 0 for each one of class 1; default: one of each. `rows` is the length of an epoch (default: the source's).
    The idea is that of the lung-nodule book's `ratio_int` (DLwP chapter 12).
    """

    labels: Tensor
    ratio: Sequence[int] = field(default=())
    rows: int | None = None

    def __call__(self, length: int, key: Key) -> Tensor:
        """The pattern, filled."""
        _check_length("labels", len(self.labels), length)
        count = self.rows or length
        ratio = self._checked_ratio()
        pattern = torch.repeat_interleave(torch.arange(len(ratio)), torch.tensor(ratio))
        classes = pattern.repeat(-(-count // len(pattern)))[:count]
        order = torch.empty(count, dtype=torch.int64)
        for number in range(len(ratio)):
            places = (classes == number).nonzero()[:, 0]
            order[places] = self._drawn(number, len(places), key)
        return order

    def _checked_ratio(self) -> Sequence[int]:
        if self.labels.is_floating_point() or self.labels.dim() != 1 or bool((self.labels < 0).any()):
            raise DataError(
                f"Labels are class numbers from 0, one a row; these are {self.labels.dtype} of the shape"
                f" {tuple(self.labels.shape)}: labels.flatten().long()."
            )
        sizes = torch.bincount(self.labels)
        ratio = self.ratio or [1] * len(sizes)
        if min(ratio) < 0 or not sum(ratio):
            raise DataError(
                f"A ratio counts the rows of each class in a round, not all of them 0; given: {tuple(ratio)}."
            )
        if len(ratio) < len(sizes):
            raise DataError(f"The ratio {tuple(ratio)} names {len(ratio)} classes, the labels have {len(sizes)}.")
        for number, share in enumerate(ratio):
            if share and not (number < len(sizes) and sizes[number]):
                raise DataError(f"Class {number} has no rows, so it cannot be balanced; give it the ratio 0.")
        return ratio

    def _drawn(self, number: int, count: int, key: Key) -> Tensor:
        """`count` rows of a class: all of them shuffled, then all of them shuffled anew, and so on."""
        members = (self.labels == number).nonzero()[:, 0]
        rounds = range(-(-count // max(len(members), 1)))
        return torch.cat([members[:0], *(members[key(number, r).permutation(len(members))] for r in rounds)])[:count]


def _check_length(what: str, given: int, length: int) -> None:
    if given != length:
        raise DataError(f"The order has {given} {what}, but the training split has {length} rows; give one a row.")
