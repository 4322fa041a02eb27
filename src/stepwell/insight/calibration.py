"""Whether what is predicted with 80 % comes true in 80 % of the rows."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from stepwell.core.errors import DataError, suggest

Array = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
_WAYS = ("width", "count")


@dataclass(frozen=True, eq=False)
class Calibration:
    """Rows in bins of their probability: in each bin that has rows the mean of what was `predicted`, the share that was
    `observed`, both float64, and the number of `rows`.

    `ece` is the expected calibration error, the mean of |predicted - observed| over rows; `brier` the mean squared distance
    of the probabilities from 0 and 1. Both are best at 0.
    """

    predicted: Array
    observed: Array
    rows: Counts
    ece: float
    brier: float

    def to_json(self) -> dict[str, Any]:
        """Plain data for reports."""
        lists = {name: getattr(self, name).tolist() for name in ("predicted", "observed", "rows")}
        return {**lists, "ece": self.ece, "brier": self.brier}


def calibration(
    probabilities: npt.ArrayLike, labels: npt.ArrayLike, *, bins: int = 10, by: Literal["width", "count"] = "width"
) -> Calibration:
    """Compare probabilities of class 1 with labels 0 and 1, in bins of equal `width` or of an equal `count` of rows.

    Equal probabilities share a bin, and empty bins are left out. For several classes see `top_label`. Raises `DataError` for
    values that are no probabilities or labels, and for none. Source: Guo and others, *On calibration of modern neural
    networks* (2017).
    """
    p, truth = _checked(probabilities, labels)
    if bins < 1 or by not in _WAYS:
        raise DataError(f"Bins are 1 or more, by width or count; given: {bins} by {by!r}.{suggest(by, _WAYS)}")
    edges = np.linspace(0.0, 1.0, bins + 1) if by == "width" else np.quantile(p, np.linspace(0.0, 1.0, bins + 1))
    which = np.searchsorted(edges[1:-1], p)
    rows = np.bincount(which, minlength=bins)
    held = rows > 0
    sums = (np.bincount(which, weights=values, minlength=bins)[held] for values in (p, truth))
    predicted, observed = (total / rows[held] for total in sums)
    ece = float(np.sum(np.abs(predicted - observed) * rows[held]) / len(p))
    return Calibration(predicted, observed, rows[held].astype(np.int64), ece, float(np.mean((p - truth) ** 2)))


def top_label(probabilities: npt.ArrayLike, labels: npt.ArrayLike) -> tuple[Array, Array]:
    """Of several classes: the probability of each row's most probable class, and whether that is the right one (0 or 1), as
    `calibration` takes them. `probabilities` are `(rows, classes)`, `labels` `(rows,)` class numbers.
    """
    table, truth = np.asarray(probabilities, dtype=np.float64), np.asarray(labels).reshape(-1)
    if table.ndim != 2 or len(table) != len(truth):
        raise DataError(f"Probabilities are (rows, classes), labels (rows,); given: {table.shape} and {truth.shape}.")
    return table.max(axis=1), (table.argmax(axis=1) == truth).astype(np.float64)


def _checked(probabilities: npt.ArrayLike, labels: npt.ArrayLike) -> tuple[Array, Array]:
    p, truth = (np.asarray(values, dtype=np.float64).reshape(-1) for values in (probabilities, labels))
    if len(p) != len(truth) or not len(p):
        raise DataError(f"There are {len(p)} probabilities and {len(truth)} labels; give as many of each, 1 at least.")
    if not ((p >= 0) & (p <= 1)).all():
        wrong = p[~((p >= 0) & (p <= 1))][0]
        raise DataError(f"Probabilities lie in 0 to 1; there is {wrong:g} among these. Are they logits?")
    if not np.isin(truth, (0.0, 1.0)).all():
        raise DataError(f"Labels are 0 or 1; there is {truth[~np.isin(truth, (0.0, 1.0))][0]:g} among these.")
    return p, truth
