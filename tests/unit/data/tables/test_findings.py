import re

import numpy as np
import polars as pl
import pytest

from stepwell.data.splits import Split, split_fixed, split_random
from stepwell.data.tables.columns import choose_columns
from stepwell.data.tables.findings import row_hashes, table_findings, table_warnings
from stepwell.data.tables.leaks import exact_sums, lone_predictors
from stepwell.data.tables.target import Target

ROWS = 400
RNG = np.random.default_rng(5)
NOISE = [RNG.normal(size=ROWS) for _ in range(6)]


def found(frame: pl.DataFrame, split: Split | None = None, task: str = "auto", **flags) -> list[str]:
    columns = choose_columns(frame, target="y", **flags)
    target = Target.choose(frame, "y", task)
    return table_warnings(frame, columns, target, split or halves(len(frame)))


def halves(rows: int) -> Split:
    return split_random(rows, train=0.5, val=0.5, seed=2)


def noise(**more) -> pl.DataFrame:
    return pl.DataFrame({"a": NOISE[0], "b": NOISE[1], **more})


def test_a_table_of_noise_has_no_warnings():
    assert found(noise(y=NOISE[2])) == []
    assert found(noise(c=["p", "q"] * (ROWS // 2), y=(NOISE[2] > 0).astype(int))) == []


def test_the_sum_of_two_columns_is_a_leak():
    frame = noise(casual=RNG.integers(0, 99, ROWS), registered=RNG.integers(0, 300, ROWS))
    first, *others = found(frame.with_columns(y=pl.col("casual") + pl.col("registered")))
    assert first == (
        "y is casual + registered in every training row, so it can be computed and need not be learnt. If they are not known"
        " before it is: --drop casual,registered."
    )
    assert others == []


def test_the_difference_of_two_columns_is_a_leak():
    assert "y is b - a in every training row" in found(noise(y=NOISE[1] - NOISE[0]))[0]


def test_a_sum_that_fails_once_is_none():
    for side, says in (("train", False), ("val", True)):
        y = NOISE[0] + NOISE[1]
        y[halves(ROWS).rows[side][7]] += 1
        assert any("every training row" in warning for warning in found(noise(y=y))) is says


@pytest.mark.parametrize(
    "leak",
    [
        lambda y: 32 + 1.8 * y,
        lambda y: np.exp(-y),
        lambda y: np.where(np.abs(y) < 0.005, np.nan, y),
        lambda y: np.round(y, 1),
    ],
)
def test_a_column_that_predicts_the_target_alone_is_a_leak(leak):
    warnings = found(noise(fahrenheit=leak(NOISE[2]), y=NOISE[2]))
    assert len(warnings) == 1
    assert warnings[0].startswith("fahrenheit predicts y nearly alone (R² of its ranks 0.99")
    assert warnings[0].endswith("--drop fahrenheit.")


def test_a_strong_column_is_no_leak():
    assert found(noise(c=NOISE[2] + 0.3 * NOISE[3], y=NOISE[2])) == []


@pytest.mark.parametrize(
    "leak", [lambda y: np.where(y == 1, 7.0, -1.0) + 0.1 * NOISE[4], lambda y: np.array(["out", "in"])[y]]
)
def test_a_column_that_tells_the_class_is_a_leak(leak):
    y = (NOISE[2] > 0.5).astype(int)
    warnings = found(noise(outcome=leak(y), y=y))
    assert len(warnings) == 1
    assert warnings[0].startswith("outcome predicts y nearly alone (share of mistakes mended 1.000)")


def test_that_a_value_is_missing_can_be_the_leak():
    y = (NOISE[2] > 0.5).astype(int)
    left = [None if positive else float(value) for positive, value in zip(y, NOISE[4], strict=True)]
    assert found(noise(left=left, y=y))[0].startswith("left predicts y nearly alone")


def test_a_lone_column_is_no_leak_and_few_rows_say_nothing():
    assert found(pl.DataFrame({"x": NOISE[0], "y": 2 * NOISE[0]})) == []
    few = noise(c=NOISE[2], y=NOISE[2])[:60]
    assert found(few) == []


def test_suspects_are_the_columns_of_leaks():
    frame = noise(c=NOISE[2] * 2, y=NOISE[2])
    findings = table_findings(frame, choose_columns(frame, target="y"), Target.choose(frame, "y"), halves(ROWS))
    assert [finding.suspects for finding in findings] == [("c",)]


def test_dropped_columns_are_no_leaks():
    assert found(noise(c=NOISE[2], y=NOISE[2]), drop=["c"]) == []


def test_columns_that_are_left_out_are_told_by_the_table_of_columns_alone():
    frame = noise(n=range(ROWS), k=[1] * ROWS, e=pl.Series([None] * ROWS, dtype=pl.Float64), y=NOISE[2])
    assert found(frame) == []
    assert [column.kind for column in choose_columns(frame, target="y")][2:] == ["dropped"] * 3


def test_names_in_hints_can_be_typed():
    frame = noise(y=NOISE[2]).with_columns(pl.Series("a, b", NOISE[2] * 2))
    assert found(frame)[0].endswith("--drop 'a, b'.")
    frame = frame.with_columns(pl.Series("first part", NOISE[3]), pl.Series("rest", NOISE[2] - NOISE[3])).drop("a, b")
    assert found(frame)[0].endswith("--drop 'first part,rest'.")


def test_an_identifier_that_a_flag_keeps_is_said():
    warnings = found(noise(n=range(ROWS), y=NOISE[2]), continuous=["n"])
    assert warnings == [
        "n is used, as a flag says, but the numbers 0 to 399, each once: looks like a row number: a network can learn rows by"
        " heart from it. If it is one: --drop n."
    ]


def test_categories_with_few_rows_are_said():
    assert found(noise(patient=[f"p{i % 30}" for i in range(ROWS)], y=NOISE[2])) == []
    thin = found(noise(patient=[f"p{i // 3}" for i in range(ROWS)], y=NOISE[2]))
    assert re.match("patient has 1[0-9]{2} categories in 200 training rows, too few to learn most of them", thin[0])
    assert "--group patient" in thin[0]


def test_columns_that_vary_elsewhere_only_are_said():
    late = np.zeros(ROWS, int)
    late[halves(ROWS).rows["val"].numpy()] = np.arange(ROWS // 2) % 3
    assert found(noise(late=late, y=NOISE[2])) == [
        "late has the same value in every training row, so nothing can be learnt from it."
    ]


def test_copies_across_the_split_are_counted():
    frame = pl.concat([noise(y=NOISE[2]), noise(y=NOISE[3])[:10]])
    split = split_fixed(train=range(300), val=range(300, 400), test=range(400, 410))
    warnings = found(frame, split)
    assert len(warnings) == 1
    assert warnings[0].startswith(
        "Equal to a training row in every column but the target: 10 rows of the test side (100 %)"
    )


def test_copies_in_a_table_of_few_different_rows_are_natural():
    frame = pl.DataFrame({"c": ["p", "q", "r", "s"] * 100, "d": ["u", "v"] * 200, "y": NOISE[2]})
    assert found(frame) == []


def test_equal_rows_have_equal_hashes():
    frame = noise(y=NOISE[2])
    columns = choose_columns(frame, target="y")
    twice = pl.concat([frame, frame.with_columns(y=pl.lit(0.0))])
    hashes = row_hashes(twice, columns)
    assert hashes[:ROWS].tolist() == hashes[ROWS:].tolist()
    assert len(np.unique(hashes)) == ROWS


def test_rare_classes_are_said():
    y = np.zeros(ROWS, int)
    y[halves(ROWS).rows["train"][:15].numpy()] = 1
    warnings = found(noise(y=y))
    assert warnings[0].startswith("92.5 % of the training rows are y=0, and always to say so is right as often")
    y = np.array(["p", "q"] * (ROWS // 2))
    y[halves(ROWS).rows["train"][:4].numpy()] = "r"
    assert found(noise(y=y)) == [
        "Classes of y with fewer than 10 training rows, too few to be learnt or judged: r (4)."
    ]


def test_only_training_rows_are_judged():
    y = NOISE[2].copy()
    leak = y.copy()
    val = halves(ROWS).rows["val"].numpy()
    leak[val] = NOISE[3][val]  # on the other side it says nothing
    assert found(noise(c=leak, y=y))[0].startswith("c predicts y nearly alone")
    only_held_out = NOISE[3].copy()
    only_held_out[val] = y[val]
    assert found(noise(c=only_held_out, y=y)) == []


def test_thousands_of_columns_are_searched():
    x = np.random.default_rng(0).normal(size=(200, 1500))
    frame = pl.DataFrame({f"c{i}": x[:, i] for i in range(1500)}).with_columns(y=pl.col("c77") ** 3)
    columns, target = choose_columns(frame, target="y"), Target.choose(frame, "y")
    rows = split_random(200, train=0.8, val=0.2, seed=0).rows["train"].numpy()
    assert list(lone_predictors(frame, rows, columns, target)) == ["c77"]
    assert exact_sums(frame, rows, columns, target) == []
