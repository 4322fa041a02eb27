"""Erased boxes: their shapes, places, chances and fill."""

import pytest
import torch

from stepwell.core.errors import DataError
from stepwell.core.keys import Key
from stepwell.data.augment import Erase

KEY = Key(5)("erase")
ROWS = torch.arange(800)


def boxes(erase: Erase, height: int = 30, width: int = 40) -> torch.Tensor:
    """Top, left, height and width of the boxes, `(erased, 4)`; checks that they are boxes, the same in all channels."""
    made = erase(torch.ones(800, 2, height, width), ROWS, KEY) == 0
    assert torch.equal(made[:, 0], made[:, 1])
    found = []
    for mask in made[made.flatten(1).any(1), 0]:
        down, across = mask.any(1).nonzero().flatten(), mask.any(0).nonzero().flatten()
        tall, wide = len(down), len(across)
        assert mask.sum() == tall * wide
        assert (int(down[-1] - down[0]) + 1, int(across[-1] - across[0]) + 1) == (tall, wide)
        found.append((int(down[0]), int(across[0]), tall, wide))
    return torch.tensor(found, dtype=torch.float64)


def test_boxes_of_the_asked_area_and_shape() -> None:
    found = boxes(Erase(1.0, (0.05, 0.2), (0.5, 2.0)))
    assert len(found) == 800
    area, ratio = found[:, 2] * found[:, 3] / 1200, found[:, 2] / found[:, 3]
    assert 0.035 < area.min() < 0.06
    assert 0.19 < area.max() < 0.22
    assert 0.4 < ratio.min() < 0.6
    assert 1.7 < ratio.max() < 2.4
    assert 0.4 < (ratio > 1).double().mean() < 0.6


def test_boxes_reach_every_border_and_stay_inside() -> None:
    top, left, tall, wide = boxes(Erase(1.0)).unbind(1)
    assert top.min() == left.min() == 0
    assert (top + tall).max() == 30
    assert (left + wide).max() == 40


def test_a_share_p_of_the_images() -> None:
    assert 150 < len(boxes(Erase(0.25))) < 250
    assert not boxes(Erase(0.0)).numel()


def test_all_of_a_picture_and_a_box_that_is_cut() -> None:
    images = torch.ones(800, 1, 5, 5)
    assert not Erase(1.0, (1.0, 1.0), (1.0, 1.0))(images, ROWS, KEY).any()
    tall = Erase(1.0, (0.5, 0.5), (50.0, 50.0))(images, ROWS, KEY)
    assert ((tall == 0).any(3).sum(2) == 5).all()


def test_the_fill_in_bytes_and_floats() -> None:
    bytes_ = Erase(1.0, fill=0.5)(torch.full((4, 3, 8, 8), 7, dtype=torch.uint8), ROWS[:4], KEY)
    assert bytes_.dtype == torch.uint8
    assert set(bytes_.unique().tolist()) == {7, 128}
    assert set(Erase(1.0, fill=0.5)(torch.ones(4, 3, 8, 8), ROWS[:4], KEY).unique().tolist()) == {0.5, 1.0}


def test_wrong_settings() -> None:
    with pytest.raises(DataError, match=r"An erased share is \(0.5, 1.5\); .* both more than 0 and at most 1"):
        Erase(share=(0.5, 1.5))
    with pytest.raises(DataError, match=r"An erased box's ratio is \(0, 1\)"):
        Erase(ratio=(0.0, 1.0))
    with pytest.raises(DataError, match=r"Erasing takes batches \(n, channels, height, width\)"):
        Erase()(torch.ones(1, 1, 2, 2, 2), ROWS[:1], KEY)
