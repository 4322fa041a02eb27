"""Labels that an augmentation would make wrong."""

import pytest

from stepwell.core.errors import DataError
from stepwell.data.augment import Augment, Flip, label_conflicts, parse_augment, refuse_conflicts

DIGITS = tuple("0123456789")
FOUND = [
    (("flip",), ("left", "right"), ["A horizontal flip makes 'left' look like 'right'."]),
    (("flip",), ("Turn-Left", "stop", "turn-right"), ["A horizontal flip makes 'Turn-Left' look like 'turn-right'."]),
    (("flip",), ("east_wind", "west_wind"), ["A horizontal flip makes 'east_wind' look like 'west_wind'."]),
    (("flip",), ("b", "d", "c"), ["A horizontal flip makes 'b' look like 'd'."]),
    (("flip:vertical",), ("thumb up", "thumb down"), ["A vertical flip makes 'thumb up' look like 'thumb down'."]),
    (("flip:vertical",), DIGITS, ["A vertical flip makes '6' look like '9'."]),
    (("affine:180",), DIGITS, ["A half turn makes '6' look like '9'."]),
    (("shift:2", "affine:15"), ("left", "right"), []),
    (("flip",), DIGITS, []),
    (("flip:vertical",), ("left", "right"), []),
    (("flip",), ("left", "leftover", "bright"), []),
    (("flip",), ("class b", "class d"), []),
    (("flip",), ("leftright", "up"), []),
    ((), ("left", "right"), []),
]


@pytest.mark.parametrize(("words", "classes", "found"), FOUND)
def test_conflicts(words: tuple[str, ...], classes: tuple[str, ...], found: list[str]) -> None:
    assert label_conflicts(parse_augment(words), classes) == found


def test_each_pair_is_said_once_for_each_change() -> None:
    corners = ("top left", "top right", "bottom left", "bottom right")
    assert len(label_conflicts(parse_augment(("flip",)), corners)) == 2
    assert len(label_conflicts(parse_augment(("flip", "flip")), corners)) == 2


def test_a_half_turn_by_two_flips_of_their_own() -> None:
    apart = label_conflicts(Augment(Flip(), Flip(False, True)), ("n", "u"))
    assert (
        apart == label_conflicts(parse_augment(("flip:both",)), ("n", "u")) == ["A half turn makes 'n' look like 'u'."]
    )


def test_a_flip_that_never_happens() -> None:
    assert not label_conflicts(Augment(Flip(p=0)), ("left", "right"))


def test_refusals_say_what_to_do() -> None:
    with pytest.raises(
        DataError, match=r"'left' look like 'right'\. The labels would be wrong\. Leave it out .*, and use shift"
    ):
        refuse_conflicts(parse_augment(("flip",)), ("left", "right"))
    with pytest.raises(DataError, match=r"And 3 more\."):
        refuse_conflicts(parse_augment(("flip:both",)), ("top left", "top right", "bottom left", "bottom right"))
    refuse_conflicts(parse_augment(("light",)), ("left", "right"))
    refuse_conflicts(None, ("left", "right"), flips_change_labels=True)


def test_a_recipe_that_says_so() -> None:
    classes = ("arrow 0", "arrow 90")
    refuse_conflicts(parse_augment(("flip",)), classes)
    with pytest.raises(
        DataError, match=r"A horizontal flip changes what these pictures show: their classes differ in direction"
    ):
        refuse_conflicts(parse_augment(("flip",)), classes, flips_change_labels=True)
    refuse_conflicts(parse_augment(("shift:1",)), classes, flips_change_labels=True)
