"""Statistics of pictures, as the books take them: the mean of what each picture's own mean and deviation are."""

from dataclasses import dataclass

import torch
from jaxtyping import Float64
from torch import Tensor

from stepwell.core.errors import DataError

_AT_ONCE = 256


@dataclass(frozen=True, eq=False)
class ImageStatistics:
    """Of `count` pictures, by channel, float64: the sums of their means and the sums of their standard deviations.

    Sums of several sets add up. `std` is not the deviation over all pixels (`channel_statistics` gives that), but less: it
    leaves out how pictures differ from each other. Source: Godoy, volume I, chapter 6 (book row S30), whose figures it makes.
    """

    count: int
    means: Float64[Tensor, " c"]
    stds: Float64[Tensor, " c"]

    def __add__(self, other: "ImageStatistics") -> "ImageStatistics":
        return ImageStatistics(self.count + other.count, self.means + other.means, self.stds + other.stds)

    @property
    def mean(self) -> Float64[Tensor, " c"]:
        """The mean of the pictures' means, which for pictures of one size is that over all pixels."""
        return self.means / self.count

    @property
    def std(self) -> Float64[Tensor, " c"]:
        """The mean of the pictures' standard deviations (n - 1)."""
        return self.stds / self.count


def image_statistics(pictures: Tensor) -> ImageStatistics:
    """The statistics of pictures (n, c, h, w); bytes are taken as 0 to 1, floats as they are.

    Raises `DataError` for another shape and for pictures of a single pixel.
    """
    if pictures.ndim != 4 or not len(pictures) or pictures[0, 0].numel() < 2:
        raise DataError(
            f"Statistics are of pictures (n, channels, height, width) of 2 or more pixels, but got {tuple(pictures.shape)}."
        )
    scale = 255 if pictures.dtype == torch.uint8 else 1
    means = torch.zeros(pictures.shape[1], dtype=torch.float64)
    stds = torch.zeros_like(means)
    for block in pictures.split(_AT_ONCE):  # type: ignore[no-untyped-call]
        values = block.cpu().double().flatten(2) / scale
        means += values.mean(2).sum(0)
        stds += values.std(2).sum(0)
    return ImageStatistics(len(pictures), means, stds)
