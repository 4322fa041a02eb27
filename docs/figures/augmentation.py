"""Augmentation."""

import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure

from figures.entry import data_path, entry
from stepwell import plots
from stepwell.core.keys import Key
from stepwell.data import read_pictures
from stepwell.data.augment import (
    Affine,
    Augment,
    Crop,
    Flip,
    Jitter,
    Operation,
    Perspective,
    examples,
    parse_augment,
)
from stepwell.data.generators import digits
from stepwell.data.images.idx import FASHION, read_idx
from stepwell.data.lines import line_images

_SEED = 5  # a draw of which every transform is seen

_EIGHT: dict[str, Operation] = {
    "rotated": Affine(45),
    "moved": Affine(translate=0.1),
    "sheared": Affine(shear=45),
    "cropped": Crop(padding=0, size=20),
    "mirrored": Flip(p=1),
    "upside down": Flip(horizontal=False, vertical=True, p=1),
    "from aside": Perspective(p=1),
    "jittered": Jitter(brightness=0.9, contrast=0.9),
}


def _four() -> torch.Tensor:
    """A handwritten 4 of 20×20 pixels in the middle of 28×28 bytes, as in MNIST: (1, 1, 28, 28)."""
    images, labels = digits()
    drawn = F.interpolate(images[labels == 4][1:2], size=20, mode="bilinear")
    return (F.pad(drawn, (4, 4, 4, 4)) * 255).round().to(torch.uint8)


def _framed(image: torch.Tensor) -> np.ndarray:
    """A picture in the middle of 28×28 pixels, what is left of which stays empty."""
    image = image[0, 0] / 255 if image.dtype == torch.uint8 else image[0, 0]
    beside, above = (28 - image.shape[1]) // 2, (28 - image.shape[0]) // 2
    return F.pad(image, (beside, beside, above, above), value=float("nan")).numpy()


@entry("Raff S-34")
def eight_transforms() -> Figure:
    """Eight ways to change a handwritten digit.

    They are as strong as the book's, to be seen; it trains with turns of 15° and moves of 5 %. The transforms are the
    dataclasses of `stepwell.data.augment`.
    """
    four, rows = _four(), torch.tensor([4])
    made = [_framed(Augment(operation).images(four, rows, Key(_SEED))) for operation in _EIGHT.values()]
    return plots.images(np.stack(made), list(_EIGHT), columns=4)


@entry(needs="fashion-mnist")
def augmented_clothes() -> Figure:
    """What training sees of five pictures in six epochs, with `--augment light`.

    Every picture draws its own turn, move and size in every epoch, from the seed, the epoch and its row number.
    """
    clothes = read_idx(data_path("fashion-mnist"), classes=FASHION).of_side("train").take(torch.arange(5))
    draws = examples(parse_augment(("light",)), clothes.images, 6)
    names = [clothes.classes[label] for label in clothes.labels]
    return plots.augmented(clothes.images.numpy(), draws.numpy(), names)


@entry(needs="images/bobby.jpg")
def augmented_photos() -> Figure:
    """The same of photos, with `--augment flip,strong`: flips, other colours, affine maps, perspectives and erased boxes."""
    files = [data_path(f"images/{name}") for name in ("cat1.png", "horse.jpg", "bobby.jpg")]
    photos = read_pictures(files, size=(64, 64))
    draws = examples(parse_augment(("flip", "strong")), photos, 6)
    return plots.augmented(photos.numpy(), draws.numpy(), ["cat", "horse", "dog"])


@entry("Godoy 4.1")
def line_pictures() -> Figure:
    """The book's pictures of lines: label 0 for lines along a row or a column, 1 for diagonals.

    They are bit for bit those of its generator, and there are 25 different ones among its 300.
    """
    images, labels = line_images(5, 300, binary=True, seed=13)
    return plots.images(images[:30].numpy(), [f"label {label}" for label in labels[:30]], columns=10)


@entry("Godoy 4.2, 4.3")
def flipped_line() -> Figure:
    """A line, and what a horizontal flip makes of it: another diagonal, so its label stays."""
    line = line_images(5, 300, binary=True, seed=13).images[7:8]
    flipped = Augment(Flip(p=1)).images(line, torch.tensor([7]), Key(0))
    return plots.images(torch.cat([line, flipped]).numpy(), ["image 7", "flipped"])
