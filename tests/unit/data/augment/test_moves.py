"""Flips, shifts, crops and the permutation: every pixel where it should be."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from stepwell.core.errors import DataError
from stepwell.core.keys import Key
from stepwell.data import ArraySource, Transformed
from stepwell.data.augment import Augment, Crop, Flip, Permutation, Shift

KEY = Key(0)("moves")
IMAGES = torch.arange(60 * 2 * 5 * 6).remainder(251).to(torch.uint8).view(60, 2, 5, 6)
ROWS = torch.arange(60)


def is_in(made: torch.Tensor, image: torch.Tensor, padding: int) -> list[tuple[int, int]]:
    """The places at which a piece lies in an image with padding."""
    height, width = made.shape[1:]
    padded = F.pad(image, (padding,) * 4)
    starts = [(y, x) for y in range(padded.shape[1] - height + 1) for x in range(padded.shape[2] - width + 1)]
    return [(y, x) for y, x in starts if torch.equal(padded[:, y : y + height, x : x + width], made)]


def test_each_image_is_mirrored_or_not() -> None:
    made = Flip()(IMAGES, ROWS, KEY)
    flipped = [torch.equal(after, before.flip(-1)) for after, before in zip(made, IMAGES, strict=True)]
    kept = [torch.equal(after, before) for after, before in zip(made, IMAGES, strict=True)]
    assert all(a != b for a, b in zip(flipped, kept, strict=True))
    assert 20 <= sum(flipped) <= 40


@pytest.mark.parametrize(
    ("flip", "axes"), [(Flip(p=1), [-1]), (Flip(False, True, p=1), [-2]), (Flip(True, True, p=1), [-2, -1])]
)
def test_a_sure_flip(flip: Flip, axes: list[int]) -> None:
    assert torch.equal(flip(IMAGES, ROWS, KEY), IMAGES.flip(axes))


def test_no_chance_no_flip() -> None:
    assert torch.equal(Flip(vertical=True, p=0)(IMAGES, ROWS, KEY), IMAGES)


def test_the_coins_of_the_directions_are_two() -> None:
    made = Flip(vertical=True)(IMAGES[:1].expand(60, -1, -1, -1), ROWS, KEY)
    assert len(made.flatten(1).unique(dim=0)) == 4


def test_volumes_and_sequences() -> None:
    volumes = torch.rand(4, 1, 3, 4, 5)
    assert torch.equal(Flip(False, False, True, p=1)(volumes, ROWS[:4], KEY), volumes.flip(2))
    assert torch.equal(Flip(p=1)(volumes[:, :, 0, 0], ROWS[:4], KEY), volumes[:, :, 0, 0].flip(-1))


def test_a_direction_that_is_not_there() -> None:
    with pytest.raises(
        DataError, match=r"A flip takes batches \(n, channels, depth, height, width\); this one is \(60, 2, 5, 6\)"
    ):
        Flip(depth=True)(IMAGES, ROWS, KEY)
    with pytest.raises(DataError, match="A flip has a direction: horizontal, vertical or depth"):
        Flip(False)
    with pytest.raises(DataError, match="A flip's p is 1.5; it must be 0 to 1"):
        Flip(p=1.5)


def test_a_shift_moves_all_channels_by_whole_pixels_and_fills_with_zeros() -> None:
    made = Shift(2)(IMAGES, ROWS, KEY)
    places = [is_in(after, before, 2) for after, before in zip(made, IMAGES, strict=True)]
    assert all(len(found) == 1 for found in places)
    seen = {found[0] for found in places}
    assert seen <= {(y, x) for y in range(5) for x in range(5)}
    assert {y for y, _ in seen} == {x for _, x in seen} == set(range(5))


def test_a_shift_of_a_volume() -> None:
    volume = torch.rand(1, 1, 4, 4, 4).expand(50, -1, -1, -1, -1)
    made = Shift(1)(volume, ROWS[:50], KEY)
    assert made.shape == volume.shape
    assert len(made.flatten(1).unique(dim=0)) > 15


@given(padding=st.integers(0, 3), height=st.integers(1, 7), width=st.integers(1, 7))
@settings(max_examples=30, deadline=None)
def test_a_crop_is_a_part_of_the_padded_image(padding: int, height: int, width: int) -> None:
    crop = Crop(padding, (height, width))
    if height > 5 + 2 * padding or width > 6 + 2 * padding:
        with pytest.raises(DataError, match=r"A crop of the size .* is not part of images that are, padded"):
            crop(IMAGES, ROWS, KEY)
        return
    made = crop(IMAGES[:8], ROWS[:8], KEY)
    assert made.shape == (8, 2, height, width)
    assert all(is_in(after, before, padding) for after, before in zip(made, IMAGES, strict=False))


def test_every_place_of_a_crop_comes_up_about_as_often() -> None:
    image = torch.arange(30.0).view(1, 1, 5, 6).expand(3000, -1, -1, -1)
    corners = Crop(0, (3, 4))(image, torch.arange(3000), KEY)[:, 0, 0, 0]
    counts = corners.unique(return_counts=True)[1]
    assert len(counts) == 9
    assert counts.min() > 3000 / 9 * 0.8
    assert counts.max() < 3000 / 9 * 1.2


def test_a_crop_of_one_size_for_all_axes() -> None:
    assert Crop(0, 4)(IMAGES, ROWS, KEY).shape == (60, 2, 4, 4)
    assert Crop(4)(IMAGES, ROWS, KEY).shape == IMAGES.shape
    with pytest.raises(DataError, match="A crop's size is 0; it must be 1 or more"):
        Crop(0, 0)
    with pytest.raises(DataError, match="not part of images"):
        Crop(0, (4, 4, 4))(IMAGES, ROWS, KEY)


def test_a_permutation_is_the_same_for_all_rows_and_channels_and_can_be_undone() -> None:
    shuffle = Permutation(3)
    numbers = torch.arange(30).view(1, 1, 5, 6)
    order = shuffle(numbers, ROWS[:1], KEY).flatten()
    assert sorted(order.tolist()) == list(range(30))
    assert order.tolist() != list(range(30))
    made = shuffle(IMAGES, ROWS, KEY("another"))
    assert torch.equal(made.flatten(2)[:, :, order.argsort()].view_as(IMAGES), IMAGES)
    assert not torch.equal(made, Permutation(4)(IMAGES, ROWS, KEY))


def test_all_sides_of_a_split_can_be_permuted() -> None:
    source = Transformed(ArraySource(IMAGES, ROWS), Augment(Permutation(3)))
    batch = source.batch(torch.tensor([5, 2]), KEY)
    assert torch.equal(batch.inputs, Permutation(3)(IMAGES[[5, 2]], ROWS, KEY))


def test_a_shift_by_a_whole_side_is_refused() -> None:
    images = torch.ones(2, 1, 8, 9)
    with pytest.raises(DataError, match="A shift of up to 8 pixels moves images of 8×9 out of sight"):
        Shift(8)(images, torch.arange(2), Key(0))
    assert bool(Shift(7)(images, torch.arange(2), Key(0)).flatten(1).any(1).all())
