"""Two parabolas, and the spaces in which a line parts them."""

from collections import OrderedDict
from typing import Annotated, Literal

import torch
from torch import nn
from torch.optim import SGD, Adam

from stepwell.core.devices import seeded
from stepwell.data.arrays import ArraySource
from stepwell.data.generators import parabolas
from stepwell.data.splits import Splits
from stepwell.models.activations import ACTIVATIONS
from stepwell.recipes.settings import check_settings
from stepwell.tasks import Binary
from stepwell.training.experiment import Experiment


def _model(layers: str, activation: str) -> nn.Sequential:
    """Layers `hidden0`, `activation0`, `hidden1`, … and `output`, which gives the logit."""
    bend = ACTIVATIONS[activation]
    made: dict[str, list[tuple[str, nn.Module]]] = {
        "one": [("hidden0", nn.Linear(2, 2)), ("activation0", bend())],
        "two": [
            ("hidden0", nn.Linear(2, 2)),
            ("activation0", bend()),
            ("hidden1", nn.Linear(2, 2)),
            ("activation1", bend()),
        ],
        "wide": [("hidden0", nn.Linear(2, 10)), ("activation0", bend()), ("hidden1", nn.Linear(10, 2))],
    }
    return nn.Sequential(OrderedDict([*made[layers], ("output", nn.Linear(2, 1))]))


def feature_space(
    *,
    layers: Annotated[
        Literal["one", "two", "wide"], "hidden layers: 2 units; 2 and 2; 10, and 2 without an activation"
    ] = "one",
    activation: Annotated[Literal["sigmoid", "tanh", "relu", "prelu"], "what bends the space"] = "sigmoid",
    optimizer: Annotated[Literal["adam", "sgd"], "who makes the updates"] = "adam",
    learning_rate: Annotated[float, "step size"] = 0.1,
    batch_size: Annotated[int, "rows of an update"] = 500,
    epochs: Annotated[int, "passes over the points"] = 160,
    points: Annotated[int, "points of both parabolas, all of which train"] = 2000,
    seed: Annotated[int, "decides the initial weights and the order"] = 2,
) -> Experiment:
    """Part two parabolas with a layer that moves them to where a straight line does (Godoy, bonus chapter).

    `insight.features` shows the points before and after each layer. The book prints neither optimizer, step size nor batch
    size; two units that start badly stay so, so some seeds end below 100 % (row S24).
    """
    check_settings(points=points, learning_rate=learning_rate)
    data = parabolas(points)
    with seeded(seed):
        model = _model(layers, activation)
    made = (Adam if optimizer == "adam" else SGD)(model.parameters(), lr=learning_rate)
    return Experiment(
        data=Splits(train=ArraySource(data.x.to(torch.float32), data.labels.float().unsqueeze(1))),
        model=model,
        task=Binary(classes=("upper", "lower")),
        optimizer=made,
        batch_size=batch_size,
        epochs=epochs,
        seed=seed,
    )
