"""Inception v3, with the side head that helps it train."""

from collections import OrderedDict

from jaxtyping import Float
from torch import Tensor, nn

from stepwell.models.inception_blocks import (
    BasicConv2d,
    InceptionA,
    InceptionB,
    InceptionC,
    InceptionD,
    InceptionE,
    SideHead,
)
from stepwell.models.sizes import refuse_pictures

LEAST = 75
"""Pixels a side in evaluation, and in training without the side head."""

LEAST_WITH_SIDE = 299
"""Pixels a side in training with the side head, whose 5 × 5 convolution stands on what a pooling has left of 17 × 17."""


TwoHeads = tuple[Tensor, Tensor]
"""The logits of the main head and of the side head, `(batch, classes)` each, as training has them."""


class Inception(nn.Module):
    """Inception v3: `(batch, in_channels, h, w)` to logits `(batch, classes)`, or to those and the side head's while training.

    Made for 299 × 299 pixels. `side_head=False` leaves the side head out; evaluation never runs it. Layer names, shapes and
    initialisation are torchvision's, so that its published weights load strictly; 27,161,264 parameters for 1000 classes
    with the side head, whose loss `stepwell.tasks.SideHeads` adds. The published weights want mean and std 0.5 for every
    channel. Szegedy et al., *Rethinking the Inception architecture for computer vision*, 2016; book row S7.3 (Godoy).
    Raises `ModelError` for pictures that are too small: 75 pixels a side are the least, 299 in training with the side head.
    """

    def __init__(
        self, classes: int = 1000, in_channels: int = 3, *, side_head: bool = True, dropout: float = 0.5
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.early = self._add(_early(in_channels))
        self.AuxLogits = SideHead(768, classes) if side_head else None
        self.late = self._add(_late())
        self.avgpool, self.dropout = nn.AdaptiveAvgPool2d(1), nn.Dropout(dropout)
        self.fc = nn.Linear(2048, classes)
        _initialise(self)

    def forward(self, images: Float[Tensor, "batch channels h w"]) -> Tensor | TwoHeads:
        """The logits, while training those of both heads."""
        two = self.training and self.AuxLogits is not None
        try:
            return self._both(images) if two else self._main(self._found(images, self.early))
        except RuntimeError:
            least = LEAST_WITH_SIDE if two else LEAST
            refuse_pictures(images, "Inception", channels=self.in_channels, least=least)
            raise

    def _add(self, layers: OrderedDict[str, nn.Module]) -> tuple[str, ...]:
        for name, layer in layers.items():
            self.add_module(name, layer)
        return tuple(layers)

    def _both(self, images: Tensor) -> TwoHeads:
        assert self.AuxLogits is not None
        found = self._found(images, self.early)
        side = self.AuxLogits(found)
        return self._main(found), side

    def _main(self, found: Tensor) -> Tensor:
        logits: Tensor = self.fc(self.dropout(self.avgpool(self._found(found, self.late))).flatten(1))
        return logits

    def _found(self, x: Tensor, names: tuple[str, ...]) -> Tensor:
        for name in names:
            x = self.get_submodule(name)(x)
        return x


def _early(in_channels: int) -> OrderedDict[str, nn.Module]:
    """From the picture to 768 channels of 17 × 17 places, for 299 × 299 pixels."""
    return OrderedDict(
        Conv2d_1a_3x3=BasicConv2d(in_channels, 32, 3, stride=2),
        Conv2d_2a_3x3=BasicConv2d(32, 32, 3),
        Conv2d_2b_3x3=BasicConv2d(32, 64, 3, padding=1),
        maxpool1=nn.MaxPool2d(kernel_size=3, stride=2),
        Conv2d_3b_1x1=BasicConv2d(64, 80, 1),
        Conv2d_4a_3x3=BasicConv2d(80, 192, 3),
        maxpool2=nn.MaxPool2d(kernel_size=3, stride=2),
        Mixed_5b=InceptionA(192, pooled=32),
        Mixed_5c=InceptionA(256, pooled=64),
        Mixed_5d=InceptionA(288, pooled=64),
        Mixed_6a=InceptionB(288),
        Mixed_6b=InceptionC(768, width=128),
        Mixed_6c=InceptionC(768, width=160),
        Mixed_6d=InceptionC(768, width=160),
        Mixed_6e=InceptionC(768, width=192),
    )


def _late() -> OrderedDict[str, nn.Module]:
    """From there to 2048 channels of 8 × 8 places."""
    return OrderedDict(Mixed_7a=InceptionD(768), Mixed_7b=InceptionE(1280), Mixed_7c=InceptionE(2048))


def _initialise(model: Inception) -> None:
    """Normal numbers of standard deviation 0.1, cut off at 2; the side head's last layer has 0.001."""
    for name, module in model.named_modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)) and not module.weight.is_meta:
            std = 0.001 if name == "AuxLogits.fc" else 0.1
            nn.init.trunc_normal_(module.weight, std=std, a=-2, b=2)
