"""Numbers, standardised: less the mean of the training rows, over their deviation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl

from stepwell.core.errors import DataError
from stepwell.data.tables.codes import check_order, codes_of, levels_of
from stepwell.data.tables.encoder import FAR, Doubles, Encoder, Floats, Noted, count_rows

KEPT_BINS = 48
"""Into how many parts of about equally many training rows the kept quantiles cut a column."""


def as_numbers(values: pl.Series, noted: Noted) -> Doubles:
    """Values as float64, missing ones as NaN. Raises `DataError` for text that is no number, and for infinite ones."""
    if values.dtype == pl.Duration:
        values = values.dt.total_milliseconds() / 1000
    if not (values.dtype.is_numeric() or values.dtype in (pl.Boolean, pl.String, pl.Null)):
        raise DataError(f"Column {values.name!r} holds {values.dtype}; in training it held numbers.")
    numbers = values.cast(pl.Float64, strict=False)
    if values.dtype == pl.String:
        _refuse_text(values, numbers, noted)
    array = numbers.to_numpy()  # where missing ones are NaN
    infinite = np.flatnonzero(np.isinf(array))
    if len(infinite):
        raise DataError(
            f"Column {values.name!r} is infinite in {noted.place(int(infinite[0]))}; leave the field empty where the value is"
            " unknown."
        )
    return array


def _refuse_text(values: pl.Series, numbers: pl.Series, noted: Noted) -> None:
    bad = (numbers.is_null() & values.is_not_null()).arg_true()
    if len(bad):
        row = int(bad[0])
        more = f" ({len(bad):,} rows like it)" if len(bad) > 1 else ""
        raise DataError(
            f"Column {values.name!r} has the text {values[row]!r} in {noted.place(row)}{more}; in training it held numbers."
            " Leave the field empty where the value is unknown."
        )


@dataclass(frozen=True)
class Number(Encoder):
    """A continuous column, or an ordinal one whose `order` (of text) gives the numbers 0, 1, 2, ….

    `mean` and `scale` (the population deviation, as in scikit-learn's `StandardScaler`; 1 for a constant column) are those
    of the training rows once `median` has filled the missing ones. `quantiles` cut the training rows' known values into
    `KEPT_BINS` parts. `missing` tells that some training rows had no value; that is a feature of its own.
    """

    kind: ClassVar[str] = "number"
    name: str
    order: tuple[str, ...]
    median: float
    mean: float
    scale: float
    missing: bool
    quantiles: tuple[float, ...]

    @classmethod
    def fit(cls, values: pl.Series, noted: Noted, *, ordinal: bool = False, order: Sequence[str] = ()) -> Self:
        """Of a column's training rows. Text that is ordinal without an order has that of the alphabet."""
        if ordinal and values.dtype == pl.String:
            order = tuple(order) or levels_of(values)
        if order:
            check_order(values, order)
        numbers = _numbers(values, order, noted)
        known = numbers[~np.isnan(numbers)]
        if not len(known):
            return cls(values.name, tuple(order), 0.0, 0.0, 1.0, True, (0.0,))
        places = np.linspace(0, len(known) - 1, KEPT_BINS + 1)
        quantiles = np.interp(places, np.arange(len(known)), np.sort(known))
        median = float(quantiles[KEPT_BINS // 2])
        filled = np.where(np.isnan(numbers), median, numbers)
        mean, scale = _mean_and_scale(filled)
        return cls(values.name, tuple(order), median, mean, scale, len(known) < len(numbers), tuple(quantiles.tolist()))

    @property
    def names(self) -> tuple[str, ...]:
        """The number, and whether it is missing."""
        return (self.name, f"{self.name} is missing") if self.missing else (self.name,)

    def encode(self, values: pl.Series, noted: Noted) -> Floats:
        """`(n, 1 or 2)`."""
        numbers = _numbers(values, self.order, noted)
        absent = np.isnan(numbers)
        self._note(numbers, absent, noted)
        scaled = (np.where(absent, self.median, numbers) - self.mean) / self.scale
        columns = [scaled, absent] if self.missing else [scaled]
        return np.column_stack(columns).astype(np.float32)

    def _note(self, numbers: Doubles, absent: Any, noted: Noted) -> None:
        if absent.any() and not self.missing:
            rows = count_rows(int(absent.sum()))
            noted.add(
                f"{self.name}: {rows} no value, which no training row lacked; the median {self.median:.6g} stands in"
            )
        low, high = self.quantiles[0], self.quantiles[-1]
        reach = FAR * (high - low)
        far = numbers[(numbers < low - reach) | (numbers > high + reach)]  # NaN is neither
        if len(far):
            farthest = far[np.abs(far - (low + high) / 2).argmax()]
            rows, span = count_rows(len(far)), f"{low:.6g} to {high:.6g}"
            noted.add(f"{self.name}: {rows} a value far outside the training range {span} (farthest: {farthest:.6g})")

    def bins(self, count: int) -> list[float]:
        """Edges of at most `count` parts of about equally many training rows, in standardised units, rising strictly.

        There are at least two. Float32 keeps them apart.
        """
        places = np.linspace(0, KEPT_BINS, count + 1)
        kept = self.quantiles if len(self.quantiles) > 1 else self.quantiles * (KEPT_BINS + 1)
        edges = (np.interp(places, np.arange(KEPT_BINS + 1), kept) - self.mean) / self.scale
        distinct = np.unique(edges.astype(np.float32)).tolist()
        return distinct if len(distinct) > 1 else [distinct[0] - 0.5, distinct[0] + 0.5]

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {**vars(self), "order": list(self.order), "quantiles": list(self.quantiles)}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Self:
        """What `to_json` wrote."""
        return cls(**{**plain, "order": tuple(plain["order"]), "quantiles": tuple(plain["quantiles"])})


def _numbers(values: pl.Series, order: Sequence[str], noted: Noted) -> Doubles:
    """The column's numbers; of levels, their places, NaN for one that is none of them, which is noted."""
    if not order:
        return as_numbers(values, noted)
    codes = codes_of(values, order)
    unseen = values.filter(pl.Series(codes == -2)).unique().sort().to_list()
    if unseen:
        rows = count_rows(int((codes == -2).sum()))
        noted.add(
            f"{values.name}: {rows} a level without a place in {' < '.join(order)}: {', '.join(map(repr, unseen[:3]))}"
        )
    return np.where(codes < 0, np.nan, codes)


def _mean_and_scale(filled: Doubles) -> tuple[float, float]:
    """The mean and the population deviation; the value itself and 1 where rounding alone makes the values differ."""
    scale = float(filled.std())
    if scale > 10 * np.finfo(np.float64).eps * float(np.abs(filled).max()):
        return float(filled.mean()), scale
    return float(filled[0]), 1.0
