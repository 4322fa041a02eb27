"""A straight line."""

from typing import Annotated, Literal

import torch
from torch import nn
from torch.optim import SGD

from stepwell.core.devices import seeded
from stepwell.core.errors import RecipeError
from stepwell.data.arrays import ArraySource
from stepwell.data.generators import line as noisy_line
from stepwell.data.splits import Split, Splits, split_fixed
from stepwell.models import Line, mlp
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


def line(
    *,
    learning_rate: Annotated[float, "step size of SGD"] = 0.1,
    batch_size: Annotated[int, "rows of an update; 80 is all of them"] = 16,
    epochs: Annotated[int, "passes over the training rows"] = 200,
    split: Annotated[Literal["numpy", "torch"], "the points that train: as in the book's chapter 1, or 2"] = "torch",
    parameters: Annotated[Literal["linear", "scalars"], "a layer, or two scalar parameters b and w"] = "linear",
    seed: Annotated[int, "decides the initial weights and the order"] = 42,
) -> Experiment:
    """Fit a straight line to 100 noisy points by gradient descent (Godoy, chapters 1 and 2)."""
    with seeded(seed):
        model: nn.Module = mlp((1, 1)) if parameters == "linear" else Line()
    return Experiment(
        data=line_data(split),
        model=model,
        task=Regression(names=("y",)),
        optimizer=SGD(model.parameters(), lr=learning_rate),
        batch_size=batch_size,
        epochs=epochs,
        seed=seed,
    )
