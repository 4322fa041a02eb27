"""What may make the scores on pictures wrong: copies on two sides, uneven classes, pictures that were enlarged."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from stepwell.data.images.layout import listed
from stepwell.data.proportions import SIDES
from stepwell.data.splits import Split

_NAMES = {"train": "training", "val": "validation", "test": "test"}
_UNEVEN = 10
_FEW = 10
_SHOWN = 3
_DARK = 0.05


STATED = "as the data states it"
"""How a split is called whose sides the data itself names."""


def copies(digests: Int64[Tensor, " n"], names: Sequence[str], split: Split) -> list[str]:
    """A sentence for each pair of sides that share pictures, equal in all pixels, with the names of some."""
    found = []
    stated = split.how.startswith(STATED)  # by folders or a column, which are kept
    mend = "" if stated else ", or keep equal pictures on one side (--copies together)"
    for first, second in combinations([side for side in SIDES if side in split.rows], 2):
        a, b = split.rows[first], split.rows[second]
        shared = b[torch.isin(digests[b], digests[a])]
        if not len(shared):
            continue
        where = {int(digest): int(row) for digest, row in zip(digests[a], a, strict=True)}
        pairs = ", ".join(f"{names[row]} = {names[where[int(digests[row])]]}" for row in shared[:_SHOWN].tolist())
        share = 100 * len(shared) / len(b)
        percent = f"{share:.2g}" if share < 10 else f"{share:.0f}"  # 100, where .2g says 1e+02
        found.append(
            f"{len(shared):,} of {len(b):,} {_NAMES[second]} pictures ({percent} %) are {_NAMES[first]} pictures, too, equal in"
            f" all pixels (such as {pairs}), so {_NAMES[second]} scores reward memory as well as learning: remove the copies{mend}."
        )
    return found


def contradictions(
    digests: Int64[Tensor, " n"], labels: Tensor, names: Sequence[str], classes: Sequence[str]
) -> list[str]:
    """A sentence where equal pictures have different classes, with the names of some."""
    _, member = np.unique(digests.numpy(), return_inverse=True)
    order = np.lexsort((labels.numpy(), member))
    same = member[order[1:]] == member[order[:-1]]
    differ = np.flatnonzero(same & (labels.numpy()[order[1:]] != labels.numpy()[order[:-1]]))
    if not len(differ):
        return []
    pairs = [(int(order[place]), int(order[place + 1])) for place in differ[:_SHOWN]]
    named = [[f"{names[row]} ({classes[int(labels[row])]})" for row in pair] for pair in pairs]
    shown = ", ".join(map(" = ".join, named))
    many = "A pair of equal pictures has" if len(differ) == 1 else f"{len(differ):,} pairs of equal pictures have"
    return [f"{many} different classes (such as {shown}); no network can tell them apart. Mend the labels."]


def class_warnings(labels: Tensor, classes: Sequence[str], split: Split) -> list[str]:
    """Sentences on classes of which training has few pictures, or many times fewer than of another."""
    counts = torch.bincount(labels[split.rows["train"]], minlength=len(classes)).tolist()
    few = [name for name, count in zip(classes, counts, strict=True) if count < _FEW]
    found = (
        [f"Training has fewer than {_FEW} pictures of {listed(few)}: too few to learn from or to judge by."]
        if few
        else []
    )
    most, least = max(counts), min(counts)
    if least and most >= _UNEVEN * least:
        large, small = classes[counts.index(most)], classes[counts.index(least)]
        found.append(
            f"The classes are uneven: training has {most:,} pictures of {large!r} and {least:,} of {small!r}. Accuracy hardly sees"
            " the small ones; judge by the recall of each class, and try a balanced order."
        )
    return found


def size_warnings(sizes: Int64[Tensor, "n 2"], size: tuple[int, int], names: Sequence[str]) -> list[str]:
    """A sentence on the pictures that are smaller than what they were scaled to."""
    small = (sizes < torch.tensor(size)).any(1).nonzero()[:, 0]
    if not len(small):
        return []
    row = int(small[sizes[small].prod(1).argmin()])
    height, width = sizes[row].tolist()
    return [
        f"{len(small):,} of {len(sizes):,} pictures are smaller than {size[0]}×{size[1]} and were enlarged, which adds no detail"
        f" (the smallest, {names[row]}, is {height}×{width}): a smaller size trains faster and may be as good."
    ]


def value_warnings(mean: Sequence[float], std: Sequence[float], constant: Sequence[int]) -> list[str]:
    """Sentences on channels that are constant, and on pictures that are nearly black."""
    found = [f"Channel {channel} has one value in all training pictures, so it says nothing." for channel in constant]
    if max(mean) < _DARK and max(std) < _DARK and len(constant) < len(mean):
        found.append(
            f"The training pictures are nearly black (mean {max(mean):.3f} of 1). Files of 16 bits keep their upper 8: if their"
            " values are small, as of a camera with 12 bits, scale them up before."
        )
    return found
