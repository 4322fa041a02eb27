"""Augmentation: whole batches of images on their device, each row by draws of its own.

An operation is a frozen dataclass and a row of `tests/unit/data/augment/test_rows.py`; `parse_augment` knows it by a word.
Flips, shifts, crops, erasing and the permutation keep bytes; the others make floats from 0 to 1 of them.
"""

from stepwell.data.augment.affine import Affine
from stepwell.data.augment.augment import Augment, examples
from stepwell.data.augment.colour import AddNoise, Jitter
from stepwell.data.augment.erase import Erase
from stepwell.data.augment.labels import label_conflicts, refuse_conflicts
from stepwell.data.augment.moves import Crop, Flip, Permutation, Shift
from stepwell.data.augment.operation import Operation
from stepwell.data.augment.parse import AUGMENT_HELP, parse_augment
from stepwell.data.augment.perspective import Perspective

__all__ = [
    "AUGMENT_HELP",
    "AddNoise",
    "Affine",
    "Augment",
    "Crop",
    "Erase",
    "Flip",
    "Jitter",
    "Operation",
    "Permutation",
    "Perspective",
    "Shift",
    "examples",
    "label_conflicts",
    "parse_augment",
    "refuse_conflicts",
]
