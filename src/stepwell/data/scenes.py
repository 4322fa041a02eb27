"""Pictures of coloured shapes that are drawn by code, so that what their captions say of them is known to be true."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int64, UInt8
from torch import Tensor

from stepwell.core.errors import DataError
from stepwell.core.keys import Key

SHAPES = ("ball", "square", "cross")
COLOURS = {"red": (225, 50, 50), "green": (50, 190, 70), "blue": (60, 100, 235), "yellow": (235, 215, 60)}
RELATIONS = ("left of", "above")

_LEAST = 16  # pixels a side, below which a ball is a square
_EDGE = 0.22  # of the side: the largest radius and a little more


class Scenes(NamedTuple):
    """Pictures, bytes `(n, 3, size, size)`, and a caption each: "a red ball", or "a red ball left of a blue square"."""

    images: UInt8[Tensor, "n 3 size size"]
    captions: tuple[str, ...]


def scenes(n: int = 3000, size: int = 32, *, seed: int = 0) -> Scenes:
    """Shapes on dark ground: one alone in a fifth of the pictures, else two, the first named left of the other or above it.

    Two that stand beside each other are about level, so only one of the captions is true. A picture depends on `seed` and
    its number alone. Raises `DataError` for no pictures and for fewer than 16 pixels a side.
    """
    if n < 1 or size < _LEAST:
        raise DataError(f"Scenes are 1 or more pictures of {_LEAST} pixels a side or more; not {n} of {size}.")
    key, rows = Key(seed)("scenes"), torch.arange(n)
    shapes = key("shape").integers(rows, 0, len(SHAPES), (2,))
    colours = key("colour").integers(rows, 0, len(COLOURS), (2,))
    relations = key("relation").integers(rows, 0, 5) // 2  # 0 and 1 are those of RELATIONS, 2 is a shape alone
    masks = _masks(shapes, _centres(key, rows, relations) * size, key("radius").uniform(rows, (2,)) * 0.05 + 0.15, size)
    masks[:, 1] &= (relations < len(RELATIONS)).view(-1, 1, 1)
    captions = zip(shapes.tolist(), colours.tolist(), relations.tolist(), strict=True)
    return Scenes(_painted(key, rows, masks, colours), tuple(_caption(*each) for each in captions))


def _centres(key: Key, rows: Tensor, relations: Int64[Tensor, " n"]) -> Float[Tensor, "n 2 2"]:
    """Row and column of the middle of both shapes, in shares of the side."""
    along, level = key("along").uniform(rows, (2,)), key("level").uniform(rows, (1,))
    halves = torch.tensor([0.0, 0.5]) + _EDGE + along * (0.5 - 2 * _EDGE)
    across = _EDGE + level * (1 - 2 * _EDGE) + (key("across").uniform(rows, (2,)) - 0.5) * 0.06
    alone = _EDGE + along * (1 - 2 * _EDGE)
    beside = torch.stack([across, halves], dim=2)
    found = torch.where((relations == 1).view(-1, 1, 1), beside.flip(2), beside)
    return torch.where((relations == len(RELATIONS)).view(-1, 1, 1), alone.unsqueeze(1).expand(-1, 2, -1), found)


def _masks(shapes: Tensor, centres: Tensor, radii: Tensor, size: int) -> Bool[Tensor, "n 2 size size"]:
    """The pixels of both shapes; `centres` in pixels, `radii` in shares of the side."""
    places = torch.arange(size) + 0.5
    down = (places.view(-1, 1) - centres[..., :1, None]).abs()
    right = (places - centres[..., 1:, None]).abs()
    radius = (radii * size)[..., None, None]
    far, near = torch.maximum(down, right), torch.minimum(down, right)
    drawn = (down**2 + right**2 <= radius**2, far <= 0.85 * radius, (near <= radius / 3) & (far <= radius))
    return torch.stack([mask & (shapes == number)[..., None, None] for number, mask in enumerate(drawn)]).any(0)


def _painted(key: Key, rows: Tensor, masks: Tensor, colours: Tensor) -> UInt8[Tensor, "n 3 size size"]:
    """The shapes in their colours, on a ground of one dark grey."""
    inks = torch.tensor(list(COLOURS.values()))[colours]  # (n, 2, 3)
    ground = key("ground").integers(rows, 0, 60).view(-1, 1, 1, 1)
    images = ground.expand(-1, 3, *masks.shape[2:])
    for number in range(2):
        images = torch.where(masks[:, number, None], inks[:, number, :, None, None], images)
    return images.to(torch.uint8)


def _caption(shapes: list[int], colours: list[int], relation: int) -> str:
    names = tuple(COLOURS)
    one, other = (f"a {names[colour]} {SHAPES[shape]}" for shape, colour in zip(shapes, colours, strict=True))
    return one if relation == len(RELATIONS) else f"{one} {RELATIONS[relation]} {other}"
