import math

import polars as pl
import pytest

from stepwell.core.errors import DataError
from stepwell.data.tables.rules import RuleScore, group_means, judge_rule


def test_a_rule_is_counted():
    frame = pl.DataFrame({"x": [1, 2, 3, 4, 5, None], "y": [0, 1, 1, 0, 1, 1]})
    score = judge_rule(frame, (pl.col("x") > 1) & (pl.col("x") < 5), pl.col("y") == 1)
    assert score == RuleScore(rows=5, predicted=3, actual=3, matched=2)
    assert score.precision == score.recall == 2 / 3
    assert score.accuracy == 3 / 5
    assert score.majority == 3 / 5


def test_a_rule_that_says_nothing_has_no_precision():
    score = judge_rule(pl.DataFrame({"x": [1, 2]}), pl.col("x") > 9, pl.col("x") > 8)
    assert math.isnan(score.precision)
    assert math.isnan(score.recall)
    assert score.accuracy == 1


def test_rows_that_are_all_unknown_are_refused():
    with pytest.raises(DataError, match="no row of which both"):
        judge_rule(pl.DataFrame({"x": [None]}, schema={"x": pl.Float64}), pl.col("x") > 0, pl.col("x") > 1)


def test_groups_reach_up_to_their_edge():
    frame = pl.DataFrame({"q": [1, 3, 4, 6, 7, None], "x": [1.0, 3, 10, 20, 5, 99], "t": list("abcdef")})
    means = group_means(frame, "q", (3, 6), ("bad", "mid", "good"))
    assert means.to_dict(as_series=False) == {"group": ["bad", "mid", "good"], "rows": [2, 2, 1], "x": [2.0, 15.0, 5.0]}


def test_empty_groups_are_left_out():
    assert group_means(pl.DataFrame({"q": [9], "x": [1]}), "q", (3,), ("low", "high"))["group"].to_list() == ["high"]


@pytest.mark.parametrize(
    ("edges", "labels"), [((3, 6), ("a", "b")), ((6, 3), ("a", "b", "c")), ((3, 3), ("a", "b", "c"))]
)
def test_edges_fit_the_labels(edges, labels):
    with pytest.raises(DataError, match="rising edges between them"):
        group_means(pl.DataFrame({"q": [1]}), "q", edges, labels)


def test_an_unknown_column_suggests_the_nearest():
    with pytest.raises(DataError, match="Did you mean 'quality'"):
        group_means(pl.DataFrame({"quality": [1]}), "qualit", (1,), ("a", "b"))
