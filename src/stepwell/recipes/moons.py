"""Two half-moons."""

from typing import Annotated, Literal

import numpy as np
import torch
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch.optim import SGD

from stepwell.core.devices import seeded
from stepwell.data.arrays import ArraySource
from stepwell.data.generators import moons as half_moons
from stepwell.data.orders import Shuffled, TorchShuffled
from stepwell.data.splits import Splits, split_fixed
from stepwell.models import mlp
from stepwell.recipes.settings import check_settings
from stepwell.tasks import Binary
from stepwell.training.experiment import Experiment


def moons_data(points: int = 100, noise: float = 0.3) -> Splits:
    """Godoy's moons: float inputs `(n, 2)`, scaled by the training rows' mean and deviation, and targets `(n, 1)`.

    scikit-learn's split with `random_state=13` gives 80 training and 20 validation rows (Step-by-Step S15).
    """
    x, labels = half_moons(points, noise, seed=0)
    train, val = train_test_split(np.arange(points), test_size=0.2, random_state=13)
    scaled = StandardScaler().fit(x.numpy()[train]).transform(x.numpy())
    source = ArraySource(torch.as_tensor(scaled, dtype=torch.float32), labels.float().unsqueeze(1))
    return split_fixed(train=torch.as_tensor(train), val=torch.as_tensor(val)).apply(source)


def moons(
    *,
    points: Annotated[int, "points of both moons"] = 100,
    noise: Annotated[float, "standard deviation of the points around their moon"] = 0.3,
    hidden: Annotated[int, "width of a hidden layer; 0: a straight boundary, as in the book"] = 0,
    learning_rate: Annotated[float, "step size of SGD"] = 0.1,
    batch_size: Annotated[int, "rows of an update"] = 16,
    epochs: Annotated[int, "passes over the training rows"] = 100,
    order: Annotated[Literal["keyed", "torch"], "whose shuffle: Stepwell's, or the book's DataLoader's"] = "keyed",
    seed: Annotated[int, "decides the initial weights and the order"] = 42,
) -> Experiment:
    """Tell two interleaved half-moons apart by logistic regression (Godoy, chapter 3).

    A linear model of two inputs gives logits; with `hidden`, a small network bends the boundary.
    """
    check_settings(points=points, noise=noise, learning_rate=learning_rate)
    with seeded(seed):
        model = mlp((2, hidden, 1) if hidden else (2, 1))
    return Experiment(
        data=moons_data(points, noise),
        model=model,
        task=Binary(classes=("upper", "lower")),
        optimizer=SGD(model.parameters(), lr=learning_rate),
        batch_size=batch_size,
        epochs=epochs,
        order=TorchShuffled(seed) if order == "torch" else Shuffled(),
        seed=seed,
    )
