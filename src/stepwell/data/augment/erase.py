"""Random erasing."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from stepwell.core.keys import Key
from stepwell.data.augment.operation import check_pair, check_range, check_spatial


@dataclass(frozen=True)
class Erase:
    """With the chance `p`, erase a box of each image: its pixels become `fill`, black at 0 and white at 1.

    The box's share of the area is drawn from `share`, its height over its width from `ratio`, with even chances of upright and
    lying ones; where it would be longer than the image, it is cut to that. Bytes stay bytes. Source: Zhong et al., *Random
    erasing data augmentation*, AAAI 2020.
    """

    p: float = 0.5
    share: tuple[float, float] = (0.02, 0.33)
    ratio: tuple[float, float] = (0.3, 3.3)
    fill: float = 0.0

    def __post_init__(self) -> None:
        check_range("An erasure's p", self.p, 0, 1)
        check_pair("An erased share", self.share, 0, 1)
        check_pair("An erased box's ratio", self.ratio, 0)

    def __call__(self, images: Tensor, rows: Tensor, key: Key) -> Tensor:
        """The images, about a share `p` of them with a box erased."""
        check_spatial("Erasing", images, (2,))
        height, width = images.shape[2:]
        drawn = key.uniform(rows, (5,)).to(torch.float64)
        chosen, share, ratio, down, across = drawn.unbind(1)
        area = (self.share[0] + share * (self.share[1] - self.share[0])) * (height * width)
        shape = torch.exp(math.log(self.ratio[0]) + ratio * math.log(self.ratio[1] / self.ratio[0]))
        inside = _inside(torch.sqrt(area * shape), down, height)[:, :, None]
        inside = inside & _inside(torch.sqrt(area / shape), across, width)[:, None, :]
        fill = round(255 * self.fill) if images.dtype == torch.uint8 else self.fill
        return images.masked_fill((inside & (chosen < self.p)[:, None, None])[:, None], fill)


def _inside(length: Tensor, drawn: Tensor, whole: int) -> Tensor:
    """Which places along an axis are in the box, `(n, whole)`."""
    taken = length.round().clamp(1, whole)
    start = torch.floor(drawn * (whole - taken + 1))[:, None]
    places = torch.arange(whole, device=length.device)
    return (places >= start) & (places < start + taken[:, None])
