"""Random affine maps of images and volumes: one resampling for rotation, shift, scale and shear together."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import torch
from jaxtyping import Float64
from torch import Tensor

from stepwell.core.errors import DataError
from stepwell.core.keys import Key
from stepwell.data.augment.operation import check_pair, check_range, check_spatial, floats
from stepwell.data.augment.resample import Padding, affine_grid, resampled


@dataclass(frozen=True)
class Affine:
    """Scale, shear, rotate (about the centre) and move each image or volume, by amounts of its own, in one resampling.

    * `degrees`: rotations are drawn from -degrees to degrees.
    * `translate`: shares of the size along each axis, likewise to either side; one number for all axes, or one for each, in
      the order of the tensor (depth, height, width).
    * `scale`: the least and the greatest factor; one factor for all axes, or one for each where `isotropic` is False.
    * `shear`: slants in degrees, likewise to either side.

    Rotations and shears are in planes of two axes. Images have one plane, (height, width). Volumes have three, in the order
    (height, width), (depth, width), (depth, height); one number is for the first, three are for all. A shear moves pixels
    along the plane's second axis in proportion to their place on the first. Angles are of pixels, so images that are not
    square, too, keep their angles. `padding` is what lies beyond the image. Bytes become float32 from 0 to 1.
    """

    degrees: float | tuple[float, ...] = 0.0
    translate: float | tuple[float, ...] = 0.0
    scale: tuple[float, float] = (1.0, 1.0)
    shear: float | tuple[float, ...] = 0.0
    isotropic: bool = True
    padding: Padding = "zeros"

    def __post_init__(self) -> None:
        check_pair("An affine map's scale", self.scale, 0)
        for what, high in (("degrees", 360.0), ("translate", 1.0), ("shear", 89.0)):
            for one in _tuple(getattr(self, what)):
                check_range(f"An affine map's {what}", one, 0, high)

    def __call__(self, images: Tensor, rows: Tensor, key: Key) -> Tensor:
        """The images, mapped; floats of the same shape."""
        check_spatial("An affine map", images, (2, 3))
        size = tuple(images.shape[2:])
        return resampled(floats(images), affine_grid(self.matrices(rows, key, size), size), self.padding)

    def matrices(self, rows: Tensor, key: Key, size: tuple[int, ...]) -> Float64[Tensor, "n d d1"]:
        """The maps `(n, d, d + 1)` from places in the result to places in the image, as `affine_grid` takes them.

        Their axes are in its order: width first, then height, then depth; each goes from -1 to 1.
        """
        axes, planes = len(size), planes_of(len(size))
        factors = 1 if self.isotropic else axes
        drawn = key.uniform(rows, (2 * len(planes) + axes + factors,)).to(torch.float64)
        angles, slants, moves, scales = torch.split(drawn, [len(planes), len(planes), axes, factors], dim=1)
        low, high = self.scale
        inverse = torch.diag_embed(1 / (low + (high - low) * scales).expand(-1, axes))
        for plane, slant in zip(planes, _either(slants, self._radians("shear", planes)).unbind(1), strict=True):
            inverse = inverse @ _shear(slant, plane, axes)
        for plane, angle in zip(planes, _either(angles, self._radians("degrees", planes)).unbind(1), strict=True):
            inverse = inverse @ _rotation(angle, plane, axes)
        shares = self.translate if isinstance(self.translate, tuple) else (self.translate,) * axes
        return _assembled(inverse, _either(moves, [2 * share for share in _counted("translate", shares, axes)]), size)

    def _radians(self, what: str, planes: Sequence[tuple[int, int]]) -> list[float]:
        """The limits of `degrees` or `shear`, one a plane."""
        limits = _tuple(getattr(self, what))
        limits = limits + (0.0,) * (len(planes) - 1) if len(limits) == 1 else limits
        return [math.radians(limit) for limit in _counted(what, limits, len(planes))]


def planes_of(axes: int) -> list[tuple[int, int]]:
    """The planes in which images of 2 or 3 spatial axes turn, the plane of the last two axes first."""
    return list(combinations(range(axes), 2))[::-1]


def _assembled(inverse: Tensor, move: Tensor, size: tuple[int, ...]) -> Tensor:
    """From pixels, in the tensor's order of axes, to places from -1 to 1, width first."""
    lengths = torch.tensor(size, dtype=torch.float64, device=inverse.device)
    linear = inverse * (lengths / lengths[:, None])
    return torch.cat([linear, -(linear @ move[:, :, None])], dim=2)[:, :, [*range(len(size))[::-1], len(size)]].flip(1)


def _rotation(angle: Tensor, plane: tuple[int, int], axes: int) -> Tensor:
    first, second = plane
    cos, sin = torch.cos(angle), torch.sin(angle)
    matrix = torch.eye(axes, dtype=angle.dtype, device=angle.device).repeat(len(angle), 1, 1)
    matrix[:, first, first], matrix[:, second, second] = cos, cos
    matrix[:, first, second], matrix[:, second, first] = sin, -sin
    return matrix


def _shear(slant: Tensor, plane: tuple[int, int], axes: int) -> Tensor:
    matrix = torch.eye(axes, dtype=slant.dtype, device=slant.device).repeat(len(slant), 1, 1)
    matrix[:, plane[1], plane[0]] = -torch.tan(slant)
    return matrix


def _either(drawn: Tensor, limits: Sequence[float]) -> Tensor:
    """Draws from 0 to 1 as draws to either side of 0."""
    return (2 * drawn - 1) * torch.tensor(limits, dtype=drawn.dtype, device=drawn.device)


def _tuple(value: float | tuple[float, ...]) -> tuple[float, ...]:
    return value if isinstance(value, tuple) else (value,)


def _counted(what: str, given: tuple[float, ...], due: int) -> tuple[float, ...]:
    if len(given) != due:
        many = f"1 or {due}" if due > 1 else "1"
        raise DataError(f"An affine map's {what} has {len(given)} numbers, {given}; these images take {many}.")
    return given
