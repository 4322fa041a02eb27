"""Handwritten digits."""

from typing import Annotated, Literal

from torch.optim import AdamW

from stepwell.core.devices import best_device, seeded
from stepwell.data.arrays import ArraySource
from stepwell.data.generators import digits as real_digits
from stepwell.data.splits import split_stratified
from stepwell.models import DigitNet
from stepwell.recipes.settings import check_settings
from stepwell.tasks import Multiclass
from stepwell.training.experiment import Experiment


def digits(
    *,
    channels: Annotated[int, "channels of the first convolution; the second has twice as many"] = 16,
    hidden: Annotated[int, "width of the hidden layer"] = 64,
    dropout: Annotated[float, "share of hidden numbers that a training step leaves out"] = 0.25,
    learning_rate: Annotated[float, "step size of AdamW"] = 3e-3,
    batch_size: Annotated[int, "rows of an update"] = 64,
    epochs: Annotated[int, "passes over the training rows"] = 20,
    precision: Annotated[Literal["fp32", "bf16"], "arithmetic of the forward pass"] = "fp32",
    workers: Annotated[int, "processes that prepare batches; 0: the training process does"] = 0,
    seed: Annotated[int, "decides the split, the initial weights, the order and the dropout"] = 0,
) -> Experiment:
    """Read handwritten digits: 1,797 real pictures of 8×8 pixels that come with scikit-learn, in ten classes.

    A small convolutional network, trained on four fifths of the rows and validated on the others, the classes in equal
    proportion on both sides.
    """
    check_settings(channels=channels, hidden=hidden, dropout=dropout, learning_rate=learning_rate)
    images, labels = real_digits()
    with seeded(seed):
        model = DigitNet(channels, hidden, dropout=dropout).to(best_device())
    return Experiment(
        data=split_stratified(labels, train=0.8, val=0.2, seed=seed).apply(ArraySource(images, labels)),
        model=model,
        task=Multiclass(classes=tuple("0123456789")),
        optimizer=AdamW(model.parameters(), lr=learning_rate),
        batch_size=batch_size,
        epochs=epochs,
        precision=precision,
        workers=workers,
        seed=seed,
    )
