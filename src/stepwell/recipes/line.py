"""A straight line."""

from typing import Annotated, Literal

import numpy as np
import torch
from torch import nn
from torch.optim import SGD

from stepwell.core.devices import seeded
from stepwell.core.errors import RecipeError
from stepwell.data.arrays import ArraySource
from stepwell.data.generators import line as noisy_line
from stepwell.data.orders import Order, Sequential, Shuffled, TorchShuffled
from stepwell.data.splits import Split, Splits, split_fixed
from stepwell.models import Line, mlp
from stepwell.recipes.settings import check_settings
from stepwell.tasks import Regression
from stepwell.training.experiment import Experiment


def line_data(split: str = "torch", dtype: torch.dtype = torch.float32) -> Splits:
    """Godoy's 100 points of y = 1 + 2x + noise, inputs and targets `(n, 1)`.

    `numpy` is the split of the book's chapter 1, `torch` that of its chapter 2 (`random_split` at seed 13).
    """
    points = noisy_line()
    source = ArraySource(points.x.to(dtype), points.y.to(dtype))
    return _split(split, points.train, points.val).apply(source)


def _split(name: str, train: torch.Tensor, val: torch.Tensor) -> Split:
    if name == "numpy":
        return split_fixed(train=train, val=val)
    if name != "torch":
        raise RecipeError(f"The line has the splits numpy and torch, not {name!r}.")
    mixed = torch.randperm(100, generator=torch.Generator().manual_seed(13))
    return split_fixed(train=mixed[:80], val=mixed[80:])


def _model(parameters: str, seed: int) -> nn.Module:
    if parameters == "numpy":
        b, w = np.random.RandomState(seed).randn(2)
        return Line(b, w, dtype=torch.float64)
    with seeded(seed):
        return mlp((1, 1)) if parameters == "linear" else Line()


def _order(name: str, batch_size: int, data: Splits, seed: int) -> Order:
    if name == "torch":
        return TorchShuffled(seed)
    # A batch of all rows has one order, so that sums are rounded alike in every epoch.
    return Shuffled() if batch_size < len(data.train) else Sequential()


def line(
    *,
    learning_rate: Annotated[float, "step size of SGD"] = 0.1,
    batch_size: Annotated[int, "rows of an update; 80 is all of them"] = 16,
    epochs: Annotated[int, "passes over the training rows"] = 200,
    split: Annotated[Literal["numpy", "torch"], "the points that train: as in the book's chapter 1, or 2"] = "torch",
    parameters: Annotated[
        Literal["linear", "scalars", "numpy"],
        "a layer, two scalar parameters b and w, or these in float64 and drawn by NumPy",
    ] = "linear",
    order: Annotated[Literal["keyed", "torch"], "whose shuffle: Stepwell's, or the book's DataLoader's"] = "keyed",
    seed: Annotated[int, "decides the initial weights and the order"] = 42,
) -> Experiment:
    """Fit a straight line to 100 noisy points by gradient descent (Godoy, chapters 1 and 2)."""
    check_settings(learning_rate=learning_rate)
    model = _model(parameters, seed)
    data = line_data(split, next(model.parameters()).dtype)
    return Experiment(
        data=data,
        model=model,
        task=Regression(names=("y",)),
        optimizer=SGD(model.parameters(), lr=learning_rate),
        batch_size=batch_size,
        epochs=epochs,
        order=_order(order, batch_size, data, seed),
        seed=seed,
    )
