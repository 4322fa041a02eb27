import enum
import json
from pathlib import Path
from typing import Any, Literal

import pytest

from stepwell.recipes.values import describe, plain, rooted, supported, text, typed


class Size(enum.Enum):
    SMALL = "s"
    BIG = 2


_CASES: list[tuple[Any, str, Any, str]] = [
    (int, "64", 64, "int"),
    (int, "1_000", 1000, "int"),
    (float, "1e-3", 0.001, "float"),
    (float, "3", 3.0, "float"),
    (bool, "true", True, "true|false"),
    (str, "none", "none", "text"),
    (Path, "a b/c", Path("a b/c"), "path"),
    (Literal["fp32", "bf16"], "bf16", "bf16", "fp32|bf16"),
    (Literal[1, 2], "2", 2, "1|2"),
    (Size, "s", Size.SMALL, "s|2"),
    (Size, "2", Size.BIG, "s|2"),
    (float | None, "0.5", 0.5, "float|none"),
    (float | None, "none", None, "float|none"),
    (int | str, "x", "x", "int|text"),
    (tuple[int, float], "1,2", (1, 2.0), "int,float"),
    (tuple[int, ...], "1,2,3", (1, 2, 3), "int,…"),
    (list[str], "a,b", ["a", "b"], "text,…"),
]


@pytest.mark.parametrize(("kind", "given", "expected", "described"), _CASES)
def test_text_and_json_become_the_type(kind: Any, given: str, expected: Any, described: str) -> None:
    assert supported(kind)
    assert typed(given, kind) == expected
    assert type(typed(given, kind)) is type(expected)
    assert typed(expected, kind) == expected
    assert typed(json.loads(json.dumps(plain(expected))), kind) == expected
    assert typed(text(expected), kind) == expected
    assert describe(kind) == described


_WRONG: list[tuple[Any, Any, str]] = [
    (int, "3.5", "'3.5' is not a whole number"),
    (int, 3.5, "'3.5' is not a whole number"),
    (float, "x", "'x' is not a number"),
    (bool, "maybe", "'maybe' is not true or false"),
    (Literal["a", "b"], "c", "'c' is not one of a, b"),
    (Size, "SMALL", "'SMALL' is not one of s, 2"),
    (float | None, "x", "'x' is not a number, nor none"),
    (tuple[int, int], "1", "'1' has 1 values, 2 are due: int,int"),
    (tuple[int, ...], "1,x", "'x' is not a whole number"),
]


@pytest.mark.parametrize(("kind", "given", "message"), _WRONG)
def test_wrong_values_are_named(kind: Any, given: Any, message: str) -> None:
    with pytest.raises(ValueError) as error:
        typed(given, kind)
    assert str(error.value) == message


def test_other_types_stay_as_they_are() -> None:
    value = {"a": 1}
    assert not supported(dict)
    assert not supported(tuple[tuple[int, int], ...])
    assert typed(value, dict) is value
    assert typed(None, int) is None


def test_paths_at_which_something_lies_become_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path)
    there = str(tmp_path / "there")
    assert rooted("there", Path) == there
    assert rooted(Path("there"), Path | None) == there
    assert rooted(["there", "gone"], tuple[Path, ...]) == [there, "gone"]
    assert rooted("resnet18.pth", Path) == "resnet18.pth"
    assert rooted(None, Path | None) is None
    assert (rooted("there", str), rooted(3, float)) == ("there", 3)
