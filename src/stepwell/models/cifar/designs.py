"""The designs of Stevens et al. for CIFAR pictures: each a network, its learning rate and its weight decay, in one table."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from torch import nn

from stepwell.models.cifar.deeper import NetDepth, NetResDeep
from stepwell.models.cifar.net import Net
from stepwell.models.perceptron import mlp


@dataclass(frozen=True)
class Design:
    """How a design's network is made, `make(classes=…)` for `(batch, 3, 32, 32)`, and how the book trains it.

    `against` is the design that it is to be compared with, since the book changes more than one thing at a time: dropout
    and batch normalisation are added to the wide network. `parameters` is their number for two classes.
    """

    make: Callable[..., nn.Module]
    parameters: int
    learning_rate: float = 1e-2
    weight_decay: float = 0.0
    against: str | None = "base"


def flat(hidden: tuple[int, ...], *, classes: int = 2) -> nn.Sequential:
    """Linear layers with tanh between them on all 3,072 numbers of a picture (rows S7.4 to S7.6), to logits."""
    return nn.Sequential(nn.Flatten(), *mlp((3 * 32 * 32, *hidden, classes), activation=nn.Tanh))


DESIGNS: dict[str, Design] = {
    "base": Design(Net, 18_090, against=None),
    "width": Design(partial(Net, 32), 38_386),
    # The book adds 0.001 Σp² to the loss, whose gradient, 0.002 p, is what SGD calls a weight decay of 0.002.
    "l2": Design(Net, 18_090, weight_decay=2e-3),
    "dropout": Design(partial(Net, 32, dropout=0.4), 38_386, against="width"),
    "batchnorm": Design(partial(Net, 32, batchnorm=True), 38_482, against="width"),
    "depth": Design(NetDepth, 16_130),
    "residual": Design(partial(NetDepth, residual=True), 16_130, against="depth"),
    "deep": Design(NetResDeep, 994_530, learning_rate=3e-3, against="residual"),
    "flat": Design(partial(flat, (512,)), 1_574_402),
    "flat-deep": Design(partial(flat, (1024, 512, 128)), 3_737_474, against="flat"),
}
"""The eight designs of chapter 8 (rows S8.2 to S8.5), then the fully connected networks of chapter 7."""
