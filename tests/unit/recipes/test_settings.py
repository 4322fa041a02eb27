"""Numbers that no network can be trained with are refused by the flag's name, before any work."""

from typing import Any

import pytest

from stepwell.core.errors import DataError
from stepwell.recipes import recipe
from stepwell.recipes.entries import ENTRIES

NEED_FILES = {"table", "images", "series", "captions", "fashion"}  # see the tests of those
NUMBERS = [
    ("digits", {"channels": 0}, "--channels is 0; 1 or more is due"),
    ("digits", {"dropout": 1.0}, "--dropout is 1; 0 to 0.99 is due"),
    ("cifar2", {"design": "deep", "blocks": 0}, "--blocks is 0; 1 or more is due"),
    ("cyclegan", {"width": 0}, "--width is 0; 1 or more is due"),
    ("moons", {"noise": -0.5}, "--noise is -0.5; 0 or more is due"),
    ("curve", {"points": 0}, "--points is 0; 1 or more is due"),
    ("breast-cancer", {"weight_decay": -0.1}, "--weight-decay is -0.1; 0 or more is due"),
]


@pytest.mark.parametrize(("name", "given", "told"), NUMBERS)
def test_the_flag_the_value_and_the_range_are_named(name: str, given: dict[str, Any], told: str) -> None:
    with pytest.raises(DataError, match=told):
        recipe.load(name).build(given)


@pytest.mark.parametrize("name", [entry.name for entry in ENTRIES if entry.name not in NEED_FILES])
def test_no_recipe_takes_a_negative_step_size(name: str) -> None:
    found = recipe.load(name)
    if "learning_rate" not in found.parameters:
        pytest.skip(f"{name} has no learning rate")
    with pytest.raises(DataError, match=r"--learning-rate is -1; 1e-12 or more is due\."):
        found.build({"learning_rate": -1.0})
