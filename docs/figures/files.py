"""Files of the data folder, as arrays."""

import struct
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
from PIL import Image

from figures.entry import data_path

Array = npt.NDArray[np.float64]
_POSITION, _INTERCEPT, _SLOPE = (tag + b"DS" for tag in (b"\x20\x00\x32\x00", b"\x28\x00\x52\x10", b"\x28\x00\x53\x10"))
_PIXELS = b"\xe0\x7f\x10\x00OW\x00\x00"


@cache
def bikes() -> pl.DataFrame:
    """The book's hours of bike rentals, 730 days of 24."""
    return pl.read_csv(data_path("bike-sharing/hour-fixed.csv"))


@cache
def wine() -> pl.DataFrame:
    """White wines: eleven measurements and a quality."""
    return pl.read_csv(data_path("wine/winequality-white.csv"), separator=";", schema_overrides=[pl.Float64] * 12)


def picture(name: str, width: int) -> Array:
    """A picture as `(3, height, width)` in [0, 1], made smaller."""
    image = Image.open(data_path(name)).convert("RGB")
    small = image.resize((width, round(width * image.height / image.width)), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float64).transpose(2, 0, 1) / 255


def ct_slices(folder: str, numbers: list[int], step: int) -> Array:
    """Slices of a CT in Hounsfield units, counted from the feet, every `step`-th pixel: `(slices, rows, columns)`.

    The files are uncompressed DICOM; their order is that of the patient's position, not of their names.
    """
    files = sorted(data_path(folder).glob("*.dcm"), key=_height)
    return np.stack([_slice(files[number])[::step, ::step] for number in numbers])


def _height(file: Path) -> float:
    data = file.read_bytes()
    return float(_text(data, _POSITION).split("\\")[2])


def _text(data: bytes, tag: bytes) -> str:
    """What stands under a tag of decimal texts."""
    start = data.index(tag) + len(tag)
    (length,) = struct.unpack("<H", data[start : start + 2])
    return data[start + 2 : start + 2 + length].decode("ascii")


def _slice(file: Path) -> Array:
    data = file.read_bytes()
    start = data.index(_PIXELS) + len(_PIXELS) + 4
    return np.frombuffer(data[start : start + 2 * 512 * 512], "<i2").reshape(512, 512) * float(
        _text(data, _SLOPE)
    ) + float(_text(data, _INTERCEPT))
