"""Whether a classifier still knows a picture that is moved by a few pixels."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from stepwell.core.errors import ModelError
from stepwell.insight.classes import Classes, as_floats, chosen, probabilities_of


@dataclass(frozen=True, eq=False)
class Shifts:
    """A class's probability under shifts: `probabilities[name]` is `(n, shifts, shifts)`, rows down, columns to the right.

    `offsets` are the shifts in pixels along a side, from `-reach` to `reach`; `probabilities[name][:, reach, reach]` is that of
    the picture as it is.
    """

    offsets: tuple[int, ...]
    probabilities: dict[str, Tensor]
    classes: Tensor

    def at(self, name: str, down: int, right: int) -> Tensor:
        """The probability `(n,)` that a model gives when pictures are moved `down` and `right` (negative: up and left)."""
        return self.probabilities[name][:, self.offsets.index(down), self.offsets.index(right)]

    def spread(self, name: str) -> float:
        """The mean over pictures of the largest less the least probability: 0 for a model that no shift disturbs."""
        flat = self.probabilities[name].flatten(1)
        return float((flat.amax(dim=1) - flat.amin(dim=1)).mean())


def shifted(pictures: Tensor, down: int, right: int, *, wrap: bool = True) -> Tensor:
    """Pictures `(…, h, w)` moved down and to the right by whole pixels.

    What leaves on one side comes in at the other (as `np.roll`), or with `wrap=False` zeros come in.
    """
    moved = torch.roll(pictures, (down, right), dims=(-2, -1))
    if not wrap:
        height, width = pictures.shape[-2:]
        if down:
            moved[..., slice(0, down) if down > 0 else slice(max(height + down, 0), height), :] = 0
        if right:
            moved[..., slice(0, right) if right > 0 else slice(max(width + right, 0), width)] = 0
    return moved


def translation_probe(
    models: Mapping[str, nn.Module] | nn.Module,
    pictures: Tensor,
    classes: Classes = None,
    *,
    reach: int = 1,
    wrap: bool = True,
) -> Shifts:
    """The probability of the pictures' classes under every shift of up to `reach` pixels down, up and to both sides.

    `models` are classifiers by name, or one, which is then called `model`. Give the true `classes`; by default they are those
    that the first model finds most likely in pictures that are not moved. Source: Raff, section 3.5 (book row S-33).
    """
    named = {"model": models} if isinstance(models, nn.Module) else dict(models)
    if not named or reach < 0:
        raise ModelError(f"A probe needs a model and a reach of 0 or more; got {len(named)} models and {reach}.")
    first = next(iter(named.values()))
    asked = chosen(probabilities_of(first, pictures), classes)
    offsets = tuple(range(-reach, reach + 1))
    found = {name: _probed(model, pictures, asked, offsets, wrap) for name, model in named.items()}
    return Shifts(offsets, found, asked)


def _probed(model: nn.Module, pictures: Tensor, classes: Tensor, offsets: tuple[int, ...], wrap: bool) -> Tensor:
    pixels = as_floats(pictures, model)
    each = [probabilities_of(model, moved).gather(1, classes[:, None])[:, 0] for moved in _moved(pixels, offsets, wrap)]
    return torch.stack(each, dim=1).reshape(-1, len(offsets), len(offsets))


def _moved(pixels: Tensor, offsets: tuple[int, ...], wrap: bool) -> Iterator[Tensor]:
    return (shifted(pixels, down, right, wrap=wrap) for down in offsets for right in offsets)
