"""Backbones: networks for pictures by name, as recipes offer them."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import nn

from stepwell.core.errors import ModelError, suggest
from stepwell.core.lazy import named
from stepwell.models.architectures import maker
from stepwell.models.inception import LEAST_WITH_SIDE, Inception


@dataclass(frozen=True, kw_only=True)
class Backbone:
    """A network for pictures, and which it takes.

    `least` and `usual` are pixels a side. `target` is the class, `module:name`, of one that takes pictures of `usual` pixels
    and one channel alone. `published` says whether `stepwell.data.weights` has weights for it, under the same name.
    """

    name: str
    summary: str
    least: int
    usual: int
    target: str | None = None
    published: bool = False

    def __call__(self, classes: int, channels: int = 3, size: int | None = None) -> nn.Module:
        """The network, before it learns, for pictures whose smaller side has `size` pixels (default: `usual`).

        It takes normalised floats `(batch, channels, h, w)` and gives logits `(batch, classes)`. Inception in training gives
        those of two heads, for `stepwell.tasks.SideHeads`, where the pictures are large enough for its side head (299); for
        smaller ones it has none.
        Raises `ModelError` for pictures that it cannot take.
        """
        size = self.usual if size is None else size
        self._check(channels, size)
        if self.target is not None:
            model: nn.Module = named(self.target)(classes)
            return model
        if self.name == "inception":
            return Inception(classes, channels, side_head=size >= LEAST_WITH_SIDE)
        return maker(self.name)(classes, channels)

    def _check(self, channels: int, size: int) -> None:
        if self.target is not None and (size, channels) != (self.usual, 1):
            raise ModelError(
                f"The backbone {self.name!r} takes pictures of {self.usual} × {self.usual} pixels and 1 channel alone, not"
                f" {size} × {size} and {channels}. Read them so (size {self.usual}, grey: --size {self.usual} --channels"
                f" grey){self._or_small(size)}."
            )
        if size < self.least:
            raise ModelError(
                f"The backbone {self.name!r} needs pictures of {self.least} pixels a side or more, not {size}. Read them"
                f" larger (--size {self.least} or more){self._or_small(size)}."
            )

    def _or_small(self, size: int) -> str:
        """The way out for pictures that `small` takes."""
        return ", or take the backbone 'small'" if self.name != "small" and size >= BACKBONES["small"].least else ""


def _published(name: str, summary: str, least: int, usual: int = 224) -> Backbone:
    return Backbone(name=name, summary=summary, least=least, usual=usual, published=True)


_ROWS = (
    Backbone(name="small", summary="230 thousand parameters: small pictures, a CPU, from scratch", least=8, usual=64),
    Backbone(
        name="lenet",
        summary="LeNet-5, 62 thousand parameters: grey pictures of 28 × 28",
        least=28,
        usual=28,
        target="stepwell.models.lenet:LeNet5",
    ),
    Backbone(
        name="convnet",
        summary="the PyTorch overview's, 300 thousand parameters: grey pictures of 28 × 28",
        least=28,
        usual=28,
        target="stepwell.models.convnet:ConvNet",
    ),
    _published("resnet18", "18 layers, 11.7 million parameters", 1),
    _published("resnet34", "34 layers, 21.8 million parameters", 1),
    _published("resnet50", "50 layers, 25.6 million parameters", 1),
    _published("resnet101", "101 layers, 44.5 million parameters", 1),
    _published("resnet152", "152 layers, 60.2 million parameters", 1),
    _published("alexnet", "8 layers, 61.1 million parameters", 63),
    _published("vgg16", "16 layers, 138 million parameters", 32),
    _published("inception", "Inception v3 with its side head, 27.2 million parameters", 75, usual=299),
)

BACKBONES: Mapping[str, Backbone] = {row.name: row for row in _ROWS}
"""Name → what makes the network: `BACKBONES["resnet18"](classes=3, channels=3, size=224)`."""


def backbone(name: str) -> Backbone:
    """The backbone of that name. Raises `ModelError`, with the nearest name, where there is none."""
    if name not in BACKBONES:
        raise ModelError(f"Unknown backbone {name!r}; known: {', '.join(BACKBONES)}.{suggest(name, BACKBONES)}")
    return BACKBONES[name]
