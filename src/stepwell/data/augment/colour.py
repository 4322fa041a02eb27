"""Operations that change how bright and how coloured pixels are, and where they stay: jitter and noise."""

import math
from dataclasses import dataclass
from functools import cache

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from stepwell.core.errors import DataError
from stepwell.core.keys import Key
from stepwell.data.augment.operation import check_range, floats, of_rows

_SLAB = 8192
LUMA = (0.299, 0.587, 0.114)
"""How bright red, green and blue look: ITU-R recommendation BT.601, as in Pillow's greys."""


@dataclass(frozen=True)
class Jitter:
    """Change brightness, contrast, saturation and hue of each image by amounts of its own.

    `brightness=0.4` draws a factor from 0.6 to 1.4, and so do `contrast`, about the image's mean grey, and `saturation`, about
    each pixel's grey. `hue` draws a turn of the colours, at most that share of a full circle to either side, which keeps
    each pixel's grey (the rotation of the YIQ colour space). They act in this order, as one linear map of each pixel's
    channels whose results are cut to 0 to 1 at the end. Grey images, of one channel, have no saturation and no hue. Bytes
    become float32 from 0 to 1. Raises `DataError` for images of neither 1 nor 3 channels.
    """

    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0

    def __post_init__(self) -> None:
        for what, high in (("brightness", math.inf), ("contrast", math.inf), ("saturation", math.inf), ("hue", 0.5)):
            check_range(f"A jitter's {what}", getattr(self, what), 0, high)

    def __call__(self, images: Tensor, rows: Tensor, key: Key) -> Tensor:
        """The images in other colours; floats of the same shape, from 0 to 1."""
        if images.shape[1] not in (1, 3):
            raise DataError(f"A jitter of colours takes images of 1 or 3 channels; these have {images.shape[1]}.")
        values = floats(images)
        weights, constant = self.maps(key.uniform(rows, (4,)).to(torch.float64), values)
        return _mixed(values, weights.to(values.dtype), constant.to(values.dtype)).clamp_(0, 1)

    def maps(
        self, drawn: Float64[Tensor, "n 4"], images: Tensor
    ) -> tuple[Float64[Tensor, "n c c"], Float64[Tensor, " n"]]:
        """For draws from 0 to 1, the matrices of the channels and what is added to all of them."""
        brightness, contrast, saturation = self._factors(drawn[:, :3])
        luma = drawn.new_tensor(LUMA if images.shape[1] == 3 else (1.0,))
        both = (contrast * brightness)[:, None, None]
        constant = (1 - contrast) * brightness * (_means(images) * luma).sum(1)
        if len(luma) == 1:
            return both, constant
        angle = (2 * drawn[:, 3] - 1) * (2 * math.pi * self.hue)
        cos, sin = torch.cos(angle)[:, None, None], torch.sin(angle)[:, None, None]
        grey = luma.expand(3, 3)
        chroma = (torch.eye(3).to(grey) - grey) * cos + drawn.new_tensor(_quarter_turn()) * sin
        return both * (grey + saturation[:, None, None] * chroma), constant

    def _factors(self, drawn: Tensor) -> tuple[Tensor, ...]:
        most = drawn.new_tensor([self.brightness, self.contrast, self.saturation])
        low, high = (1 - most).clamp(min=0), 1 + most
        return (low + drawn * (high - low)).unbind(1)


@dataclass(frozen=True)
class AddNoise:
    """Add normal noise of the standard deviation `std` to every pixel, which is from 0 to 1; the results are not cut.

    For inputs that are no images, there is `stepwell.data.Noise`. Each number is one of the 65,536 quantiles of the normal
    distribution, from -4.3 to 4.3: exact on every device, and 3 times as fast as a logarithm and a cosine. Bytes become
    float32 from 0 to 1.
    """

    std: float = 0.05

    def __post_init__(self) -> None:
        check_range("The std of noise", self.std, 0)

    def __call__(self, images: Tensor, rows: Tensor, key: Key) -> Tensor:
        """The images with noise; floats of the same shape."""
        values = floats(images)
        noisy = values.flatten(1).clone()
        quantiles = _quantiles().to(values) * self.std
        for slab, part in enumerate(
            torch.split(noisy, _SLAB, dim=1)
        ):  # so many at a time as stay in a processor's cache
            words = key(slab).words(rows, (part.shape[1] + 1) // 2)
            places = torch.stack([words & 0xFFFF, words >> 16], dim=2).flatten(1)[:, : part.shape[1]]
            part += quantiles[places]
        return noisy.view_as(values)


def _mixed(images: Tensor, weights: Tensor, constant: Tensor) -> Tensor:
    """`weights @ pixel + constant`, as sums of products: a batch of matrix products may differ in its last bits by size."""
    mixed: Tensor = images[:, :1] * weights[:, :, 0, None, None]
    term = torch.empty_like(mixed) if images.shape[1] > 1 else mixed
    for channel in range(1, images.shape[1]):
        mixed += torch.mul(images[:, channel : channel + 1], weights[:, :, channel, None, None], out=term)
    mixed += of_rows(constant, mixed)
    return mixed


def _means(images: Float[Tensor, "n c *spatial"]) -> Float64[Tensor, "n c"]:
    """The mean of each channel. Lines are added up first: on a CPU, their sums are the same in batches of any size."""
    narrow = images.dtype if images.device.type == "cpu" else torch.float64
    lines = images.sum(-1, dtype=narrow).to(torch.float64)
    return lines.flatten(2).sum(2) / math.prod(images.shape[2:])


@cache
def _quantiles() -> Float[Tensor, "65536"]:
    """The normal distribution's quantiles of (k + 1/2) / 65536."""
    quantiles: Tensor = torch.special.ndtri((torch.arange(65536, dtype=torch.float64) + 0.5) / 65536)
    return quantiles


@cache
def _quarter_turn() -> list[list[float]]:
    """The matrix of red, green and blue that turns hues by a quarter of a circle and takes greys to black."""
    yiq = torch.tensor([LUMA, (0.596, -0.274, -0.322), (0.211, -0.523, 0.312)], dtype=torch.float64)
    turn = torch.tensor([[0, 0, 0], [0, 0, -1], [0, 1, 0]], dtype=torch.float64)
    matrix: list[list[float]] = (torch.linalg.inv(yiq) @ turn @ yiq).tolist()
    return matrix
