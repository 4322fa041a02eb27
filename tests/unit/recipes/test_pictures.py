"""What recipes for pictures share: the order, the network with one head or two, and the statistics in front of it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from stepwell.core.devices import seeded
from stepwell.core.keys import Key
from stepwell.data.batch import whole
from stepwell.data.images.fitting import fit_images
from stepwell.data.images.reader import ImageReader
from stepwell.data.images.stored import Images
from stepwell.recipes.images import images
from stepwell.recipes.pictures import model_of
from stepwell.tasks import Multiclass, SideHeads
from stepwell.training.experiment import Experiment

CLASSES = ("ash", "elm", "oak")
OWN, IMAGENET, HALVES = None, ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)), ((0.5,) * 3, (0.5,) * 3)
Moments = tuple[Sequence[float], Sequence[float]]


def drawn(count: int, pixels: int, channels: int = 3) -> Tensor:
    """Pictures of noise."""
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (count, channels, pixels, pixels), dtype=torch.uint8, generator=generator)


def reader_of(pixels: int, channels: int = 3) -> ImageReader:
    """The reader of 30 pictures of three classes."""
    return fit_images(Images(drawn(30, pixels, channels), torch.arange(30) % 3, CLASSES))[0]


# --- the order --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def uneven(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 40, 20 and 7 pictures of three classes."""
    root, draw = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    for kind, many in zip(CLASSES, (40, 20, 7), strict=True):
        (root / kind).mkdir()
        for number in range(many):
            Image.fromarray(draw.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(root / kind / f"{number}.png")
    return root


def shown(made: Experiment, epoch: int) -> tuple[list[int], list[int]]:
    """The rows of an epoch, and how many of each class are among them."""
    rows = made.order(len(made.data.train), Key(made.seed)("order", epoch))
    return rows.tolist(), whole(made.data.train).targets[rows].bincount(minlength=3).tolist()


def test_balanced_pictures_are_shown_as_often_of_each_class(uneven: Path) -> None:
    made = images(uneven, balance=True, epochs=1)
    assert whole(made.data.train).targets.bincount().tolist() == [28, 14, 5]
    for epoch in range(3):
        rows, counts = shown(made, epoch)
        assert len(rows) == 47
        assert sorted(counts) == [15, 16, 16]
    assert shown(made, 0)[0] != shown(made, 1)[0]


def test_without_balance_every_picture_is_shown_once(uneven: Path) -> None:
    rows, counts = shown(images(uneven, epochs=1), 0)
    assert sorted(rows) == list(range(47))
    assert counts == [28, 14, 5]


# --- two heads --------------------------------------------------------------------------------------------------------------


def test_inception_learns_by_both_heads_and_answers_by_the_main_one() -> None:
    model, task = model_of(reader_of(299), {"backbone": "inception", "seed": 1})
    assert isinstance(task, SideHeads)
    assert isinstance(task.task, Multiclass)
    assert task.task.names == CLASSES
    pixels, targets = drawn(2, 299), torch.tensor([2, 0])
    with seeded(2):  # of the dropout
        main, side = model.train()(pixels)
    assert (main.shape, side.shape) == ((2, 3), (2, 3))
    task.check_outputs((main, side), targets)
    loss = task.loss((main, side), targets)
    torch.testing.assert_close(loss, F.cross_entropy(main, targets) + 0.4 * F.cross_entropy(side, targets))
    loss.backward()
    assert all(bool(head.weight.grad.any()) for head in (model.net.fc, model.net.AuxLogits.fc))
    with torch.no_grad():
        alone = model.eval()(pixels)
    assert alone.shape == (2, 3)
    assert [answer["label"] for answer in task.answers(alone)] == [CLASSES[number] for number in alone.argmax(1)]


def test_inception_for_small_pictures_has_one_head_and_the_same_task() -> None:
    model, task = model_of(reader_of(75), {"backbone": "inception", "seed": 1})
    assert isinstance(task, SideHeads)
    assert model.net.AuxLogits is None
    outputs, targets = model.train()(drawn(2, 75)), torch.tensor([0, 1])
    torch.testing.assert_close(task.loss(outputs, targets), F.cross_entropy(outputs, targets))


def test_other_networks_have_no_side_heads() -> None:
    assert isinstance(model_of(reader_of(16), {"backbone": "small", "seed": 1})[1], Multiclass)


# --- the statistics ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("backbone", "weights", "channels", "due"),
    [
        ("resnet18", Path("resnet18.pth"), 3, IMAGENET),
        ("inception", Path("inception.pth"), 3, HALVES),
        ("resnet18", None, 3, OWN),
        ("resnet18", Path("resnet18.pth"), 1, OWN),
        ("small", Path("mine.pth"), 3, OWN),
    ],
)
def test_with_published_weights_pictures_are_normalised_as_those_that_the_weights_saw(
    backbone: str, weights: Path | None, channels: int, due: Moments | None
) -> None:
    """Networks without published weights, and grey pictures, are normalised by their own statistics."""
    reader = reader_of(75, channels)
    model, _ = model_of(reader, {"backbone": backbone, "weights": weights, "seed": 0})
    mean, std = due or (reader.mean, reader.std)
    assert model.mean.flatten().tolist() == pytest.approx(list(mean))
    assert model.std.flatten().tolist() == pytest.approx(list(std))
    pixels = drawn(2, 75, channels)
    by_hand = (pixels / 255 - torch.tensor(mean).view(-1, 1, 1)) / torch.tensor(std).view(-1, 1, 1)
    torch.testing.assert_close(model.normalised(pixels), by_hand)
