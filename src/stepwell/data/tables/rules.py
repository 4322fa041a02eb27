"""Looking at a table before any network: means of groups, and rules of one threshold as the first classifier to beat.

Stevens et al., *Deep Learning with PyTorch*, chapter 4.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from polars import selectors as cs

from stepwell.core.errors import DataError
from stepwell.data.tables.columns import check_known


@dataclass(frozen=True)
class RuleScore:
    """How often a rule says something (`predicted`), how often it is so (`actual`), and both at once (`matched`), of `rows`.

    `majority` is the accuracy of always saying what is so more often: a rule that does not reach it has found nothing.
    """

    rows: int
    predicted: int
    actual: int
    matched: int

    @property
    def precision(self) -> float:
        """The part of what it says that is so; NaN where it says nothing."""
        return self.matched / self.predicted if self.predicted else float("nan")

    @property
    def recall(self) -> float:
        """The part of what is so that it says; NaN where nothing is so."""
        return self.matched / self.actual if self.actual else float("nan")

    @property
    def accuracy(self) -> float:
        """The part of the rows of which it says what is so."""
        return (self.rows - self.predicted - self.actual + 2 * self.matched) / self.rows

    @property
    def majority(self) -> float:
        """The accuracy of a constant."""
        return max(self.actual, self.rows - self.actual) / self.rows


def judge_rule(frame: pl.DataFrame, says: pl.Expr, so: pl.Expr) -> RuleScore:
    """Score a rule such as `says=pl.col("total sulfur dioxide") < 141.83` at telling `so=pl.col("quality") > 5`.

    Conditions are joined with `&`, `|` and `~`. Rows of which either is unknown are left out. Raises `DataError` where none
    is left.
    """
    masks = frame.select(says=says, so=so).drop_nulls()
    if masks.is_empty():
        raise DataError("There is no row of which both the rule and the truth are known.")
    both = masks["says"] & masks["so"]
    return RuleScore(len(masks), int(masks["says"].sum()), int(masks["so"].sum()), int(both.sum()))


def group_means(frame: pl.DataFrame, by: str, edges: Sequence[float], labels: Sequence[str]) -> pl.DataFrame:
    """The mean of every numeric column in groups of the column `by`: one row a group, with its `group` and number of `rows`.

    `edges`, rising, are the greatest values of all groups but the last, so there is one more of `labels`: quality cut at
    (3, 6) gives those up to 3, above 3 and up to 6, and above 6. Rows without a value of `by` are left out, and so are empty
    groups. Raises `DataError` for an unknown column and for edges that do not fit the labels.
    """
    check_known([by], frame.columns, "by")
    if len(labels) != len(edges) + 1 or list(edges) != sorted(set(edges)):
        raise DataError(f"{len(labels)} groups need {len(labels) - 1} rising edges between them; given: {list(edges)}.")
    known = frame.filter(pl.col(by).is_not_null())
    places = np.searchsorted(edges, known[by].cast(pl.Float64).to_numpy())
    group = pl.Series("group", np.array(labels)[places], dtype=pl.Enum(list(labels)))
    means = cs.numeric().exclude(by).mean()
    return known.with_columns(group).group_by("group").agg(pl.len().alias("rows"), means).sort("group")
