"""The network of Godoy, chapter 5, that tells lines in small pictures apart."""

from collections import OrderedDict

from torch import nn


class LineNet(nn.Sequential):
    """One filter, a pooling, a hidden layer: `(batch, 1, size, size)` to logits `(batch, classes)`.

    With its defaults it is the book's `cnn1` (row S28): pictures of 10×10 pixels, three classes, 213 parameters. The
    layers' names are the book's, so that its chapter on looking inside reads on here.
    """

    def __init__(self, size: int = 10, classes: int = 3) -> None:
        pooled = (size - 2) // 2
        super().__init__(
            OrderedDict(
                conv1=nn.Conv2d(1, 1, kernel_size=3),
                relu1=nn.ReLU(),
                maxp1=nn.MaxPool2d(2),
                flatten=nn.Flatten(),
                fc1=nn.Linear(pooled * pooled, 10),
                relu2=nn.ReLU(),
                fc2=nn.Linear(10, classes),
            )
        )
