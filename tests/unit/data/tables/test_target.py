import datetime as dt
import json

import numpy as np
import polars as pl
import pytest
import torch

from stepwell.core.errors import DataError
from stepwell.data.tables.target import Target, missing_note, rows_with_target


def table(values, name="y") -> pl.DataFrame:
    return pl.DataFrame({name: values, "x": np.arange(len(values)) / 3})


def chosen(values, task="auto", **more) -> Target:
    return Target.choose(table(values), "y", task, **more)


WINE = [3, 4, 5, 6, 7, 8, 9] * 3


@pytest.mark.parametrize(
    ("values", "kind", "classes", "why"),
    [
        ([0.5, 1.5, 2.25], "regression", (), "numbers with fractions"),
        (range(5, 40), "regression", (), "whole numbers with 35 values, 5 to 39"),
        (
            WINE,
            "regression",
            (),
            "whole numbers with 7 values, 3 to 9, whose order means something: --task multiclass if not",
        ),
        ([0, 1, 2] * 4, "multiclass", ("0", "1", "2"), "--task regression if their distances mean something"),
        ([0, 2, 5] * 4, "regression", (), "whole numbers with 3 values, 0 to 5"),
        (["b", "a", "c"] * 3, "multiclass", ("a", "b", "c"), "text with 3 values"),
        ([0, 1, 1], "binary", ("0", "1"), "two values; 1 is the positive class"),
        ([1.0, 2.0, 1.0], "binary", ("1", "2"), "2 is the positive class"),
        ([True, False], "binary", ("false", "true"), "true is the positive class"),
        (["yes", "no"], "binary", ("no", "yes"), "yes is the positive class"),
        (["Positive", "zero"], "binary", ("zero", "Positive"), "Positive is the positive class"),
        (["good", "bad"], "binary", ("bad", "good"), "good is the positive class"),
        ([2, 10], "binary", ("2", "10"), "10 is the positive class"),
    ],
)
def test_values_decide_the_task(values, kind, classes, why):
    target = chosen(list(values))
    assert (target.kind, target.classes) == (kind, classes)
    assert why in target.why


@pytest.mark.parametrize(
    ("values", "task", "classes"),
    [
        (WINE, "multiclass", ("3", "4", "5", "6", "7", "8", "9")),
        ([0, 1, 2] * 3, "regression", ()),
        ([True, False, True], "regression", ()),
        ([0, 1, 0, 1], "multiclass", ("0", "1")),
        ([9, 10, 11] * 3, "multiclass", ("9", "10", "11")),
    ],
)
def test_a_task_that_is_asked_for_overrules(values, task, classes):
    target = chosen(values, task)
    assert (target.kind, target.classes) == (task, classes)
    assert target.why


@pytest.mark.parametrize(
    ("values", "task", "message"),
    [
        (
            WINE,
            "binary",
            "--task binary is for two classes, but 'y' has 7 values: 3, 4, 5, 6, 7, …. Say --task multiclass",
        ),
        ([0.5, 0.7, 0.1], "multiclass", "'y' has numbers with fractions. Say --task regression"),
        (list(range(12)), "multiclass", "'y' has 12 values in 12 rows. Say --task regression"),
        (["a", "b", "a"], "regression", "'y' holds text, such as 'a'. Say --task multiclass"),
        ([4, 5], "regresion", r"--task is 'regresion'; it is one of auto, .*Did you mean 'regression'\?"),
        ([4, 4], "auto", "'y' is '4' in every row, so there is nothing to learn"),
        (
            [f"text {i}" for i in range(19)],
            "auto",
            "text with 19 values in 19 rows, such as 'text 0': too few rows of each",
        ),
        ([dt.date(2024, 1, 1), dt.date(2024, 1, 2)], "auto", "'y' holds Date; a target is numbers, or text"),
        ([*map(str, range(20)), "n/k"], "auto", "numbers but for 1 row: 'n/k' in row 20. Leave the field empty"),
        (
            [f"2,{i},000" for i in range(100, 140)],
            "auto",
            r"'2,100,000' may be a number.* without thousands separators\.",
        ),
        ([f"{i}.3%" for i in range(40)], "regression", r"'0\.3%' may be a number, .* without its unit\."),
        ([f"{i:04}" for i in range(40)], "auto", r"too few rows .* If they are numbers: --types y:number\."),
        ([1.0, None, float("nan"), 2.0], "auto", r"no value in 2 of 4 rows \(row 1, row 2\)"),
        ([1.0, float("inf"), 3.0], "auto", "'y' is infinite in row 1"),
    ],
)
def test_values_that_make_no_task_are_refused(values, task, message):
    with pytest.raises(DataError, match=message):
        chosen(values, task)


def test_an_unknown_target_suggests_the_nearest():
    with pytest.raises(DataError, match=r"--target names 'qualty', .* Did you mean 'quality'\?"):
        Target.choose(table([1, 2], name="quality"), "qualty")


def test_an_empty_table_has_no_target():
    with pytest.raises(DataError, match="has no rows"):
        Target.choose(pl.DataFrame({"y": []}, schema={"y": pl.Float64}), "y")


def test_regression_targets_are_the_values():
    target = chosen(list(range(20, 40)))
    encoded = target.encode(table(list(range(20, 40))))
    assert encoded.dtype == torch.float32
    assert encoded.tolist() == [[float(i)] for i in range(20, 40)]


def test_binary_targets_are_0_and_1():
    target = chosen(["yes", "no", "yes"])
    assert target.encode(table(["yes", "no", "yes"])).tolist() == [[1.0], [0.0], [1.0]]
    assert target.spoken == "probability that y is yes"


def test_multiclass_targets_are_places():
    target = chosen(WINE, "multiclass")
    encoded = target.encode(table(WINE))
    assert encoded.dtype == torch.int64
    assert [int(target.classes[place]) for place in encoded.tolist()] == WINE
    assert target.spoken == "prediction of y"


def test_a_value_that_is_no_class_is_refused_with_its_line():
    target = chosen(["a", "b", "c"] * 2)
    with pytest.raises(DataError, match="'y' is 'd' in line 3, which is none of its classes: a, b, c"):
        target.encode(table(["a", "d"]), lambda row: row + 2)


def test_statistics_are_those_of_training_rows():
    values = [1.0, 2.5, 9.0, 1000.0]
    target = chosen(values).fit(table(values), torch.tensor([0, 1, 2]))
    assert (target.mean, target.std) == pytest.approx((np.mean(values[:3]), np.std(values[:3])))
    constant = chosen(values).fit(table(values), np.array([1]))
    assert (constant.mean, constant.std) == (2.5, 1.0)
    assert chosen([0, 1, 1]).fit(table([0, 1, 1]), np.arange(3)) == chosen([0, 1, 1])


@pytest.mark.parametrize("values", [[0.1, 0.7, 0.3], ["b", "a", "c"] * 2, [0, 1]])
def test_what_is_kept_is_the_same(values):
    target = chosen(values).fit(table(values), np.arange(len(values)))
    assert Target.from_json(json.loads(json.dumps(target.to_json()))) == target


def test_rows_without_a_target_are_found_and_named():
    frame = table([1.0, None, 3.0, float("nan"), 5.0, None])
    known = rows_with_target(frame, "y")
    assert known.tolist() == [0, 2, 4]
    assert missing_note("y", 6, known, lambda row: row + 2) == (
        "y: 3 rows (50 %) have no target (line 3, 5, 7) and are left out"
    )
    assert (
        missing_note("y", 3, np.array([0, 2]), lambda row: row + 2) == "y: 1 row has no target (line 3) and is left out"
    )
    assert missing_note("y", 3, np.arange(3), lambda row: row + 2) == ""


def test_a_target_without_any_value_is_refused():
    with pytest.raises(DataError, match="'y' has no value in any of the 2 rows"):
        rows_with_target(table([None, None]), "y")
