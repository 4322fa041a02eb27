"""Points in a ball of many dimensions, in two classes: Godoy's example of gradients that vanish."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor


class Ball(NamedTuple):
    """Points in a ball: `x` float64 `(n, dimensions)` of standard deviation 1, `labels` int64 `(n,)`, 0 or 1."""

    x: Tensor
    labels: Tensor


def ball(n: int = 1000, dimensions: int = 10, *, fraction: float = 0.5, seed: int = 13) -> Ball:
    """`n` points spread evenly in a ball; class 1 are those whose coordinates' sum is, either way, above `fraction` of the radius.

    At the defaults they are the 1,000 points of the extra chapter's `load_data`, 612 of them of class 1 (book rows SE.1 to
    SE.3). The chapter's text says that class 1 lies outside half the radius, which would be 999 of them.
    """
    random, radius = np.random.RandomState(seed), np.sqrt(dimensions)
    points = random.normal(size=(n, dimensions))
    points *= radius / np.linalg.norm(points, axis=1, keepdims=True) * random.uniform(size=(n, 1)) ** (1 / dimensions)
    scale = points.std()
    points, radius = points / scale, radius / scale
    labels = np.abs(points.sum(axis=1)) > fraction * radius
    mixed = np.random.RandomState(seed).permutation(n)
    return Ball(torch.from_numpy(points[mixed]), torch.from_numpy(labels[mixed].astype(np.int64)))
