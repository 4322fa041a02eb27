"""Which parts of a picture a class's probability needs: cover them one by one, and see."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from stepwell.core.errors import ModelError
from stepwell.insight.classes import Classes, as_floats, chosen, probabilities_of

_PARTS = 7  # a patch covers about a seventh of a side


@dataclass(frozen=True, eq=False)
class Occlusion:
    """What covering does to a class's probability: `values` `(n, h, w)` is how much lower it is, on average, while a pixel is
    covered (below zero: covering it helps), `probability` `(n,)` what it is uncovered, and the `classes` `(n,)` asked about.
    """

    values: Tensor
    probability: Tensor
    classes: Tensor
    patch: int


def occlusion(
    model: nn.Module,
    pictures: Tensor,
    classes: Classes = None,
    *,
    patch: int | None = None,
    stride: int | None = None,
    fill: float | None = None,
    batch_size: int = 256,
) -> Occlusion:
    """Move a square over pictures `(n, c, h, w)` and see how far the probability of a class falls.

    `patch` is the square's side in pixels, a seventh of the picture's by default; `stride` its step, half of it. It is filled
    with each picture's own mean, channel by channel, or with the number `fill` (0 to 1 for bytes). The last squares of a row
    and column end at the edge, so that all is covered. A network can also lean on what no one square hides: an even map
    means that. Raises `ModelError` for a square larger than the picture. Source: Zeiler and Fergus, *Visualizing and
    understanding convolutional networks* (2014).
    """
    pixels = as_floats(pictures, model)
    height, width = pixels.shape[2:]
    side = max(1, round(min(height, width) / _PARTS)) if patch is None else patch
    step = max(1, side // 2) if stride is None else stride
    if not 1 <= side <= min(height, width) or step < 1:
        raise ModelError(f"A square of {side} with steps of {step} does not move over pictures of {height} × {width}.")
    before = probabilities_of(model, pixels, batch_size=batch_size)
    asked = chosen(before, classes)
    places = [(y, x) for y in _starts(height, side, step) for x in _starts(width, side, step)]
    whole = before.gather(1, asked[:, None])[:, 0]
    found = [
        _one(model, picture, places, side, fill, int(label), float(now), batch_size)
        for picture, label, now in zip(pixels, asked, whole, strict=True)
    ]
    return Occlusion(torch.stack(found), whole, asked, side)


def _one(
    model: nn.Module,
    picture: Tensor,
    places: list[tuple[int, int]],
    side: int,
    fill: float | None,
    label: int,
    before: float,
    batch_size: int,
) -> Tensor:
    """The mean fall of the probability while each pixel of a picture `(c, h, w)` is covered, `(h, w)`."""
    fallen, times = torch.zeros(picture.shape[1:]), torch.zeros(picture.shape[1:])
    for start in range(0, len(places), batch_size):
        part = places[start : start + batch_size]
        covered = torch.stack(list(_covered(picture, part, side, fill)))
        after = probabilities_of(model, covered, batch_size=batch_size)[:, label]
        for (y, x), now in zip(part, after.tolist(), strict=True):
            fallen[y : y + side, x : x + side] += before - now
            times[y : y + side, x : x + side] += 1
    return fallen / times.clamp(min=1)


def _covered(picture: Tensor, places: list[tuple[int, int]], side: int, fill: float | None) -> Iterator[Tensor]:
    paint = picture.mean(dim=(1, 2)) if fill is None else picture.new_full(picture.shape[:1], fill)
    for y, x in places:
        covered = picture.clone()
        covered[:, y : y + side, x : x + side] = paint[:, None, None]
        yield covered


def _starts(size: int, side: int, step: int) -> list[int]:
    """Where squares begin along a side; the last one ends at the edge."""
    last = size - side
    return [*range(0, last, step), last]
