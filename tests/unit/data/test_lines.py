"""Godoy's pictures of lines against a plain loop over the description of his generator."""

import numpy as np
import pytest
import torch

from stepwell.core.errors import DataError
from stepwell.data.lines import LINE_CLASSES, line_images


def drawn_one_by_one(size: int, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The notes' words, pixel by pixel."""
    np_random = np.random.RandomState(seed)
    starts, labels = np_random.randint(-(size - 1), size, size=n), np_random.randint(0, 3, size=n)
    images = np.zeros((n, 1, size, size), dtype=np.uint8)
    for image, start, label in zip(images[:, 0], starts, labels, strict=True):
        row, column = (start, 0) if start > 0 else (None, -start)
        if label == 0:
            image[(row, slice(None)) if row is not None else (slice(None), column)] = 255
            continue
        y, x = (row, 0) if row is not None else (size - 1 if label == 1 else 0, max(column, 1))
        while 0 <= y < size and x < size:
            image[y, x] = 255
            y, x = y + (-1 if label == 1 else 1), x + 1
    return images, labels


@pytest.mark.parametrize(("size", "n", "seed"), [(5, 300, 13), (10, 1000, 17), (3, 50, 0), (7, 1, 1)])
def test_the_pictures_of_a_plain_loop(size: int, n: int, seed: int) -> None:
    images, labels = drawn_one_by_one(size, n, seed)
    made = line_images(size, n, binary=False, seed=seed)
    assert made.images.dtype == torch.uint8
    assert np.array_equal(made.images.numpy(), images)
    assert made.labels.tolist() == labels.tolist()
    binary = line_images(size, n, binary=True, seed=seed)
    assert torch.equal(binary.images, made.images)
    assert binary.labels.tolist() == (labels > 0).astype(int).tolist()


def test_every_picture_is_one_line() -> None:
    made = line_images(6, 500, binary=False, seed=3)
    assert set(made.images.unique().tolist()) == {0, 255}
    lit = (made.images > 0).sum((1, 2, 3))
    assert (lit[made.labels == 0] == 6).all()
    assert set(lit[made.labels > 0].tolist()) == {1, 2, 3, 4, 5, 6}
    assert set(made.labels.tolist()) == set(range(len(LINE_CLASSES)))


def test_a_diagonal_rises_or_falls() -> None:
    made = line_images(6, 500, binary=False, seed=3)
    for image, label in zip(made.images[:, 0], made.labels.tolist(), strict=True):
        y, x = image.nonzero().unbind(1)
        if label:
            assert (y.diff() == 1).all()
            assert (x.diff() == (-1 if label == 1 else 1)).all()


def test_the_global_generator_is_left_alone() -> None:
    before = np.random.get_state()[1].copy()
    line_images(5, 10, seed=1)
    assert np.array_equal(before, np.random.get_state()[1])


@pytest.mark.parametrize(("size", "n"), [(2, 5), (5, 0)])
def test_too_few(size: int, n: int) -> None:
    with pytest.raises(DataError, match="Pictures of lines have 3 × 3 pixels or more"):
        line_images(size, n)
