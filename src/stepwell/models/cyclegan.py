"""CycleGAN's generator, and two of them with their discriminators.

Zhu, Park, Isola, Efros, *Unpaired image-to-image translation using cycle-consistent adversarial networks* (ICCV 2017).
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from stepwell.models.discriminator import PatchDiscriminator

Images = Float[Tensor, "batch channels h w"]
_HALVINGS = 2


class ResNetGenerator(nn.Module):
    """A picture to a picture of another kind: `(batch, channels, h, w)` to the same, with values -1 to 1.

    Sides are rounded up to a multiple of 4, and are at least 8. Two convolutions halve it, `blocks` residual blocks work on
    it, two transposed convolutions double it; every convolution but the last is followed by instance normalisation. With
    its defaults it has 11,378,179 parameters, and the names of the file `horse2zebra_0.4.0.pth` of Stevens et al. (row
    S2.3); that file's network is shown pictures with values 0 to 1.
    """

    def __init__(self, channels: int = 3, width: int = 64, blocks: int = 9) -> None:
        super().__init__()
        widths = [width * 2**number for number in range(_HALVINGS + 1)]
        self.model = nn.Sequential(
            nn.ReflectionPad2d(3),
            *_normalised(nn.Conv2d(channels, width, 7)),
            *(layer for a, b in _pairs(widths) for layer in _normalised(nn.Conv2d(a, b, 3, stride=2, padding=1))),
            *(Block(widths[-1]) for _ in range(blocks)),
            *(layer for a, b in _pairs(widths[::-1]) for layer in _normalised(_doubling(a, b))),
            nn.ReflectionPad2d(3),
            nn.Conv2d(width, channels, 7),
            nn.Tanh(),
        )

    def forward(self, images: Images) -> Images:
        """The translated pictures."""
        translated: Tensor = self.model(images)
        return translated


class Block(nn.Module):
    """Two convolutions with instance normalisation, added to the input; the edges are mirrored, so the shape stays."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(
            nn.ReflectionPad2d(1),
            *_normalised(nn.Conv2d(width, width, 3)),
            nn.ReflectionPad2d(1),
            nn.Conv2d(width, width, 3),
            nn.InstanceNorm2d(width),
        )

    def forward(self, maps: Images) -> Images:
        """`maps` and what the block adds."""
        added: Tensor = self.conv_block(maps)
        return maps + added


class Made(NamedTuple):
    """What the generators make of pairs of pictures; all have values -1 to 1 and one shape.

    `real_a` and `real_b` went in. `fake_b` is the translation of `real_a`, `cycled_a` its way back; `same_a` is what the
    generator of kind a makes of `real_a`, which is of that kind already, where somebody asks.
    """

    real_a: Images
    real_b: Images
    fake_a: Images
    fake_b: Images
    cycled_a: Images
    cycled_b: Images
    same_a: Images | None = None
    same_b: Images | None = None


class CycleGAN(nn.Module):
    """Two generators, `a_to_b` and `b_to_a`, and a discriminator of the pictures of each kind, `judge_a` and `judge_b`.

    Pictures `(batch, channels, h, w)` are bytes or floats 0 to 1. `forward` gives how the game stands, `(batch, 10)`: for
    each pair the numbers that `FOOLED`, the generators', and `JUDGED`, the discriminators', name. They are least-squares
    losses of judgements (1 is real, 0 is made) and mean absolute differences of pictures. `identity=True` has the
    generators translate pictures of their own kind, too; else the two numbers about that are 0.
    """

    FOOLED = ("fool_a", "fool_b", "cycle_a", "cycle_b", "same_a", "same_b")
    JUDGED = ("real_a", "fake_a", "real_b", "fake_b")

    def __init__(
        self, channels: int = 3, width: int = 64, blocks: int = 9, layers: int = 3, *, identity: bool = False
    ) -> None:
        super().__init__()
        self.a_to_b, self.b_to_a = (ResNetGenerator(channels, width, blocks) for _ in range(2))
        self.judge_a, self.judge_b = (PatchDiscriminator(channels, width, layers) for _ in range(2))
        self.identity = identity

    @property
    def generators(self) -> list[nn.Parameter]:
        """The parameters of the two generators."""
        return [*self.a_to_b.parameters(), *self.b_to_a.parameters()]

    @property
    def discriminators(self) -> list[nn.Parameter]:
        """The parameters of the two discriminators."""
        return [*self.judge_a.parameters(), *self.judge_b.parameters()]

    def make(self, a: Tensor, b: Tensor) -> Made:
        """What the generators make of pictures of the two kinds."""
        a, b = _signed(a), _signed(b)
        fake_a, fake_b = self.b_to_a(b), self.a_to_b(a)
        cycled_a, cycled_b = self.b_to_a(fake_b), self.a_to_b(fake_a)
        same = (self.b_to_a(a), self.a_to_b(b)) if self.identity else (None, None)
        return Made(a, b, fake_a, fake_b, cycled_a, cycled_b, *same)

    def fooled(self, made: Made) -> Float[Tensor, "batch 6"]:
        """The generators' losses a pair, in the order of `FOOLED`; the discriminators only look."""
        differences = [
            real.new_zeros(len(real)) if other is None else _each((other - real).abs())
            for real, other in (
                (made.real_a, made.cycled_a),
                (made.real_b, made.cycled_b),
                (made.real_a, made.same_a),
                (made.real_b, made.same_b),
            )
        ]
        judged = _each((self.judge_a(made.fake_a) - 1) ** 2), _each((self.judge_b(made.fake_b) - 1) ** 2)
        return torch.stack([*judged, *differences], dim=1)

    def judged(self, made: Made) -> Float[Tensor, "batch 4"]:
        """The discriminators' losses a pair, in the order of `JUDGED`; no gradient reaches the generators."""
        losses = [
            _each((judge(pictures.detach()) - due) ** 2)
            for judge, real, fake in (
                (self.judge_a, made.real_a, made.fake_a),
                (self.judge_b, made.real_b, made.fake_b),
            )
            for pictures, due in ((real, 1.0), (fake, 0.0))
        ]
        return torch.stack(losses, dim=1)

    def forward(self, a: Tensor, b: Tensor) -> Float[Tensor, "batch 10"]:
        """How the game stands for each pair."""
        made = self.make(a, b)
        return torch.cat([self.fooled(made), self.judged(made)], dim=1)


def _signed(pixels: Tensor) -> Images:
    """Pixels as values -1 to 1, the range of what a tanh gives."""
    return 2 * (pixels / 255 if pixels.dtype == torch.uint8 else pixels) - 1


def _each(values: Tensor) -> Float[Tensor, " batch"]:
    """The mean of each row."""
    return values.flatten(1).mean(1)


def _pairs(widths: list[int]) -> list[tuple[int, int]]:
    return list(zip(widths, widths[1:], strict=False))


def _doubling(before: int, after: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(before, after, 3, stride=2, padding=1, output_padding=1)


def _normalised(convolution: nn.Conv2d | nn.ConvTranspose2d) -> tuple[nn.Module, ...]:
    return convolution, nn.InstanceNorm2d(convolution.out_channels), nn.ReLU()
