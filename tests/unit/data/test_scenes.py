"""Scenes: what their captions say is what is drawn."""

import pytest
import torch
from torch import Tensor

from stepwell.core.errors import DataError
from stepwell.data.scenes import COLOURS, scenes

INKS = {name: torch.tensor(ink) for name, ink in COLOURS.items()}


def place(image: Tensor, colour: str) -> tuple[float, float]:
    """Row and column of the middle of what has a colour."""
    spots = (image == INKS[colour].view(3, 1, 1)).all(0).nonzero().float()
    assert len(spots) >= 9
    return tuple(spots.mean(0).tolist())


def filled(image: Tensor, colour: str) -> float:
    """The share of the box around what has a colour that is of it."""
    lit = (image == INKS[colour].view(3, 1, 1)).all(0)
    rows, columns = lit.any(1).sum(), lit.any(0).sum()
    return float(lit.sum() / (rows * columns))


def test_captions_are_true() -> None:
    made = scenes(400, 48, seed=1)
    seen = set()
    for image, caption in zip(made.images, made.captions, strict=True):
        one, other = caption.split()[1], caption.split()[-2]
        if " a " not in caption:
            seen.add("alone")
            assert (image == INKS[one].view(3, 1, 1)).all(0).any()
            assert len(image.flatten(1).unique(dim=1).T) == 2  # its colour and the ground
        elif one != other:
            (up, left), (down, right) = place(image, one), place(image, other)
            relation = caption.partition(one)[2].split(" ", 2)[2].partition(" a ")[0]
            seen.add(relation)
            far, level = (right - left, down - up) if relation == "left of" else (down - up, right - left)
            assert far > 15
            assert abs(level) < 6
    assert seen == {"alone", "left of", "above"}


def test_shapes_can_be_told_apart() -> None:
    made = scenes(300, 48, seed=2)
    alone = [(image, text.split()) for image, text in zip(*made, strict=True) if text.count(" a ") == 0]
    shares = {shape: [filled(image, words[1]) for image, words in alone if words[2] == shape] for shape in
              ("square", "ball", "cross")}  # fmt: skip
    assert min(shares["square"]) > 0.99
    assert 0.7 < min(shares["ball"]) <= max(shares["ball"]) < 0.9
    assert max(shares["cross"]) < 0.7


def test_a_scene_depends_on_seed_and_number_alone() -> None:
    few, many = scenes(5, seed=3), scenes(20, seed=3)
    assert torch.equal(few.images, many.images[:5])
    assert few.captions == many.captions[:5]
    assert not torch.equal(scenes(5, seed=4).images, few.images)
    assert (few.images.dtype, tuple(few.images.shape)) == (torch.uint8, (5, 3, 32, 32))


@pytest.mark.parametrize(("n", "size"), [(0, 32), (5, 15)])
def test_too_few(n: int, size: int) -> None:
    with pytest.raises(DataError, match="Scenes are 1 or more pictures of 16 pixels"):
        scenes(n, size)
