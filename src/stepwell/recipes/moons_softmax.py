"""Two half-moons, with one output a class."""

from typing import Annotated

import torch
from torch import nn
from torch.optim import SGD

from stepwell.core.devices import best_device, seeded
from stepwell.data.arrays import ArraySource
from stepwell.data.generators import moons as half_moons
from stepwell.data.orders import Sequential, Shuffled
from stepwell.data.splits import Splits
from stepwell.metrics import Accuracy, Confusion
from stepwell.models import mlp
from stepwell.recipes.settings import check_settings
from stepwell.tasks import Multiclass
from stepwell.training.experiment import Experiment


def softmax_moons_data(points: int = 8000, val_points: int = 200, noise: float = 0.4, seed: int = 0) -> Splits:
    """Raff's moons: inputs `(n, 2)` float32, labels `(n,)` int64; training and validation rows are drawn apart.

    Without `val_points` there is no validation.
    """
    return Splits(
        train=_source(points, noise, 2 * seed),
        val=_source(val_points, noise, 2 * seed + 1) if val_points else None,
    )


def _source(points: int, noise: float, seed: int) -> ArraySource:
    drawn = half_moons(points, noise, seed)
    return ArraySource(drawn.x.to(torch.float32), drawn.labels)


def moons_softmax(
    *,
    points: Annotated[int, "training points of both moons"] = 8000,
    val_points: Annotated[int, "validation points; 0: none"] = 200,
    noise: Annotated[float, "standard deviation of the points around their moon"] = 0.4,
    layers: Annotated[int, "hidden layers, with tanh; 0: a straight boundary"] = 2,
    hidden: Annotated[int, "width of a hidden layer"] = 30,
    learning_rate: Annotated[float, "step size of SGD"] = 1e-3,
    batch_size: Annotated[int, "rows of an update: 1 is slow, 32 is quick, 8000 makes 5 updates and hardly learns"] = 1,
    shuffle: Annotated[bool, "show the rows in another order each epoch"] = True,
    epochs: Annotated[int, "passes over the training rows"] = 5,
    seed: Annotated[int, "decides the points, the initial weights and the order"] = 0,
) -> Experiment:
    """Tell two half-moons apart by a network with one output a class, and see what the batch size does (Raff, chapter 2).

    Accuracy, precision, recall and F1 are kept of training and of validation. Smaller batches learn more an epoch, because
    they make more updates, and cost more time.
    """
    check_settings(points=points, noise=noise, learning_rate=learning_rate or 1)  # 0 leaves the weights as they are
    with seeded(seed):
        model = mlp((2, *[hidden] * layers, 2), activation=nn.Tanh).to(best_device())
    measures = (Accuracy(), Confusion(2))
    return Experiment(
        data=softmax_moons_data(points, val_points, noise, seed),
        model=model,
        task=Multiclass(classes=("upper", "lower")),
        optimizer=SGD(model.parameters(), lr=learning_rate),
        batch_size=batch_size,
        order=Shuffled() if shuffle else Sequential(),
        metrics=measures,
        train_metrics=measures,
        epochs=epochs,
        seed=seed,
    )
