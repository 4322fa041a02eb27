"""Splits: which rows train, which validate, which test; made once, kept with the run, and never overlapping."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from stepwell.core.errors import DataError
from stepwell.core.keys import Key
from stepwell.data.arrays import Subset
from stepwell.data.batch import Source
from stepwell.data.proportions import SIDES, Amount, Values, apportion, cut, distinct, fractions


@dataclass(frozen=True, eq=False)
class Split:
    """The rows of each side.

    `how` is the call that made it, `random(train=0.8, val=0.2, seed=13)`; `rows` maps `train`, and where there are any
    `val` and `test`, to row numbers (int64, one dimension). Raises `DataError`, which names the side, where a side is
    unknown, empty, not of row numbers, repeats a row or shares one with another side.
    """

    how: str
    rows: Mapping[str, Tensor]

    def __post_init__(self) -> None:
        if "train" not in self.rows or not set(self.rows) <= set(SIDES):
            given = ", ".join(map(str, self.rows)) or "none"
            raise DataError(f"A split has the side train, and may have val and test; {self.how} has {given}.")
        for side, rows in self.rows.items():
            _check_side(self.how, side, rows)
        for first, second in combinations(self.rows, 2):
            shared = self.rows[second][torch.isin(self.rows[second], self.rows[first])]
            if len(shared):
                raise DataError(f"{self.how}: {first} and {second} share {_named(shared)}; give each row to one side.")

    def apply(self, source: Source) -> "Splits":
        """The sides of a source, as `Subset`s of it. Raises `DataError` for rows that the source lacks."""
        for side, rows in self.rows.items():
            beyond = rows[rows >= len(source)]
            if len(beyond):
                raise DataError(
                    f"{self.how}: {side} has {_named(beyond)}, but the source has {len(source)} rows, numbered from 0. "
                    "The split was made for other data; make it anew."
                )
        return Splits(**{side: Subset(source, rows) for side, rows in self.rows.items()}, split=self)

    def to_json(self) -> dict[str, Any]:
        """A plain dict that JSON can hold: `{"how": ..., "rows": {"train": [...], ...}}`."""
        return {"how": self.how, "rows": {side: rows.tolist() for side, rows in self.rows.items()}}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> "Split":
        """The split that `to_json` wrote. Raises `DataError` for anything else."""
        try:
            how, rows = plain["how"], {side: _as_rows(side, kept) for side, kept in plain["rows"].items()}
        except (KeyError, TypeError, AttributeError) as error:
            raise DataError(
                f'A kept split is {{"how": text, "rows": {{side: numbers}}}}; this one lacks {error}.'
            ) from None
        return cls(how, rows)


@dataclass(frozen=True, eq=False)
class Splits:
    """The data of an experiment by side, and the split that cut it, where there is one.

    A side is a `Source`, or a torch `DataLoader`, which is kept as it is. Raises `DataError` for anything else and for
    a source without rows.
    """

    train: Source | DataLoader[Any]
    val: Source | DataLoader[Any] | None = None
    test: Source | DataLoader[Any] | None = None
    split: Split | None = None

    def __post_init__(self) -> None:
        for side in SIDES:
            data = getattr(self, side)
            if not isinstance(data, (Source, DataLoader)) and (data is not None or side == "train"):
                raise DataError(f"{side} is a {type(data).__name__}; a Source or DataLoader is due: as_source(data).")
            if isinstance(data, Source) and not len(data):
                raise DataError(f"{side} has no rows. Give it some, or leave it out.")


def split_random(length: int, *, train: Amount, val: Amount, test: Amount = 0.0, seed: int) -> Split:
    """Rows `0..length-1` dealt out at random. Amounts are fractions (floats, together at most 1) or counts (ints).

    Sizes are rounded by largest remainder; rows of a side are in rising order. Raises `DataError` for amounts that do
    not fit and for a side that would be empty.
    """
    amounts = {"train": train, "val": val, "test": test}
    shares = fractions(length, amounts)
    return _split("random", amounts, cut([Key(seed)("split").permutation(length)], shares), seed=seed)


def split_stratified(labels: Values, *, train: Amount, val: Amount, test: Amount = 0.0, seed: int) -> Split:
    """Each class (of `labels`, one a row) dealt out at random in the same proportions, by largest remainder.

    Every class is within a row of its due on every side, so counts, too, are kept to a row a class. Errors as
    `split_random`.
    """
    amounts = {"train": train, "val": val, "test": test}
    _, member = distinct("labels", labels)
    shares = fractions(len(member), amounts)
    permutation = Key(seed)("split").permutation(len(member))
    by_class = permutation[torch.argsort(member[permutation], stable=True)]
    strata = torch.split(by_class, torch.bincount(member).tolist())
    return _split("stratified", amounts, cut(strata, shares), seed=seed)


def split_grouped(groups: Values, *, train: Amount, val: Amount, test: Amount = 0.0, seed: int) -> Split:
    """Whole groups (patients, documents; `groups` has one a row) dealt out at random, so that none is on two sides.

    Each group goes to the side that lacks most rows at that moment, so amounts are met to about a group; the last ones
    go to sides that still have none. Errors as `split_random`.
    """
    amounts = {"train": train, "val": val, "test": test}
    _, member = distinct("groups", groups)
    lacking = [float(len(member) * share) for share in fractions(len(member), amounts)]
    asked = [number for number, side in enumerate(SIDES) if amounts[side]]
    side_of = _dealt(torch.bincount(member).tolist(), lacking, asked, seed)
    rows = {name: (side_of[member] == number).nonzero()[:, 0] for number, name in enumerate(SIDES)}
    return _split("grouped", amounts, rows, seed=seed)


def _dealt(sizes: Sequence[int], lacking: list[float], empty: list[int], seed: int) -> Tensor:
    """The number of the side that each group goes to; `empty` are the sides that must not stay so."""
    side_of = torch.empty(len(sizes), dtype=torch.int64)
    for dealt, group in enumerate(Key(seed)("split").permutation(len(sizes)).tolist()):
        sides = empty if len(sizes) - dealt <= len(empty) else range(len(lacking))
        side = max(sides, key=lacking.__getitem__)
        side_of[group], lacking[side] = side, lacking[side] - sizes[group]
        empty = [other for other in empty if other != side]
    return side_of


def split_by_time(times: Values, *, train: Amount, val: Amount, test: Amount = 0.0) -> Split:
    """All of train earlier than all of val, and val than test; rows of a side in the order of `times` (one a row).

    Rows of the same time stay together: a border moves to the nearest place between two times. What the amounts leave
    over are the latest rows. Errors as `split_random`, and for times that are NaN.
    """
    amounts = {"train": train, "val": val, "test": test}
    moments, member = distinct("times", times)
    if bool((moments != moments).any()):  # NaN, and the dates' NaT, are the values that differ from themselves
        raise DataError(
            "Some times are NaN, so they are neither before nor after the others; fill them or drop the rows."
        )
    due = np.cumsum(apportion(len(member), fractions(len(member), amounts)))[:3]
    between = np.concatenate([[0], np.cumsum(np.bincount(member.numpy()))])
    borders = [0, *(int(between[np.abs(between - border).argmin()]) for border in due)]
    order = torch.argsort(member, stable=True)
    rows = {side: order[a:b] for side, a, b in zip(SIDES, borders, borders[1:], strict=False)}
    return _split("by_time", amounts, rows)


def split_fixed(*, train: Values, val: Values | None = None, test: Values | None = None) -> Split:
    """Row numbers as they are given, in that order: a published split, or one made elsewhere. Errors as `Split`."""
    given = {"train": train, "val": val, "test": test}
    rows = {side: _as_rows(side, numbers) for side, numbers in given.items() if numbers is not None}
    return Split(f"fixed({', '.join(f'{side}=<{len(numbers)} rows>' for side, numbers in rows.items())})", rows)


def _split(kind: str, amounts: Mapping[str, Amount], rows: Mapping[str, Tensor], **more: int) -> Split:
    """A split of the sides that were asked for, under the call that asked."""
    asked = {side: amount for side, amount in amounts.items() if amount}
    how = ", ".join(f"{name}={value}" for name, value in {**asked, **more}.items())
    return Split(f"{kind}({how})", {side: rows[side] for side in asked})


def _as_rows(side: str, numbers: Values) -> Tensor:
    rows = torch.as_tensor(numbers)
    if rows.is_floating_point() or rows.dtype == torch.bool:
        raise DataError(f"{side} are row numbers (int64), not {rows.dtype}; of a mask they are mask.nonzero()[:, 0].")
    return rows.to(torch.int64)


def _check_side(how: str, side: str, rows: Tensor) -> None:
    if rows.dim() != 1 or rows.dtype != torch.int64:
        raise DataError(f"{how}: {side} is one dimension of int64, not {tuple(rows.shape)} of {rows.dtype}.")
    if not len(rows):
        zero = "" if side == "train" or how.startswith("fixed(") else f" ({side}=0; as a flag --{side} 0)"
        raise DataError(f"{how}: {side} is empty. Give it a larger share, give more rows, or leave it out{zero}.")
    if int(rows.min()) < 0:
        raise DataError(f"{how}: {side} has {_named(rows[rows < 0])}; rows are numbered from 0.")
    kept, times = torch.unique(rows, return_counts=True)
    if len(kept) < len(rows):
        raise DataError(f"{how}: {side} has {_named(kept[times > 1])} more than once.")


def _named(rows: Tensor) -> str:
    """`row 3`, or `5 rows (3, 8, 9, …)`."""
    first = ", ".join(map(str, rows[:3].tolist()))
    return f"row {first}" if len(rows) == 1 else f"{len(rows)} rows ({first}{', …' if len(rows) > 3 else ''})"
