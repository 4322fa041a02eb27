"""Perspectives against Pillow's transform and the corners that define them."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from stepwell.core.errors import DataError
from stepwell.core.keys import Key
from stepwell.data.augment import Perspective
from stepwell.data.augment.perspective import to_square

KEY = Key(2)("perspective")
SQUARE = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]], dtype=torch.float64)
DRAWS = st.lists(st.floats(0, 1), min_size=8, max_size=8)


@given(draws=DRAWS, distortion=st.floats(0, 0.95))
@settings(max_examples=60, deadline=None)
def test_the_corners_go_to_those_of_the_square(draws: list[float], distortion: float) -> None:
    corners = Perspective(distortion).corners(torch.tensor(draws, dtype=torch.float64).view(1, 4, 2))
    places = torch.cat([corners[0], torch.ones(4, 1, dtype=torch.float64)], 1)
    mapped = places @ to_square(corners)[0].T
    assert torch.allclose(mapped[:, :2] / mapped[:, 2:], SQUARE, atol=1e-9)


def test_corners_move_inwards_by_at_most_half_the_share() -> None:
    drawn = torch.rand(1000, 4, 2, dtype=torch.float64)
    moved = (Perspective(0.6).corners(drawn) - SQUARE).abs()
    assert moved.max() <= 0.3
    assert moved.max() > 0.29
    inside = Perspective(0.6).corners(drawn)
    assert inside.min() >= 0
    assert inside.max() <= 1


def test_as_pillow_transforms() -> None:
    generator = np.random.default_rng(0)
    picture = np.kron(generator.random((6, 8)), np.ones((8, 8))).astype(np.float32)  # 48 × 64
    operation, rows = Perspective(0.5, p=1, padding="border"), torch.tensor([5])
    made = operation(torch.from_numpy(picture)[None, None], rows, KEY)[0, 0].numpy()
    drawn = KEY.uniform(rows, (9,)).double()[:, 1:].view(1, 4, 2)
    pixels = np.diag([64.0, 48.0, 1.0])
    matrix = pixels @ to_square(operation.corners(drawn))[0].numpy() @ np.linalg.inv(pixels)
    numbers = (matrix / matrix[2, 2]).flatten()[:8].tolist()
    theirs = Image.fromarray(picture).transform(
        (64, 48), Image.Transform.PERSPECTIVE, numbers, Image.Resampling.BILINEAR
    )
    known = np.asarray(theirs) != 0  # Pillow leaves what lies beyond black
    assert known.sum() > 1000
    assert np.abs(made - np.asarray(theirs))[known].max() < 2e-3


def test_no_distortion_changes_nothing() -> None:
    images = torch.rand(7, 3, 9, 12)
    assert torch.allclose(Perspective(0.0, p=1)(images, torch.arange(7), KEY), images, atol=1e-5)


def test_about_a_share_p_of_the_images_are_seen_from_aside() -> None:
    images = torch.rand(400, 1, 4, 4)
    made = Perspective(0.5, p=0.3)(images, torch.arange(400), KEY)
    kept = (made == images).flatten(1).all(1)
    assert 0.6 < kept.double().mean() < 0.8


def test_wrong_settings() -> None:
    with pytest.raises(
        DataError, match=r"A perspective takes batches \(n, channels, height, width\); this one is \(1, 1, 4, 4, 4\)"
    ):
        Perspective()(torch.rand(1, 1, 4, 4, 4), torch.arange(1), KEY)
    with pytest.raises(DataError, match=r"A perspective's distortion is 1; it must be 0 to 0.99"):
        Perspective(1)
