"""LeNet-5, as Godoy modernises it (chapter 5, row S26)."""

from collections import OrderedDict

from torch import nn


class LeNet5(nn.Sequential):
    """Three convolutions and two linear layers: `(batch, 1, 28, 28)` to logits `(batch, classes)`; 61,706 parameters for 10.

    LeCun, Bottou, Bengio, Haffner, *Gradient-based learning applied to document recognition* (1998), with ReLU, max-pooling
    and logits in place of what was usual then. The layers' names are the book's, but for the activations: its code gives
    two of them one name, so the second replaces the first and the last convolution has none. Here each has its own.
    """

    def __init__(self, classes: int = 10) -> None:
        super().__init__(OrderedDict(featurizer=_featurizer(), classifier=_classifier(classes)))


def _featurizer() -> nn.Sequential:
    """`(batch, 1, 28, 28)` to `(batch, 120)`."""
    return nn.Sequential(
        OrderedDict(
            c1=nn.Conv2d(1, 6, kernel_size=5, padding=2),  # 6@28×28
            func1=nn.ReLU(),
            s2=nn.MaxPool2d(2),  # 6@14×14
            c3=nn.Conv2d(6, 16, kernel_size=5),  # 16@10×10
            func2=nn.ReLU(),
            s4=nn.MaxPool2d(2),  # 16@5×5
            c5=nn.Conv2d(16, 120, kernel_size=5),  # 120@1×1
            func3=nn.ReLU(),
            flatten=nn.Flatten(),
        )
    )


def _classifier(classes: int) -> nn.Sequential:
    """`(batch, 120)` to logits."""
    return nn.Sequential(OrderedDict(f6=nn.Linear(120, 84), func4=nn.ReLU(), output=nn.Linear(84, classes)))
