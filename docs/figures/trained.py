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


@cache
def resumed(recipe: str, saved: int, epochs: int) -> Training:
    """A recipe's training that was saved after some epochs, and went on from the checkpoint in a model made anew."""
    first, second = (replace(load(recipe).build({"epochs": n}), metrics=(), train_metrics=()) for n in (saved, epochs))
    return fit(second, resume=fit(first).snapshot())


def losses(training: Training) -> dict[str, list[float]]:
    """The training and validation loss of each epoch, by name."""
    return scores(training, "loss")


def scores(training: Training, name: str) -> dict[str, list[float]]:
    """A number of training and of validation in each epoch, by name of the side."""
    sides = {"train": "train", "val": "validation"}
    history = training.history
    return {said: [line[side][name] for line in history] for side, said in sides.items() if side in history[0]}
