"""A discriminator that judges patches of a picture, PatchGAN."""

from jaxtyping import Float
from torch import Tensor, nn


class PatchDiscriminator(nn.Module):
    """How real each patch of a picture looks: `(batch, channels, h, w)` to `(batch, 1, rows, columns)`, no sigmoid.

    Every output sees a square of the picture, of 16, 34, 70 or 142 pixels for 1 to 4 `layers`; with 3 it is the 70×70
    PatchGAN of Zhu et al. (2017): 4×4 convolutions of stride 2 with twice the width each, leaky ReLU, instance
    normalisation in all but the first, and two of stride 1 at the end. 2,764,737 parameters with the defaults.
    """

    def __init__(self, channels: int = 3, width: int = 64, layers: int = 3) -> None:
        super().__init__()
        widths = [width * min(2**number, 8) for number in range(layers + 1)]
        parts: list[nn.Module] = [nn.Conv2d(channels, width, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        for number in range(1, layers + 1):
            stride = 2 if number < layers else 1
            parts += [
                nn.Conv2d(widths[number - 1], widths[number], 4, stride=stride, padding=1),
                nn.InstanceNorm2d(widths[number]),
                nn.LeakyReLU(0.2),
            ]
        self.model = nn.Sequential(*parts, nn.Conv2d(widths[-1], 1, 4, padding=1))

    def forward(self, images: Float[Tensor, "batch channels h w"]) -> Float[Tensor, "batch 1 rows columns"]:
        """A number a patch; the losses decide what is real."""
        judged: Tensor = self.model(images)
        return judged
