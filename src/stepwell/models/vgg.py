"""VGG: convolutions of 3 × 3 between poolings, 11 to 19 layers deep."""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from stepwell.models.initial import fan_out_
from stepwell.models.sizes import refuse_pictures

LEAST = 32
"""Pixels a side: each of the five poolings halves them."""

CHANNELS = (64, 128, 256, 512, 512)
DEPTHS: dict[str, tuple[int, ...]] = {
    "vgg11": (1, 1, 2, 2, 2),
    "vgg13": (2, 2, 2, 2, 2),
    "vgg16": (2, 2, 3, 3, 3),
    "vgg19": (2, 2, 4, 4, 4),
}
"""How many convolutions stand before each pooling; with three linear layers they give the name its number."""


class VGG(nn.Module):
    """`depths` convolutions before each of five poolings, then three linear layers: `(batch, in_channels, h, w)` to
    logits `(batch, classes)`.

    Made for 224 × 224 pixels; 32 or more will do. `hidden` is the width of the linear layers between. `batch_norm` puts a
    normalisation behind every convolution. Layer names, shapes and initialisation are torchvision's, so that its published
    weights load strictly; 138,357,544 parameters for `DEPTHS["vgg16"]` and 1000 classes. Simonyan and Zisserman, *Very deep
    convolutional networks for large-scale image recognition*, 2015. Raises `ModelError` for pictures that are too small.
    """

    def __init__(
        self,
        depths: Sequence[int] = DEPTHS["vgg16"],
        classes: int = 1000,
        in_channels: int = 3,
        *,
        batch_norm: bool = False,
        dropout: float = 0.5,
        hidden: int = 4096,
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.features = _features(depths, in_channels, batch_norm)
        self.avgpool = nn.AdaptiveAvgPool2d(7)
        self.classifier = nn.Sequential(
            nn.Linear(512 * 7 * 7, hidden),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(hidden, hidden),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(hidden, classes),
        )
        _initialise(self)

    def forward(self, images: Float[Tensor, "batch channels h w"]) -> Float[Tensor, "batch classes"]:
        """The logits."""
        try:
            found = self.features(images)
        except RuntimeError:
            refuse_pictures(images, "VGG", channels=self.in_channels, least=LEAST)
            raise
        logits: Tensor = self.classifier(self.avgpool(found).flatten(1))
        return logits


def _features(depths: Sequence[int], in_channels: int, batch_norm: bool) -> nn.Sequential:
    layers: list[nn.Module] = []
    for channels, depth in zip(CHANNELS, depths, strict=True):
        for _ in range(depth):
            layers.append(nn.Conv2d(in_channels, channels, kernel_size=3, padding=1))
            layers += [nn.BatchNorm2d(channels)] if batch_norm else []
            layers.append(nn.ReLU(inplace=True))
            in_channels = channels
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers)


def _initialise(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            fan_out_(module.weight)
        elif isinstance(module, nn.Linear) and not module.weight.is_meta:
            nn.init.normal_(module.weight, std=0.01)
        if isinstance(module, (nn.Conv2d, nn.Linear)) and module.bias is not None:
            nn.init.zeros_(module.bias)
