"""AlexNet, in the form in which its weights are published."""

from jaxtyping import Float
from torch import Tensor, nn

from stepwell.models.sizes import refuse_pictures

LEAST = 63
"""Pixels a side: below that nothing is left after the last pooling."""


class AlexNet(nn.Module):
    """Five convolutions and three linear layers: `(batch, in_channels, h, w)` to logits `(batch, classes)`.

    Made for 224 × 224 pixels; 63 or more will do. `hidden` is the width of the linear layers between. The version of one
    tower (Krizhevsky, *One weird trick for parallelizing convolutional neural networks*, 2014), with torchvision's layer
    names and shapes, so that its published weights load strictly; 61,100,840 parameters for 1000 classes of 3 channels. Book
    rows S2.1 (Stevens), S7.1 (Godoy). Raises `ModelError` for pictures that are too small.
    """

    def __init__(self, classes: int = 1000, in_channels: int = 3, dropout: float = 0.5, hidden: int = 4096) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.features = _features(in_channels)
        self.avgpool = nn.AdaptiveAvgPool2d(6)
        self.classifier = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(256 * 6 * 6, hidden),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(hidden, hidden),
            nn.ReLU(inplace=True),
            nn.Linear(hidden, classes),
        )

    def forward(self, images: Float[Tensor, "batch channels h w"]) -> Float[Tensor, "batch classes"]:
        """The logits."""
        try:
            found = self.features(images)
        except RuntimeError:
            refuse_pictures(images, "AlexNet", channels=self.in_channels, least=LEAST)
            raise
        logits: Tensor = self.classifier(self.avgpool(found).flatten(1))
        return logits


def _features(in_channels: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    # channels, kernel, stride, padding, and whether a pooling follows
    for channels, kernel, stride, padding, pooled in (
        (64, 11, 4, 2, True),
        (192, 5, 1, 2, True),
        (384, 3, 1, 1, False),
        (256, 3, 1, 1, False),
        (256, 3, 1, 1, True),
    ):
        layers += [nn.Conv2d(in_channels, channels, kernel, stride, padding), nn.ReLU(inplace=True)]
        layers += [nn.MaxPool2d(kernel_size=3, stride=2)] if pooled else []
        in_channels = channels
    return nn.Sequential(*layers)
