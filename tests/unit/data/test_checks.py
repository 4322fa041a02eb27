import pytest
import torch

from stepwell.core.errors import DataError
from stepwell.data.arrays import ArraySource, Subset
from stepwell.data.checks import check_finite

NAN, INF = float("nan"), float("inf")


def table(*bad: tuple[int, int, float]) -> torch.Tensor:
    rows = torch.zeros(20, 3)
    for row, column, value in bad:
        rows[row, column] = value
    return rows


def message(source, **names) -> str:
    with pytest.raises(DataError) as caught:
        check_finite(source, **names)
    return str(caught.value)


def test_finite_numbers_whole_numbers_and_no_targets_pass():
    check_finite(ArraySource(table(), torch.zeros(20)))
    check_finite(ArraySource({"ids": torch.zeros(20, 3, dtype=torch.int64), "mask": torch.ones(20, dtype=torch.bool)}))


def test_columns_are_named_by_number():
    text = message(ArraySource(table((2, 1, NAN), (7, 1, INF), (3, 2, -INF))))
    assert text == (
        "Some values are NaN or infinite, and one of them is enough to make every weight NaN:\n"
        "  inputs column 1: 2 rows (2, 7)\n"
        "  inputs column 2: 1 row (3)\n"
        "Fill them (with the training median, say), or drop these rows."
    )


def test_columns_are_named_by_name():
    assert "inputs column 'age': 1 row (4)" in message(ArraySource(table((4, 0, NAN))), names=["age", "sex", "height"])


def test_targets_and_branches_are_named():
    targets = torch.zeros(20)
    targets[5] = NAN
    assert "  targets: 1 row (5)" in message(ArraySource(table(), targets), names=["a", "b", "c"])
    assert "  inputs.x column 2: 1 row (9)" in message(ArraySource({"x": table((9, 2, INF))}))


def test_images_have_no_columns():
    images = torch.zeros(4, 1, 2, 2)
    images[2, 0, 1] = NAN
    assert "  inputs: 1 row (2)" in message(ArraySource(images))


def test_only_the_first_are_shown():
    rows = torch.full((20, 7), NAN)
    text = message(ArraySource(rows))
    assert "  inputs column 0: 20 rows (0, 1, 2, 3, 4, …)" in text
    assert "  and 2 columns more" in text


def test_blocks_are_added_up_and_rows_are_those_of_the_whole_source():
    rows = torch.zeros(1000, 1)
    rows[[3, 700]] = NAN
    source = ArraySource(rows)
    source.row_bytes = None
    assert "2 rows (3, 700)" in message(source)
    assert "1 row (700)" in message(Subset(source, torch.tensor([0, 700])))
