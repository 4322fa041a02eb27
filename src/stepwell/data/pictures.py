"""Pictures as tensors, channels first: read from any format that Pillow knows, scaled, normalised channel by channel."""

import struct
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from jaxtyping import Float, Float64, Int64, UInt8
from PIL import Image, ImageOps
from torch import Tensor

from stepwell.core.errors import DataError

SUFFIXES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".bmp", ".dib", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm",
    ".pnm", ".jp2", ".j2k", ".ico",
)  # fmt: skip
"""How the names of pictures end. Which format a file has is told by its first bytes."""

MOST_PIXELS = 89_478_485
"""Pixels of the largest picture that is decoded, which is where Pillow begins to warn: a quarter of a gigabyte."""

# Formats that Pillow decodes itself. It gives EPS to Ghostscript, which runs programs, and tries TGA on any bytes.
_FORMATS = ("JPEG", "PNG", "GIF", "BMP", "PPM", "WEBP", "TIFF", "JPEG2000", "DIB", "ICO")
_BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)
# What decoders raise for broken files:
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, struct.error)
_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_90,
}  # fmt: skip
_COUNTED_BYTES = 2**22


def read_picture(path: Path | str, *, size: tuple[int, int] | None = None) -> UInt8[Tensor, "3 h w"]:
    """The picture in `path` as red, green and blue, 0 to 255, upright as its EXIF orientation says, if that can be read.

    Grey and palettes become three channels; of 16 bits the upper 8 stay. An alpha channel is left out, not blended with a
    background. `size=(height, width)` scales the picture until it covers that size and cuts off what stands out on two sides.
    Raises `DataError` for a file that is missing, truncated or no picture, for 32-bit pixels, and for more than
    `MOST_PIXELS`, before they are decoded. Source: Stevens et al., section 4.1 (book row S4.1).
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"There is no file {path}.")
    check_size(size)
    try:
        with quiet_decoders(), opened(path) as image:
            pixels = pixels_of(image, size=size, channels=3)
    except DataError as error:
        raise DataError(f"{path} {error} Replace the file or leave it out.") from None
    return torch.from_numpy(pixels.transpose(2, 0, 1).copy())


@contextmanager
def quiet_decoders() -> Iterator[None]:
    """Within it, Pillow's warnings of odd files are not shown, and that of very many pixels is an error for `opened`."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="PIL")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


@contextmanager
def opened(file: Path | str | IO[bytes]) -> Iterator[Image.Image]:
    """The picture in a file, of which only the beginning was read; to be used within `quiet_decoders`.

    Raises `DataError` whose text goes on after the file's name, here and for what goes wrong within.
    """
    try:
        with Image.open(file, formats=_FORMATS) as image:
            yield image
    except _BOMBS:
        raise DataError(
            f"has more than {MOST_PIXELS:,} pixels, which is the most that are decoded: a small file of very many pixels fills"
            " the memory (a decompression bomb)."
        ) from None
    except _BROKEN as error:
        raise DataError(f"cannot be read as a picture: {_without_place(error)}.") from None


def pixels_of(
    image: Image.Image, *, size: tuple[int, int] | None, channels: int
) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """The pixels of an opened picture, upright: uint8 (height, width, channels). `size` as in `read_picture`.

    1 channel is brightness: 0.299 red + 0.587 green + 0.114 blue. Raises what decoders raise; `opened` makes it a
    `DataError`.
    """
    plain = _eight_bits(_upright(image))
    mode = "L" if channels == 1 else "RGB"
    if plain.mode != mode:
        plain = plain.convert(mode)
    if size is not None and plain.size != (size[1], size[0]):
        plain = ImageOps.fit(plain, (size[1], size[0]), Image.Resampling.BILINEAR)
    return np.asarray(plain).reshape(plain.height, plain.width, channels)


def is_grey(image: Image.Image) -> bool:
    """Whether a picture, by its header, has one channel beside its alpha. A palette counts as colour."""
    return image.mode in ("1", "L", "LA", "La") or _has_16_bits(image)


def upright_size(image: Image.Image) -> tuple[int, int]:
    """Height and width of an opened picture after its EXIF orientation, by its header."""
    turned = image.format != "TIFF" and _orientation(image) >= 5  # of a TIFF Pillow states the upright size
    return (image.width, image.height) if turned else (image.height, image.width)


def check_size(size: tuple[int, int] | None) -> None:
    """Raise `DataError` for a size without pixels."""
    if size is not None and min(size) < 1:
        raise DataError(f"size={size} has no pixels; give (height, width), both 1 or more.")


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


def channel_statistics(
    pictures: Tensor, rows: Tensor | None = None
) -> tuple[Float64[Tensor, " c"], Float64[Tensor, " c"]]:
    """Mean and standard deviation (n - 1, as `Tensor.std`) of each channel over all pixels of `pictures` (n, c, h, w), or of
    those that `rows` (int64) number.

    Both are float64, in the units of `pictures`: 0 to 255 for bytes, 0 to 1 for scaled ones. Take them once, over all
    training pictures. Of bytes they are exact, from how often each value occurs. Memory is that of a few pictures. Raises
    `DataError` for another shape and for fewer than two pixels.
    """
    chosen = torch.arange(len(pictures)) if rows is None else rows
    if pictures.ndim != 4 or (pixels := len(chosen) * pictures[0, 0].numel() if len(chosen) else 0) < 2:
        shape = (len(chosen), *pictures.shape[1:])
        raise DataError(f"Statistics need 2 or more pixels, (n, channels, height, width), but got {shape}.")
    if pictures.dtype == torch.uint8:
        return moments(pixels, *_sums_of_counts(channel_counts(pictures, rows)))
    total = torch.zeros(pictures.shape[1], dtype=torch.float64)
    mean = sum((pictures[row].cpu().double().sum((1, 2)) for row in chosen), total) / pixels
    centre = mean.view(-1, 1, 1)
    squares = sum(((pictures[row].cpu().double() - centre).square().sum((1, 2)) for row in chosen), total)
    return mean, (squares / (pixels - 1)).sqrt()


def channel_counts(pictures: UInt8[Tensor, "n c h w"], rows: Tensor | None = None) -> Int64[Tensor, "c 256"]:
    """How often each value occurs in each channel, over all pictures or those that `rows` (int64) number."""
    counts = torch.zeros(pictures.shape[1], 256, dtype=torch.int64)
    at_once = max(1, _COUNTED_BYTES // max(pictures[:1].numel(), 1))
    for start in range(0, len(pictures) if rows is None else len(rows), at_once):
        end = start + at_once
        block = pictures[start:end] if rows is None else pictures.index_select(0, rows[start:end])
        for channel, count in enumerate(counts):
            count += torch.bincount(block[:, channel].flatten(), minlength=256).cpu()
    return counts


def moments(
    pixels: int, sums: Sequence[int], squares: Sequence[int]
) -> tuple[Float64[Tensor, " c"], Float64[Tensor, " c"]]:
    """Mean and standard deviation (n - 1) of each channel from the whole-number sums of its values and of their squares.

    In whole numbers nothing is rounded before the last division.
    """
    mean = torch.tensor([total / pixels for total in sums], dtype=torch.float64)
    spread = [pixels * square - total * total for total, square in zip(sums, squares, strict=True)]
    return mean, torch.tensor([each / (pixels * (pixels - 1)) for each in spread], dtype=torch.float64).sqrt()


def _sums_of_counts(counts: Int64[Tensor, "c 256"]) -> tuple[list[int], list[int]]:
    values = torch.arange(256)
    return (counts * values).sum(1).tolist(), (counts * values * values).sum(1).tolist()


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


def _eight_bits(image: Image.Image) -> Image.Image:
    if _has_16_bits(image):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise DataError(f"has 32-bit pixels (mode {image.mode}) of no known range; save it with 8 or 16 bits.")
    if image.mode == "P":
        return image.convert("RGBA")  # the palette may hold alpha
    return image


def _has_16_bits(image: Image.Image) -> bool:
    # A PGM of more than 8 bits Pillow opens with 32, but scales to 0..65535.
    return image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PPM")


def _upright(image: Image.Image) -> Image.Image:
    """The picture, turned. Pillow's `exif_transpose` also writes the EXIF anew, which fails for odd fields in it."""
    if _orientation(image) == 1:
        return image
    image.load()  # a TIFF turns itself then
    turn = _TURNS.get(_orientation(image))
    return image if turn is None else image.transpose(turn)


def _orientation(image: Image.Image) -> int:
    """1 to 8, as EXIF numbers them. It is 1, upright, where nothing says or what does cannot be read: the pixels may be sound."""
    # Asking every JPEG for its EXIF would take a tenth of decoding a small one.
    if image.format == "JPEG" and "exif" not in image.info and "xmp" not in image.info:
        return 1
    if image.format == "PNG" and "exif" not in image.info:
        image.load()  # EXIF may follow the pixels, whose damage is to be raised
    try:
        given = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # noqa: BLE001 - of odd EXIF Pillow raises SyntaxError, struct.error, TypeError and others
        return 1
    return given if isinstance(given, int) and given in _TURNS else 1


def _without_place(error: Exception) -> str:
    """What a decoder says, without the address of a stream or the path that its caller names anyway."""
    said = str(error) or type(error).__name__
    return "its content is of no known format" if said.startswith("cannot identify image file") else said.rstrip(".")


def _channels(values: Tensor, like: Tensor) -> Tensor:
    return values.to(like).view(-1, 1, 1)
