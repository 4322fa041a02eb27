"""Affine maps against torch's own, SciPy's and maps whose result is known exactly; images and volumes."""

import math

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch.nn import functional as F

from stepwell.core.errors import DataError
from stepwell.core.keys import Key
from stepwell.data.augment import Affine
from stepwell.data.augment.affine import planes_of
from stepwell.data.augment.resample import affine_grid, resampled

KEY = Key(1)("affine")


class Fixed(Key):
    """A key whose draws are all one number."""

    def uniform(self, rows: torch.Tensor, shape: tuple[int, ...] = ()) -> torch.Tensor:
        """`self.seed` thousandths, for every draw."""
        return torch.full((len(rows), *shape), self.seed / 1000)


MOST, NONE = Fixed(1000), Fixed(500)  # the upper end of every range, and the middle
ONE = torch.zeros(1, dtype=torch.int64)


@pytest.mark.parametrize("size", [(5, 7), (8, 8), (3, 5, 7), (1, 6)])
def test_the_grid_is_torchs(size: tuple[int, ...]) -> None:
    matrices = torch.randn(6, len(size), len(size) + 1, generator=torch.Generator().manual_seed(0))
    theirs = F.affine_grid(matrices, [6, 1, *size], align_corners=False)
    assert torch.allclose(affine_grid(matrices, size), theirs, atol=2e-6)


@pytest.mark.parametrize("shape", [(4, 1, 9, 9), (4, 3, 6, 11), (4, 1, 5, 6, 7)])
def test_the_middle_of_every_range_changes_nothing(shape: tuple[int, ...]) -> None:
    images = torch.rand(shape)
    made = Affine(90, 0.5, (0.5, 1.5), 45)(images, torch.arange(4), NONE)
    assert torch.allclose(made, images, atol=1e-5)


def test_quarter_and_half_turns_are_exact() -> None:
    image = torch.rand(1, 2, 8, 8)
    assert torch.allclose(Affine(90)(image, ONE, MOST), image.rot90(1, (2, 3)), atol=1e-5)  # counter-clockwise
    assert torch.allclose(Affine(180)(image, ONE, MOST), image.flip(2, 3), atol=1e-5)


def test_a_picture_that_is_not_square_keeps_its_angles() -> None:
    image = torch.zeros(1, 1, 9, 21)
    image[..., 4, 8:13] = 1  # a line of 5 pixels about the centre
    upright = torch.zeros(1, 1, 9, 21)
    upright[..., 2:7, 10] = 1
    assert torch.allclose(Affine(90)(image, ONE, MOST), upright, atol=1e-5)


@pytest.mark.parametrize(("plane", "axes"), [(0, (3, 4)), (1, (2, 4)), (2, (2, 3))])
def test_a_volume_turns_in_three_planes(plane: int, axes: tuple[int, int]) -> None:
    volume = torch.rand(1, 1, 6, 6, 6)
    degrees = tuple(90.0 if number == plane else 0.0 for number in range(3))
    assert torch.allclose(Affine(degrees)(volume, ONE, MOST), volume.rot90(1, axes), atol=1e-5)


def test_one_angle_turns_a_volumes_slices() -> None:
    assert planes_of(3) == [(1, 2), (0, 2), (0, 1)]
    volume = torch.rand(1, 1, 4, 7, 7)
    made = Affine(30, padding="border")(volume, ONE, MOST)
    slices = Affine(30, padding="border")(volume[0].transpose(0, 1), ONE.expand(4), MOST)
    assert torch.allclose(made[0, 0], slices[:, 0], atol=1e-5)


def test_content_moves_by_shares_of_the_size_in_the_order_of_the_axes() -> None:
    image = torch.rand(1, 1, 10, 20)
    made = Affine(translate=(0.2, 0.1))(image, ONE, MOST)  # two pixels down and two to the right
    assert torch.allclose(made[..., 2:, 2:], image[..., :-2, :-2], atol=1e-5)
    assert made[..., :2, :].abs().max() < 1e-5
    volume = torch.rand(1, 1, 4, 6, 8)
    moved = Affine(translate=(0.25, 0.0, 0.0))(volume, ONE, MOST)
    assert torch.allclose(moved[:, :, 1:], volume[:, :, :-1], atol=1e-5)


def test_content_grows_about_the_centre() -> None:
    image = torch.rand(1, 1, 8, 8)
    made = Affine(scale=(2.0, 2.0), padding="border")(image, ONE, NONE)
    middle = image[..., 2:6, 2:6]
    assert torch.allclose(F.avg_pool2d(made, 2)[..., 1:3, 1:3], _blurred(image)[..., 3:5, 3:5], atol=1e-5)
    assert made.mean() == pytest.approx(middle.mean().item(), abs=0.1)


def _blurred(image: torch.Tensor) -> torch.Tensor:
    """What two pixels of an image twice as large show of each of its pixels: 3/4 of it and 1/8 of each neighbour."""
    line = torch.tensor([1 / 8, 3 / 4, 1 / 8])
    return F.conv2d(F.pad(image, (1, 1, 1, 1)), (line[:, None] * line)[None, None])


def test_a_shear_slants_columns_and_keeps_lines() -> None:
    image = torch.zeros(1, 1, 9, 15)
    image[..., 7] = 1
    made = Affine(shear=45)(image, ONE, MOST)
    slanted = torch.zeros(1, 1, 9, 15)
    for line in range(9):
        slanted[..., line, 7 + line - 4] = 1
    assert torch.allclose(made, slanted, atol=1e-5)


def test_as_scipy_maps() -> None:
    """The composed map, in pixels, given to SciPy: the same picture inside."""
    image = torch.rand(1, 1, 32, 32)
    affine = Affine(25, (0.1, 0.0), (0.9, 1.2), 10)
    made = affine(image, ONE, MOST)[0, 0].numpy()
    turn, slant, grow = math.radians(25), math.tan(math.radians(10)), 1 / 1.2
    rotate = np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    inverse = grow * np.array([[1, 0], [-slant, 1]]) @ rotate
    centre, move = np.array([15.5, 15.5]), np.array([3.2, 0.0])
    theirs = ndimage.affine_transform(image[0, 0].numpy(), inverse, centre - inverse @ (centre + move), order=1)
    seen = ndimage.affine_transform(
        np.ones((32, 32)), inverse, centre - inverse @ (centre + move), order=0, mode="constant"
    )
    inside = ndimage.binary_erosion(seen > 0.5, iterations=2)
    assert inside.sum() > 300
    assert np.abs(made - theirs)[inside].max() < 1e-4


def test_draws_fill_their_ranges() -> None:
    rows = torch.arange(4000)
    matrices = Affine(30, 0.1, (0.5, 2.0)).matrices(rows, KEY, (16, 16))
    scale = 1 / torch.linalg.det(matrices[:, :, :2]).sqrt()
    angle = torch.rad2deg(torch.atan2(matrices[:, 0, 1], matrices[:, 0, 0]))
    for drawn, low, high in ((scale, 0.5, 2.0), (angle, -30.0, 30.0)):
        assert low <= drawn.min() < low + 0.01 * (high - low)
        assert high - 0.01 * (high - low) < drawn.max() <= high
        assert drawn.mean().item() == pytest.approx((low + high) / 2, abs=0.02 * (high - low))


def test_one_factor_for_all_axes_or_one_for_each() -> None:
    even = Affine(scale=(0.5, 2)).matrices(torch.arange(9), KEY, (4, 4, 4))
    each = Affine(scale=(0.5, 2), isotropic=False).matrices(torch.arange(9), KEY, (4, 4, 4))
    assert torch.equal(even[:, 0, 0], even[:, 2, 2])
    assert (each[:, 0, 0] != each[:, 2, 2]).all()


def test_the_border_goes_on_where_it_is_asked_to() -> None:
    white = torch.ones(3, 1, 8, 8)
    rows = torch.arange(3)
    assert Affine(45)(white, rows, KEY).min() < 0.5
    for padding in ("border", "reflection"):
        assert torch.allclose(Affine(45, 0.3, padding=padding)(white, rows, KEY), white, atol=1e-5)


def test_wrong_settings() -> None:
    image = torch.rand(1, 1, 4, 4)
    with pytest.raises(DataError, match=r"scale is \(1.2, 0.8\); give the least and the greatest, both more than 0"):
        Affine(scale=(1.2, 0.8))
    with pytest.raises(DataError, match=r"translate is 3; it must be 0 to 1"):
        Affine(translate=3)
    with pytest.raises(DataError, match=r"degrees has 3 numbers, \(1, 2, 3\); these images take 1\."):
        Affine((1, 2, 3))(image, ONE, KEY)
    with pytest.raises(
        DataError, match=r"An affine map takes batches \(n, channels, height, width\) or .*; this one is \(1, 4, 4\)"
    ):
        Affine(1)(image[0], ONE, KEY)


def test_gradients_flow_through_floats() -> None:
    image = torch.rand(1, 1, 6, 6, requires_grad=True)
    Affine(20)(image, ONE, MOST).sum().backward()
    assert image.grad is not None
    assert resampled(image, affine_grid(torch.eye(2, 3)[None], (6, 6)), "zeros").requires_grad
