"""Reading images at other places than their pixels: the part that affine maps and perspectives share."""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

Padding = Literal["zeros", "border", "reflection"]
"""What lies beyond an image: zeros, its outermost pixels, or its mirror image."""


def resampled(
    images: Float[Tensor, "n c *spatial"], grid: Float[Tensor, "n *spatial d"], padding: Padding
) -> Float[Tensor, "n c *spatial"]:
    """The images read at the grid's places, linearly between the pixels: torch's `grid_sample`, pixels as areas."""
    return F.grid_sample(images, grid.to(images.dtype), mode="bilinear", padding_mode=padding, align_corners=False)


def centres(length: int, device: torch.device) -> Float[Tensor, " {length}"]:
    """Where the centres of pixels lie along an axis that goes from -1 to 1, as `grid_sample` counts; float32."""
    return ((2 * torch.arange(length, device=device) + 1).to(torch.float64) / length - 1).to(torch.float32)


def affine_grid(matrices: Float[Tensor, "n d d1"], size: tuple[int, ...]) -> Float[Tensor, "n *spatial d"]:
    """`torch.nn.functional.affine_grid` for 1 to 3 axes, in float32: the place in the image of each pixel of the result.

    torch's multiplies batches of matrices, whose last bits may depend on how many they are; sums of products do not.
    """
    axes, narrow = len(size), matrices.to(torch.float32)
    grid = narrow.new_empty(len(matrices), *size, axes)
    for axis in range(axes):
        weights = narrow[:, axis].view(-1, axes + 1, *[1] * axes)
        place = weights[:, axes]
        for number, length in enumerate(size):  # the last one alone makes a tensor as large as the grid
            along = centres(length, grid.device).view(-1, *[1] * (axes - 1 - number))
            term = weights[:, axes - 1 - number] * along
            place = torch.add(place, term, out=grid[..., axis]) if number == axes - 1 else place + term
    return grid
