"""Trainings and data that several figures look at, each made once."""

from dataclasses import replace
from functools import cache
from typing import Any

from stepwell import Training, fit
from stepwell.recipes.recipe import load


@cache
def trained(recipe: str, metrics: bool = False, **parameters: Any) -> Training:
    """A recipe's finished training. Without `metrics` only losses are kept, which is quicker."""
    experiment = load(recipe).build(parameters)
    return fit(experiment if metrics else replace(experiment, metrics=(), train_metrics=()))


def losses(training: Training) -> dict[str, list[float]]:
    """The training and validation loss of each epoch, by name."""
    sides = {"train": "train", "val": "validation"}
    return {
        name: [line[side]["loss"] for line in training.history]
        for side, name in sides.items()
        if side in training.history[0]
    }
