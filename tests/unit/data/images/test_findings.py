"""What may make the scores on pictures wrong."""

import torch

from stepwell.data.images.findings import class_warnings, contradictions, copies, size_warnings, value_warnings
from stepwell.data.splits import split_fixed

NAMES = [f"{number}.png" for number in range(8)]


def test_copies_on_two_sides_are_named() -> None:
    digests = torch.tensor([1, 2, 3, 4, 2, 9, 3, 2])
    split = split_fixed(train=[0, 1, 2, 3], val=[4, 5], test=[6, 7])
    first, second, third = copies(digests, NAMES, split)
    assert first.startswith(
        "1 of 2 validation pictures (50 %) are training pictures, too, equal in all pixels (such as 4.png = 1"
    )
    assert second.startswith("2 of 2 test pictures (100 %) are training pictures, too")
    assert "6.png = 2.png, 7.png = 1.png" in second
    assert third.startswith("1 of 2 test pictures (50 %) are validation pictures, too")
    assert copies(torch.arange(8), NAMES, split) == []


def test_equal_pictures_of_different_classes_are_named() -> None:
    digests = torch.tensor([5, 6, 5, 7, 6, 8, 6, 9])
    labels = torch.tensor([0, 1, 1, 0, 1, 0, 0, 1])
    (said,) = contradictions(digests, labels, NAMES, ("cat", "dog"))
    assert said.startswith("2 pairs of equal pictures have different classes (such as 0.png (cat) = 2.png (dog), ")
    assert "6.png (cat) = 1.png (dog)" in said
    assert contradictions(digests, torch.ones(8, dtype=torch.int64), NAMES, ("cat", "dog")) == []


def test_few_and_uneven_classes_of_the_training_rows() -> None:
    labels = torch.tensor([0] * 200 + [1] * 20 + [2] * 9)
    every = split_fixed(train=range(200 + 20 + 9))
    few, uneven = class_warnings(labels, ("a", "b", "c"), every)
    assert few == "Training has fewer than 10 pictures of 'c': too few to learn from or to judge by."
    assert "training has 200 pictures of 'a' and 9 of 'c'" in uneven
    assert class_warnings(labels, ("a", "b", "c"), split_fixed(train=range(150, 220))) != []
    assert class_warnings(labels[:220], ("a", "b"), split_fixed(train=range(50, 220))) == []


def test_enlarged_pictures_are_counted_and_the_smallest_is_named() -> None:
    sizes = torch.tensor([[64, 64], [20, 90], [8, 9], [300, 300]])
    (said,) = size_warnings(sizes, (32, 32), NAMES)
    assert said.startswith("2 of 4 pictures are smaller than 32×32 and were enlarged")
    assert "the smallest, 2.png, is 8×9" in said
    assert size_warnings(sizes, (8, 9), NAMES) == []


def test_constant_channels_and_darkness() -> None:
    assert value_warnings((0.5, 0.2), (0.1, 0.0), [1]) == [
        "Channel 1 has one value in all training pictures, so it says nothing."
    ]
    (said,) = value_warnings((0.02,), (0.01,), [])
    assert said.startswith("The training pictures are nearly black (mean 0.020 of 1). Files of 16 bits")
    assert value_warnings((0.02,), (0.2,), []) == []
