"""Augmentations in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.core.errors import DataError
from stepwell.data.augment import (
    AUGMENT_HELP,
    AddNoise,
    Affine,
    Augment,
    Crop,
    Erase,
    Flip,
    Jitter,
    Perspective,
    Shift,
    parse_augment,
)
from stepwell.data.augment.parse import SETS, WORDS

READ = {
    "flip": Flip(),
    "flip:vertical": Flip(horizontal=False, vertical=True),
    "flip:both,0.2": Flip(vertical=True, p=0.2),
    "shift": Shift(2),
    "shift:3": Shift(3),
    "crop:4": Crop(4),
    "crop:2,24": Crop(2, 24),
    "affine:15": Affine(15, padding="border"),
    "affine:15,0.05,0.95-1.05,5": Affine(15, 0.05, (0.95, 1.05), 5, padding="border"),
    "affine:0,0,1e-1-1": Affine(scale=(0.1, 1), padding="border"),
    "perspective:0.3,1": Perspective(0.3, 1),
    "jitter:0.4": Jitter(0.4),
    "jitter:0.4,0.3,0.2,0.1": Jitter(0.4, 0.3, 0.2, 0.1),
    "erase": Erase(),
    "erase:1,0.1-0.2,0.5-2": Erase(1, (0.1, 0.2), (0.5, 2)),
    "noise:0.1": AddNoise(0.1),
}


@pytest.mark.parametrize(("word", "operation"), READ.items(), ids=READ.keys())
def test_a_word(word: str, operation: object) -> None:
    assert parse_augment((word,)) == Augment(operation)
    assert parse_augment(word.split(",")) == Augment(operation)  # as a flag that is divided at commas gives it


@given(st.lists(st.sampled_from(list(READ)), min_size=1, max_size=5))
def test_words_one_after_the_other_however_they_are_divided(words: list[str]) -> None:
    due = Augment(*(READ[word] for word in words))
    assert parse_augment(words) == due
    assert parse_augment([",".join(words)]) == due
    assert parse_augment(", ".join(words).split(",")) == due


def test_nothing() -> None:
    assert parse_augment(()) is parse_augment(("none",)) is parse_augment(("",)) is None


@pytest.mark.parametrize("name", SETS)
def test_sets(name: str) -> None:
    due = parse_augment(SETS[name])
    assert parse_augment((name,)) == due
    together = parse_augment(("noise:0.1", name))
    assert together == Augment(AddNoise(0.1), *due.operations)


WRONG = {
    "flp": r"Augmentation knows no 'flp'; there are flip, shift, .* and the sets light, photos, strong\. Did you mean 'flip'\?",
    "permutation:1": r"Augmentation knows no 'permutation'",
    "lihgt": r"Did you mean 'light'\?",
    "flip:vert": r"In flip:vert, direction is one of horizontal, vertical, both; not 'vert'\. Did you mean 'vertical'\?",
    "shift:1.5": r"In shift:1\.5, pixels is a whole number, such as 2; not '1\.5'\.",
    "shift:1,2": r"shift:1,2 has 2 values; shift takes 1 at most: pixels\.",
    "affine:a": r"In affine:a, degrees is a number, such as 0\.5; not 'a'\.",
    "affine:15,0.1,0.9": r"In affine:15,0\.1,0\.9, scale is a range, such as 0\.9-1\.1; not '0\.9'\.",
    "affine:15,0.1,1.1-0.9": r"An affine map's scale is \(1\.1, 0\.9\); give the least and the greatest",
    "affine:-15": r"An affine map's degrees is -15; it must be 0 to 360",
    "affine": r"affine changes nothing; give it values after a colon: degrees, translate, scale, shear\.",
    "jitter": r"jitter changes nothing; give it values after a colon: brightness, contrast, saturation, hue\.",
    "15": r"'15' is a value, and no operation stands before it, as in affine:15\.",
    "none,flip": r"none stands alone; without it, flip would be done\.",
    "erase:2": r"An erasure's p is 2; it must be 0 to 1\.",
    "noise:nan": r"The std of noise is nan; it must be 0 or more\.",
}


@pytest.mark.parametrize(("words", "said"), WRONG.items(), ids=WRONG.keys())
def test_wrong_words_teach(words: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        parse_augment((words,))


def test_the_help_names_every_operation_and_set() -> None:
    assert all(word in AUGMENT_HELP for word in (*WORDS, *SETS))
    assert "\n" not in AUGMENT_HELP
    example = AUGMENT_HELP.partition("such as ")[2].partition(";")[0]
    assert len(parse_augment((example,)).operations) == 3
