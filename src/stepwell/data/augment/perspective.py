"""Random views of a flat picture from aside."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from stepwell.core.keys import Key
from stepwell.data.augment.operation import check_range, check_spatial, floats, of_rows
from stepwell.data.augment.resample import Padding, centres, resampled


@dataclass(frozen=True)
class Perspective:
    """With the chance `p`, draw the corners of each image inwards, and the image with them as if it were seen from aside.

    Each corner moves along both axes by a share of half the image's side that is drawn from 0 to `distortion`. `padding` is
    what lies beyond the image. Bytes become float32 from 0 to 1. Source of the map: Heckbert, *Fundamentals of texture
    mapping and image warping*, 1989, section 2.2.3.
    """

    distortion: float = 0.5
    p: float = 0.5
    padding: Padding = "zeros"

    def __post_init__(self) -> None:
        check_range("A perspective's distortion", self.distortion, 0, 0.99)
        check_range("A perspective's p", self.p, 0, 1)

    def __call__(self, images: Tensor, rows: Tensor, key: Key) -> Tensor:
        """The images, about a share `p` of them seen from aside; floats of the same shape."""
        check_spatial("A perspective", images, (2,))
        values = floats(images)
        drawn = key.uniform(rows, (9,)).to(torch.float64)
        maps = to_square(self.corners(drawn[:, 1:].view(-1, 4, 2))).to(torch.float32)
        seen = resampled(values, _grid(maps, (images.shape[2], images.shape[3])), self.padding)
        return torch.where(of_rows(drawn[:, 0] < self.p, values), seen, values)

    def corners(self, drawn: Float64[Tensor, "n 4 2"]) -> Float64[Tensor, "n 4 2"]:
        """Where the corners come to lie, `(x, y)` in a unit square, for draws from 0 to 1: clockwise from the top left."""
        square = drawn.new_tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
        return square + (1 - 2 * square) * drawn * (self.distortion / 2)


def to_square(corners: Float64[Tensor, "n 4 2"]) -> Float64[Tensor, "n 3 3"]:
    """The projective maps that take four corners to those of the unit square, clockwise from the top left; up to a factor."""
    first, second, third, fourth = corners.unbind(1)
    right, left, odd = second - third, fourth - third, first - second + third - fourth
    area = _cross(right, left)
    g, h = _cross(odd, left) / area, _cross(right, odd) / area
    columns = second - first + g[:, None] * second, fourth - first + h[:, None] * fourth, first
    bottom = torch.stack([g, h, torch.ones_like(g)], 1)
    x, y = (torch.stack([column[:, axis] for column in columns], 1) for axis in (0, 1))
    # The inverse of the matrix with the rows x, y, bottom, times its determinant:
    return torch.stack([torch.linalg.cross(y, bottom), torch.linalg.cross(bottom, x), torch.linalg.cross(x, y)], 2)


def _grid(maps: Float[Tensor, "n 3 3"], size: tuple[int, int]) -> Float[Tensor, "n h w 2"]:
    """Where each pixel of the results lies in the images, from -1 to 1; float32."""
    down, across = ((centres(length, maps.device) + 1) / 2 for length in size)
    lines = [row[:, 1, None] * down + row[:, 2, None] for row in maps.unbind(1)]
    x, y, depth = (row[:, 0, None] * across for row in maps.unbind(1))
    shares = (depth[:, None, :] + lines[2][:, :, None]).reciprocal_()
    grid = maps.new_empty(len(maps), *size, 2)
    for axis, along in enumerate((x, y)):  # in place: whole grids are larger than a processor's cache
        torch.add(2 * along[:, None, :], 2 * lines[axis][:, :, None], out=grid[..., axis]).mul_(shares)
    return grid.sub_(1)


def _cross(a: Tensor, b: Tensor) -> Tensor:
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
