"""A network that takes pictures as they are, bytes, and normalises them itself."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from stepwell.core.errors import ModelError
from stepwell.core.trees import Tree


class FromPixels(nn.Module):
    """`net` behind `(x - mean) / std`, channel by channel: pictures `(batch, channels, h, w)`, bytes or floats 0 to 1, go in.

    So whoever holds the model, a server, an exported file or a picture of what it looks at, needs no numbers beside it.
    `mean` and `std`, one a channel and for values 0 to 1, are those of the training pictures. Raises `ModelError` for
    statistics that do not belong together and for a std of 0.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, net: nn.Module, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        if len(mean) != len(std) or not mean:
            raise ModelError(
                f"There are {len(mean)} means but {len(std)} standard deviations; give one each a channel."
            )
        if min(std) <= 0:
            raise ModelError(
                f"The standard deviations {tuple(std)} must be more than 0; a constant channel says nothing."
            )
        self.net = net
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32).view(-1, 1, 1))
        self.register_buffer("std", torch.tensor(std, dtype=torch.float32).view(-1, 1, 1))

    def normalised(self, pixels: Tensor) -> Tensor:
        """What the network is given: float32 `(batch, channels, h, w)`."""
        values = pixels / 255 if pixels.dtype == torch.uint8 else pixels
        return (values - self.mean) / self.std

    def forward(self, pixels: Tensor) -> Tree:
        """The network's outputs."""
        return self.net(self.normalised(pixels))
