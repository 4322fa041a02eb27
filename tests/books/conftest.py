"""Trainings that several rows look at, each made once."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from stepwell import Training, fit
from stepwell.recipes.recipe import load


@pytest.fixture(scope="session")
def trained() -> Callable[..., Training]:
    """`trained("line", epochs=1000)`: a recipe's finished training. Do not change it: others get the same one.

    The books print losses alone here, so the metrics of every epoch, half of its time, are left out.
    """
    made: dict[Any, Training] = {}

    def train(recipe: str, **parameters: Any) -> Training:
        key = (recipe, *sorted(parameters.items()))
        if key not in made:
            made[key] = fit(replace(load(recipe).build(parameters), metrics=(), train_metrics=()))
        return made[key]

    return train
