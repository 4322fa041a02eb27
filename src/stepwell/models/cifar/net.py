"""The network of Stevens et al., chapter 8, for birds and airplanes, and what the chapter adds to it one by one."""

from collections import OrderedDict

from torch import nn

from stepwell.core.errors import ModelError


class Net(nn.Sequential):
    """Two convolutions with pooling and two linear layers: `(batch, 3, 32, 32)` to logits `(batch, classes)`.

    With its defaults it is the book's `Net` (row S8.2): 18,090 parameters, and a state dict that its weights file fits.
    `channels=32` is `NetWidth`; with `dropout=0.4` (whole channels, after each pooling) it is `NetDropout`, with
    `batchnorm=True` (before each of the first two activations) `NetBatchNorm`. Kernels have `kernel` pixels a side, an odd
    number, or `(rows, columns)`. Raises `ModelError` for kernels that would not keep the size.
    """

    def __init__(
        self,
        channels: int = 16,
        *,
        kernel: int | tuple[int, int] = 3,
        dropout: float = 0.0,
        batchnorm: bool = False,
        classes: int = 2,
    ) -> None:
        sides = (kernel, kernel) if isinstance(kernel, int) else kernel
        if any(side % 2 == 0 for side in sides):
            raise ModelError(f"A kernel of {kernel} pixels has no centre, so it cannot keep the size; give an odd one.")
        widths = (3, channels, channels // 2)
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        for number in (1, 2):
            before, after = widths[number - 1], widths[number]
            layers[f"conv{number}"] = nn.Conv2d(before, after, sides, padding=(sides[0] // 2, sides[1] // 2))
            if batchnorm:
                layers[f"conv{number}_batchnorm"] = nn.BatchNorm2d(after)
            layers[f"act{number}"] = nn.Tanh()
            layers[f"pool{number}"] = nn.MaxPool2d(2)
            if dropout:
                layers[f"conv{number}_dropout"] = nn.Dropout2d(dropout)
        layers |= OrderedDict(
            flatten=nn.Flatten(),
            fc1=nn.Linear(widths[-1] * 8 * 8, 32),
            act3=nn.Tanh(),
            fc2=nn.Linear(32, classes),
        )
        super().__init__(layers)
