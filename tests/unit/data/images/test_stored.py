"""Images in memory."""

import pytest
import torch

from stepwell.core.errors import DataError
from stepwell.data.images.stored import Images, joined

PIXELS = torch.arange(5 * 12, dtype=torch.uint8).view(5, 3, 2, 2)
IMAGES = Images(
    PIXELS, torch.tensor([0, 2, 1, 2, 0]), ("a", "b", "c"), tuple("vwxyz"), ("train",) * 3 + ("test",) * 2, "five"
)


def test_some_rows_keep_what_belongs_to_them() -> None:
    some = IMAGES.take(torch.tensor([4, 1]))
    assert torch.equal(some.images, PIXELS[[4, 1]])
    assert (some.labels.tolist(), some.names, some.sides) == ([0, 2], ("z", "w"), ("test", "train"))
    assert (len(some), some.classes, some.title) == (2, IMAGES.classes, "five")
    assert Images(PIXELS, IMAGES.labels, IMAGES.classes).take(torch.tensor([1])).names is None


def test_a_side() -> None:
    assert IMAGES.of_side("test").names == ("y", "z")
    with pytest.raises(DataError, match="five has no rows of the side 'val'; its sides: train, test"):
        IMAGES.of_side("val")


def test_some_classes_are_numbered_anew_in_the_order_given() -> None:
    some = IMAGES.of_classes(("c", "a"))
    assert (some.names, some.labels.tolist(), some.classes) == (("v", "w", "y", "z"), [1, 0, 0, 1], ("c", "a"))
    for classes, message in (
        (("a", "C"), "five has no class 'C'; it has a, b, c. Did you mean 'c'"),
        (("a", "a"), "twice"),
    ):
        with pytest.raises(DataError, match=message):
            IMAGES.of_classes(classes)


def test_joined_rows_are_in_order() -> None:
    both = joined([IMAGES, IMAGES.take(torch.tensor([3]))], "six")
    assert (both.names, both.labels.tolist(), both.title) == (tuple("vwxyzy"), [0, 2, 1, 2, 0, 2], "six")
    assert joined([IMAGES, Images(PIXELS, IMAGES.labels, IMAGES.classes)], "ten").sides is None
    with pytest.raises(DataError, match="only what is alike can be joined"):
        joined([IMAGES, IMAGES.of_classes(("a", "b"))], "x")


def test_what_does_not_fit_together_is_refused() -> None:
    labels = IMAGES.labels
    for call, message in (
        (lambda: Images(PIXELS.float(), labels, IMAGES.classes), "these are torch.float32 of the shape"),
        (lambda: Images(PIXELS[0], labels, IMAGES.classes), r"of the shape \(3, 2, 2\)"),
        (lambda: Images(PIXELS, labels[1:], IMAGES.classes), "5 images but 4 labels"),
        (lambda: Images(PIXELS, labels, IMAGES.classes, ("a",)), "5 images but 1 names"),
        (lambda: Images(PIXELS, labels, ("a", "b")), "class numbers from 0 to 1; these reach beyond"),
    ):
        with pytest.raises(DataError, match=message):
            call()
