"""A thermometer without units."""

from typing import Annotated, Literal

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, Optimizer

from stepwell.core.devices import seeded
from stepwell.data.arrays import ArraySource
from stepwell.data.generators import thermometer as readings
from stepwell.data.orders import Sequential
from stepwell.data.splits import Splits, split_fixed
from stepwell.models import Line, Quadratic, mlp
from stepwell.recipes.settings import check_settings
from stepwell.tasks import Regression
from stepwell.training.experiment import Experiment

ROWS: dict[str, tuple[list[int], list[int]]] = {
    "none": (list(range(11)), []),
    "chapter5": ([8, 0, 3, 6, 4, 1, 2, 5, 10], [9, 7]),
    "chapter6": ([0, 2, 3, 4, 5, 6, 8, 9, 10], [7, 1]),
}
"""The rows that train and validate: all of them, or as in the book's chapters. Chapter 6 prints its validation answers
alone; the order of its training rows is unknown."""

_OPTIMIZERS: dict[str, type[Optimizer]] = {"sgd": SGD, "adam": Adam}


def thermometer_data(scale: str = "tenth", split: str = "none") -> Splits:
    """The book's eleven readings `(n, 1)` and their degrees Celsius `(n, 1)`, float32.

    Readings are `raw`, a `tenth` (the book's way to a similar size of all gradients) or `standard`: less the mean of the
    training rows, over their deviation.
    """
    train, val = ROWS[split]
    unknown, celsius = (column.to(torch.float32) for column in readings())
    source = ArraySource(_scaled(unknown, scale, train), celsius)
    return split_fixed(train=train, val=val).apply(source) if val else Splits(train=source)


def _scaled(unknown: Tensor, scale: str, train: list[int]) -> Tensor:
    if scale == "standard":
        return (unknown - unknown[train].mean()) / unknown[train].std()
    return 0.1 * unknown if scale == "tenth" else unknown


def _model(kind: str, hidden: int) -> nn.Module:
    if kind == "tanh":
        return mlp((1, hidden, 1), activation=nn.Tanh, names=("hidden_linear", "hidden_activation", "output_linear"))
    if kind == "layer":
        return mlp((1, 1))
    return Line(b=0.0, w=1.0) if kind == "line" else Quadratic()


def thermometer(
    *,
    model: Annotated[
        Literal["line", "quadratic", "layer", "tanh"],
        "a line from w=1 and b=0, a parabola from w2=1, w1=1, b=0, a linear layer, or a hidden layer with tanh",
    ] = "line",
    hidden: Annotated[int, "width of the hidden layer"] = 8,
    scale: Annotated[Literal["raw", "tenth", "standard"], "size of the readings that the model sees"] = "tenth",
    split: Annotated[
        Literal["none", "chapter5", "chapter6"], "all rows train, or two validate, as in the book"
    ] = "none",
    optimizer: Annotated[Literal["sgd", "adam"], "plain gradient descent, or Adam"] = "sgd",
    learning_rate: Annotated[float, "its step size"] = 1e-2,
    epochs: Annotated[int, "updates, each from all training rows"] = 5000,
    seed: Annotated[int, "decides the initial weights of a layer"] = 0,
) -> Experiment:
    """Find what unit a thermometer shows, from eleven readings and their degrees Celsius (Stevens et al., chapters 5, 6).

    A batch is all rows, so an epoch's training loss is that before its one update. The line's truth is 5/9 a degree and
    -17.8.
    """
    check_settings(hidden=hidden, learning_rate=learning_rate)
    with seeded(seed):
        network = _model(model, hidden)
    return Experiment(
        data=thermometer_data(scale, split),
        model=network,
        task=Regression(names=("celsius",)),
        optimizer=_OPTIMIZERS[optimizer](network.parameters(), lr=learning_rate),  # type: ignore[call-arg]
        batch_size=len(ROWS[split][0]),
        order=Sequential(),
        epochs=epochs,
        seed=seed,
    )
