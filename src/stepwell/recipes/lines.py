"""Lines in small pictures."""

from typing import Annotated, Literal

import torch
from torch import Tensor
from torch.optim import SGD

from stepwell.core.devices import best_device, seeded
from stepwell.data.arrays import ArraySource
from stepwell.data.lines import LINE_CLASSES, line_images
from stepwell.data.orders import Order, TorchWeighted, Weighted
from stepwell.data.splits import Splits, split_fixed
from stepwell.models import FromPixels, LineNet
from stepwell.recipes.settings import check_settings
from stepwell.tasks import Multiclass
from stepwell.training.experiment import Experiment


def lines_data() -> tuple[Splits, Tensor]:
    """Godoy's 1,000 pictures of 10×10 pixels in three classes, bytes `(n, 1, 10, 10)`; 800 train and 200 validate (row S28).

    With them come the labels of the training rows, int64 `(800,)`. There are 55 different pictures, so every one that
    validates is among those that train, too.
    """
    pictures = line_images(10, 1000, binary=False, seed=17)
    mixed = torch.randperm(1000, generator=torch.Generator().manual_seed(13))
    data = split_fixed(train=mixed[:800], val=mixed[800:]).apply(ArraySource(pictures.images, pictures.labels))
    return data, pictures.labels[mixed[:800]]


def _order(name: str, labels: Tensor, seed: int) -> Order:
    """Rows drawn with replacement, each class as often as the others."""
    weights = (1.0 / labels.bincount().float())[labels]
    return TorchWeighted(weights, seed) if name == "torch" else Weighted(weights)


def lines(
    *,
    learning_rate: Annotated[float, "step size of SGD"] = 0.1,
    batch_size: Annotated[int, "rows of an update"] = 16,
    epochs: Annotated[int, "passes over the training rows"] = 20,
    order: Annotated[
        Literal["torch", "keyed"], "whose draws balance the classes: the book's sampler's, or ours"
    ] = "torch",
    model_seed: Annotated[int, "decides the initial weights; of one filter and ten units, much hangs on them"] = 13,
    seed: Annotated[int, "decides the order"] = 42,
) -> Experiment:
    """Tell lines in pictures of 10×10 pixels apart: straight, rising or falling (Godoy, chapter 5).

    One filter, ten hidden units, 213 parameters; few enough to look at what each of them does. Of the book's 1,000 pictures
    55 are different, so each that validates is among those that train, too: the warning about that is true, and nothing to
    mend.
    """
    check_settings(learning_rate=learning_rate)
    data, labels = lines_data()
    with seeded(model_seed):
        model = FromPixels(LineNet(), mean=(0.5,), std=(0.5,)).to(best_device())
    return Experiment(
        data=data,
        model=model,
        task=Multiclass(classes=LINE_CLASSES),
        optimizer=SGD(model.parameters(), lr=learning_rate),
        batch_size=batch_size,
        epochs=epochs,
        order=_order(order, labels, seed),
        seed=seed,
    )
