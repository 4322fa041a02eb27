"""Raff, *Inside Deep Learning*, exercises 3.2, 3.4 and 3.5 on pictures of CIFAR-10: its birds and airplanes, a few hundred."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.optim import SGD, Adam

import stepwell as sw
from stepwell.core.devices import seeded
from stepwell.data.augment import parse_augment
from stepwell.data.images.archive import read_archive
from stepwell.models import FromPixels
from stepwell.recipes.cifar import MEAN, STD

row = partial(pytest.mark.book, "inside-dl")
pytestmark = pytest.mark.xdist_group("cifar-exercises")  # the pictures are decoded once
SHARED = Path(os.environ.get("STEPWELL_DATA") or Path(__file__).parents[3] / "shared" / "data")
Pictures = Callable[[int, int], sw.Splits]


@pytest.fixture(scope="module")
def pictures() -> Pictures:
    """`pictures(train, val)`: so many of each side, birds and airplanes mixed."""
    archive = SHARED / "cifar-10" / "cifar-10-jpg.tar.gz"
    if not archive.exists():
        pytest.skip(f"{archive.name} is not in the data folder; set STEPWELL_DATA to a folder that has cifar-10")
    found = read_archive(archive, classes=("airplane", "bird"))

    def some(train: int, val: int) -> sw.Splits:
        sides = []
        for side, rows in (("train", train), ("test", val)):
            images = found.of_side(side)
            chosen = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))[:rows]
            sides.append(sw.ArraySource(images.images[chosen], images.labels[chosen]))
        return sw.Splits(train=sides[0], val=sides[1])

    return some


def trained(
    net: Callable[[], nn.Module], data: sw.Splits, optimizer: Callable[..., torch.optim.Optimizer], **settings: object
) -> list[dict[str, dict[str, float]]]:
    """The history of a network that is trained in batches of 32."""
    with seeded(0):
        model = FromPixels(net(), MEAN, STD)
    experiment = sw.Experiment(
        data=data, model=model, task=sw.Multiclass(classes=2), optimizer=optimizer(model.parameters()), batch_size=32, **settings
    )  # fmt: skip
    return sw.fit(experiment).history


def deep(convolutions: int, poolings: int) -> nn.Sequential:
    """Convolutions of 8 filters with He's initialisation, and a pooling after equal parts of them."""
    part = convolutions // max(poolings, 1)
    layers: list[nn.Module] = []
    for number in range(1, convolutions + 1):
        convolution = nn.Conv2d(3 if number == 1 else 8, 8, 3, padding=1)
        nn.init.kaiming_normal_(convolution.weight)
        layers += [convolution, nn.ReLU(), *[nn.MaxPool2d(2)] * (poolings > 0 and number % part == 0)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(8 * (32 // 2**poolings) ** 2, 2))


@row("exercise 3.2", recipe="stepwell.fit", kind="property")
@pytest.mark.parametrize(("convolutions", "poolings"), [(2, 0), (4, 1), (10, 2)])
def test_exercise_3_2_on_cifar(pictures, convolutions: int, poolings: int):
    """On CIFAR-10, two to ten convolutions all learn in three epochs: ten with He's initialisation, too, though later."""
    history = trained(lambda: deep(convolutions, poolings), pictures(800, 400), partial(Adam, lr=3e-3), epochs=3)
    losses = [line["train"]["loss"] for line in history]
    assert losses == sorted(losses, reverse=True)
    assert history[-1]["val"]["accuracy"] > 0.7


@row("exercise 3.4", recipe="stepwell.data.augment", kind="property")
def test_exercise_3_4_on_cifar(pictures):
    """On 300 pictures of CIFAR-10, flips and shifts halve the gap between training and validation, and more are right."""
    plain, augmented = (
        trained(
            lambda: deep(2, 2), pictures(300, 500), partial(Adam, lr=3e-3), epochs=25, augment=parse_augment(words)
        )[-1]
        for words in ((), ("flip", "shift:2"))
    )
    gaps = [line["train"]["accuracy"] - line["val"]["accuracy"] for line in (plain, augmented)]
    assert gaps[1] < 0.6 * gaps[0]
    assert augmented["val"]["accuracy"] > plain["val"]["accuracy"] + 0.02


@row("exercise 3.5", recipe="stepwell.fit", kind="property")
def test_exercise_3_5_on_cifar(pictures):
    """On CIFAR-10, the larger a filter (1, 3, 5, 7 pixels), the sooner it learns the training pictures, less and less so."""
    data, losses = pictures(1000, 100), []
    for kernel in (1, 3, 5, 7):
        net = partial(_one_convolution, kernel)
        losses.append(trained(net, data, partial(SGD, lr=0.01), epochs=2)[-1]["train"]["loss"])
    assert losses == sorted(losses, reverse=True)
    assert losses[0] - losses[1] > 0.1
    assert losses[2] - losses[3] < 0.05


def _one_convolution(kernel: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 16, kernel, padding=kernel // 2), nn.Tanh(), nn.Flatten(), nn.Linear(16 * 32 * 32, 2)
    )
