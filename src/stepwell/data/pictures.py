"""Pictures as tensors, channels first: read from any format that Pillow knows, scaled, normalised channel by channel."""

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Float64, UInt8
from PIL import Image, ImageOps
from torch import Tensor

from stepwell.core.errors import DataError

# What decoders raise for broken files:
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError)


def read_picture(path: Path | str, *, size: tuple[int, int] | None = None) -> UInt8[Tensor, "3 h w"]:
    """The picture in `path` as red, green and blue, 0 to 255, upright as its EXIF orientation says.

    Grey and palettes become three channels; of 16 bits the upper 8 stay. An alpha channel is left out, not blended with a
    background. `size=(height, width)` scales the picture until it covers that size and cuts off what stands out on two sides.
    Raises `DataError` for a file that is missing, truncated or no picture, and for 32-bit pixels. Source: Stevens et al.,
    section 4.1 (book row S4.1).
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"There is no file {path}.")
    if size is not None and min(size) < 1:
        raise DataError(f"size={size} has no pixels; give (height, width), both 1 or more.")
    try:
        with Image.open(path) as image:
            upright = _rgb(ImageOps.exif_transpose(image), path)
    except _BROKEN as error:
        raise DataError(f"{path} cannot be read as a picture: {error}. Replace the file or leave it out.") from None
    if size is not None:
        upright = ImageOps.fit(upright, (size[1], size[0]), Image.Resampling.BILINEAR)
    return torch.from_numpy(np.array(upright)).permute(2, 0, 1).contiguous()


def read_pictures(paths: Sequence[Path | str], *, size: tuple[int, int] | None = None) -> UInt8[Tensor, "n 3 h w"]:
    """The pictures as one batch, in the order of `paths`. Raises `DataError` for no paths and names sizes unlike the first's."""
    if not paths:
        raise DataError("There are no pictures to read: the list of paths is empty.")
    first = read_picture(paths[0], size=size)
    batch = first.new_empty(len(paths), *first.shape)
    others: list[str] = []
    for place, path in enumerate(paths):
        picture = read_picture(path, size=size) if place else first
        if picture.shape == first.shape:
            batch[place] = picture
        else:
            others.append(f"{path} {tuple(picture.shape[1:])}")
    if others:
        more = f" and {len(others) - 5} more" if len(others) > 5 else ""
        differ = f"{paths[0]} is {tuple(first.shape[1:])}, but not {', '.join(others[:5])}{more}"
        raise DataError(f"{differ}; give size=(height, width) to make them alike.")
    return batch


def scaled(pictures: UInt8[Tensor, "*n c h w"]) -> Float[Tensor, "*n c h w"]:
    """Bytes 0 to 255 as float32 0 to 1. Raises `DataError` for what is no uint8, so that nothing is scaled twice."""
    if pictures.dtype != torch.uint8:
        raise DataError(f"Pictures to scale are bytes (torch.uint8), but these are {pictures.dtype}: scaled already?")
    return pictures.float() / 255


def channel_statistics(pictures: Tensor) -> tuple[Float64[Tensor, " c"], Float64[Tensor, " c"]]:
    """Mean and standard deviation (n - 1, as `Tensor.std`) of each channel over all pixels of `pictures` (n, c, h, w).

    Both are float64, in the units of `pictures`: 0 to 1 for scaled ones. Take them once, over all training pictures. Memory
    is that of one picture. Raises `DataError` for another shape and for fewer than two pixels.
    """
    if pictures.ndim != 4 or (pixels := pictures[:, 0].numel()) < 2:
        raise DataError(
            f"Statistics need 2 or more pixels, (n, channels, height, width), but got {tuple(pictures.shape)}."
        )
    total = torch.zeros(pictures.shape[1], dtype=torch.float64)
    mean = sum((one.cpu().double().sum((1, 2)) for one in pictures), total) / pixels
    centre = mean.view(-1, 1, 1)
    squares = sum(((one.cpu().double() - centre).square().sum((1, 2)) for one in pictures), total)
    return mean, (squares / (pixels - 1)).sqrt()


def normalised(x: Tensor, mean: Tensor, std: Tensor) -> Float[Tensor, "*n c h w"]:
    """`(x - mean) / std`, channel by channel, for a picture or a batch (…, c, h, w) in the units of the statistics.

    Bytes become float32. Raises `DataError` for statistics of other channels and for a constant channel, whose std is 0.
    """
    if not mean.shape == std.shape == x.shape[-3:-2]:
        shapes = ", ".join(str(tuple(each.shape)) for each in (x, mean, std))
        raise DataError(
            f"Pictures (…, channels, height, width) need a mean and std per channel, but shapes are {shapes}."
        )
    if constant := (std <= 0).nonzero().flatten().tolist():
        raise DataError(f"std is 0 for channels {constant}: they say nothing; leave them out or give a std of 1.")
    values = x if x.is_floating_point() else x.float()
    return (values - _channels(mean, values)) / _channels(std, values)


def unnormalised(x: Float[Tensor, "*n c h w"], mean: Tensor, std: Tensor) -> Float[Tensor, "*n c h w"]:
    """`x * std + mean`: what `normalised` was given, to within the dtype's rounding, for plotting."""
    return x * _channels(std, x) + _channels(mean, x)


def _rgb(image: Image.Image, path: Path) -> Image.Image:
    if image.mode in ("I", "F"):
        raise DataError(f"{path} has 32-bit pixels (mode {image.mode}) of no known range; save it with 8 or 16 bits.")
    if image.mode.startswith("I;16"):
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode == "P":
        image = image.convert("RGBA")  # the palette may hold alpha
    return image.convert("RGB")


def _channels(values: Tensor, like: Tensor) -> Tensor:
    return values.to(like).view(-1, 1, 1)
