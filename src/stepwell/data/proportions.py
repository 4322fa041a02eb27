"""The arithmetic of splits: amounts to fractions, fractions to whole rows, values to numbered kinds."""

import math
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from numbers import Integral
from typing import Any

import numpy as np
import torch
from torch import Tensor

from stepwell.core.errors import DataError

SIDES = ("train", "val", "test")

Amount = int | float
"""Of rows: an int is a count, a float is a fraction of all rows."""

Values = Tensor | np.ndarray[Any, Any] | Sequence[Any]
"""One a row: numbers, text or times."""


def fractions(length: int, amounts: Mapping[str, Amount]) -> list[Fraction]:
    """Fractions of train, val, test and of the rows that no side gets, which sum to 1."""
    if length < 1:
        raise DataError("There are no rows to split.")
    _refuse_none_for_train(amounts)
    call = ", ".join(f"{side}={amount}" for side, amount in amounts.items() if amount)
    asked = [amount for amount in amounts.values() if amount]
    counts = all(isinstance(amount, Integral) and amount > 0 for amount in asked)
    if not counts and not all(not isinstance(amount, Integral) and 0 < amount <= 1 for amount in asked):
        raise DataError(f"Amounts are all fractions (0.8) or all counts (800), and not negative; given: {call}.")
    # Decimal fractions are taken as written: 0.7 + 0.2 + 0.1 is 1 here, and 0.29 of 100 is 29.
    parts = [Fraction(int(a), length) if counts else Fraction(repr(float(a))) for a in amounts.values()]
    if sum(parts) > 1 + Fraction(1, 10**9):
        raise DataError(
            f"{call} is more than there is: the sides together take at most all {length} rows (fractions: 1)."
        )
    return [*parts, Fraction(max(1 - sum(parts), 0))]


def _refuse_none_for_train(amounts: Mapping[str, Amount]) -> None:
    """Where train is what the others leave, as in recipes, it may be nothing, or less."""
    others = {side: amount for side, amount in amounts.items() if side != "train" and amount}
    shares = all(isinstance(amount, float) and amount > 0 for amount in others.values())
    if amounts["train"] <= 0 and shares and sum(others.values()) >= 1:
        who = "and".join(f" {side} " for side in others).strip()
        take = f"{who} together take" if len(others) > 1 else f"{who} takes"
        raise DataError(
            f"{take} {sum(others.values()):.4g} of all rows, which leaves none for train; take less than 1."
        )


def apportion(length: int, fractions: Sequence[Fraction]) -> list[int]:
    """Whole numbers that sum to `length` in the proportions of `fractions`, by largest remainder."""
    sizes = [math.floor(length * fraction) for fraction in fractions]
    by_remainder = sorted(range(len(sizes)), key=lambda i: sizes[i] - length * fractions[i])
    for i in by_remainder[: length - sum(sizes)]:
        sizes[i] += 1
    return sizes


def cut(strata: Iterable[Tensor], fractions: Sequence[Fraction]) -> dict[str, Tensor]:
    """The sides' rows, in rising order: each stratum is cut in the same proportions."""
    parts = [torch.split(stratum, apportion(len(stratum), fractions)) for stratum in strata]
    return {side: torch.cat([part[i] for part in parts]).sort().values for i, side in enumerate(SIDES)}


def distinct(what: str, values: Values) -> tuple[np.ndarray[Any, Any], Tensor]:
    """The distinct values in rising order, and for each row (int64) the number of its value."""
    array = values.detach().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)
    if array.ndim != 1:
        raise DataError(f"{what} have one value a row, so one dimension; these have the shape {array.shape}.")
    try:
        kinds, member = np.unique(array, return_inverse=True)
    except TypeError:
        raise DataError(
            f"{what} are of kinds that cannot be compared with each other; make them all text or numbers."
        ) from None
    return kinds, torch.from_numpy(member.astype(np.int64))
