"""A small network for small pictures."""

from jaxtyping import Float
from torch import Tensor, nn

from stepwell.models.initial import fan_out_
from stepwell.models.sizes import refuse_pictures

LEAST = 8
"""Pixels a side: each of the three poolings halves them."""


class SmallNet(nn.Module):
    """Four convolutions of 3 × 3 with normalisation, three poolings, a mean over all places, a linear layer:
    `(batch, in_channels, h, w)` to logits `(batch, classes)`.

    For pictures of 28 to 64 pixels a side, on a CPU, from scratch; it takes any of 8 or more. `width` is the channels of
    the first convolution; the others have 4, 8 and 8 times as many: 232,794 parameters for 16, 10 classes and 3 channels.
    It pools before it normalises, which finds the same maxima and leaves a quarter of the places to normalise: with few
    channels where places are many, a step takes 0.4 of the time. Raises `ModelError` for pictures that are too small.
    """

    def __init__(self, classes: int = 10, in_channels: int = 3, width: int = 16, dropout: float = 0.0) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.features = nn.Sequential(
            *_layer(in_channels, width, pooled=True),
            *_layer(width, 4 * width, pooled=True),
            *_layer(4 * width, 8 * width, pooled=True),
            *_layer(8 * width, 8 * width, pooled=False),
        )
        self.avgpool, self.dropout = nn.AdaptiveAvgPool2d(1), nn.Dropout(dropout)
        self.fc = nn.Linear(8 * width, classes)

    def forward(self, images: Float[Tensor, "batch channels h w"]) -> Float[Tensor, "batch classes"]:
        """The logits."""
        try:
            found = self.features(images)
        except RuntimeError:
            refuse_pictures(images, "SmallNet", channels=self.in_channels, least=LEAST)
            raise
        logits: Tensor = self.fc(self.dropout(self.avgpool(found).flatten(1)))
        return logits


def _layer(inputs: int, outputs: int, *, pooled: bool) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(inputs, outputs, kernel_size=3, padding=1, bias=False)
    fan_out_(convolution.weight)
    rest = (nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))
    return (convolution, nn.MaxPool2d(2), *rest) if pooled else (convolution, *rest)
