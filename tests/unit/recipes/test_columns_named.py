"""Recipes of tables ask for the columns that they need, and say which there are."""

from pathlib import Path

import pytest

from stepwell.core.errors import DataError
from stepwell.recipes import recipe


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "t.csv").write_text("day,price,size\n" + "".join(f"2025-01-{row:02},{row},2\n" for row in range(1, 29)))
    return tmp_path / "t.csv"


@pytest.mark.parametrize(
    ("name", "given", "question", "flag"),
    [
        ("table", {}, "Which column is to be predicted", "--target"),
        ("series", {}, "Which column holds the time", "--time"),
        ("series", {"time": ("day",)}, "Which column is to be forecast", "--target"),
    ],
)
def test_a_column_that_is_not_named(file: Path, name: str, given: dict[str, object], question: str, flag: str) -> None:
    with pytest.raises(DataError, match=rf"{question}\? Say it with {flag}; .*t\.csv are day, price, size\."):
        recipe.load(name).build({"file": file, **given})


def test_of_many_columns_twenty_are_named(tmp_path: Path) -> None:
    (tmp_path / "wide.csv").write_text(",".join(f"c{number}" for number in range(1500)) + "\n" + ",".join(["1"] * 1500))
    with pytest.raises(DataError, match=r"c18, c19 and 1,480 more\.$"):
        recipe.load("table").build({"file": tmp_path / "wide.csv"})
