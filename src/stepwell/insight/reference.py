"""Convolutions and poolings written out, to be read and to be compared with: no torch, no tricks."""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from stepwell.core.errors import ModelError, suggest

Array = npt.NDArray[np.float64]
Padding = Literal["constant", "replicate", "reflect", "circular"]
_NUMPY = {"constant": "constant", "replicate": "edge", "reflect": "reflect", "circular": "wrap"}
_POOLS: dict[str, Callable[[Array], float]] = {
    "max": lambda region: float(region.max()),
    "min": lambda region: float(region.min()),
    "mean": lambda region: float(region.mean()),
}


def convolve_1d(values: Sequence[float], kernel: Sequence[float]) -> list[float]:
    """The kernel's product with each stretch of the values that it covers: `len(values) - len(kernel) + 1` sums.

    As everywhere in deep learning this is a cross-correlation: the kernel is not turned round. (Raff's loop ends one place
    early, and loses the last sum; book row S-30.) Raises `ModelError` where the kernel is longer than the values.
    """
    count = _places(len(values), len(kernel), 1)
    sums = []
    for start in range(count):
        total = 0.0
        for place, weight in enumerate(kernel):
            total += weight * values[start + place]
        sums.append(total)
    return sums


def convolve_2d(image: npt.ArrayLike, kernel: npt.ArrayLike, *, stride: int = 1, bias: float = 0.0) -> Array:
    """A picture `(h, w)` or `(channels, h, w)` under a kernel of as many dimensions and channels: `(rows, columns)` sums.

    Each is the product of the kernel with the region that it covers, over all channels, plus the bias: a filter has as many
    channels as its input, and gives one (Godoy, chapter 6; book rows S25 and S31). Raises `ModelError` for other channels,
    and for a kernel that does not fit.
    """
    pixels, weights = _with_channels(image), _with_channels(kernel)
    if len(pixels) != len(weights):
        raise ModelError(
            f"A filter of {len(weights)} channels does not fit a picture of {len(pixels)}; give it as many."
        )
    regions = _regions(pixels, weights.shape[1], weights.shape[2], stride)
    return np.array([[float((region * weights).sum()) + bias for region in row] for row in regions])


def pool_2d(
    image: npt.ArrayLike, size: int, *, stride: int | None = None, how: Literal["max", "min", "mean"] = "max"
) -> Array:
    """The greatest, least or mean number of each square of a picture `(h, w)`; `stride` is `size` unless it is given."""
    if how not in _POOLS:
        raise ModelError(f"There is no pooling {how!r}; known: {', '.join(_POOLS)}.{suggest(how, _POOLS)}")
    regions = _regions(_with_channels(image), size, size, size if stride is None else stride)
    return np.array([[_POOLS[how](region) for region in row] for row in regions])


def pad_2d(image: npt.ArrayLike, padding: int, *, mode: Padding = "constant", value: float = 0.0) -> Array:
    """A picture `(h, w)` with `padding` rows and columns around it, filled as `nn.functional.pad` fills them.

    `constant` fills with `value`, `replicate` repeats the edge, `reflect` mirrors what is inside of the edge, `circular`
    goes on at the other side.
    """
    if mode not in _NUMPY:
        raise ModelError(f"There is no padding {mode!r}; known: {', '.join(_NUMPY)}.{suggest(mode, _NUMPY)}")
    pixels = np.asarray(image, dtype=np.float64)
    if mode == "constant":
        return np.pad(pixels, padding, constant_values=value)
    return np.pad(pixels, padding, mode=_NUMPY[mode])  # type: ignore[call-overload,no-any-return]


def _regions(pixels: Array, height: int, width: int, stride: int) -> list[list[Array]]:
    """What a window covers at each of its places: rows of regions `(channels, height, width)`."""
    rows, columns = _places(pixels.shape[1], height, stride), _places(pixels.shape[2], width, stride)
    return [
        [pixels[:, y : y + height, x : x + width] for x in range(0, columns * stride, stride)]
        for y in range(0, rows * stride, stride)
    ]


def _places(size: int, kernel: int, stride: int) -> int:
    if not 1 <= kernel <= size or stride < 1:
        raise ModelError(f"A kernel of {kernel} with stride {stride} has no place on a side of {size}.")
    return (size - kernel) // stride + 1


def _with_channels(values: npt.ArrayLike) -> Array:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim not in (2, 3):
        raise ModelError(f"A picture or a kernel is (h, w) or (channels, h, w); got shape {array.shape}.")
    return array[None] if array.ndim == 2 else array
