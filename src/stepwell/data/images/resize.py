"""Pictures in memory made another size, or another number of channels."""

from dataclasses import replace

import torch
import torch.nn.functional as F
from jaxtyping import UInt8
from torch import Tensor

from stepwell.core.errors import DataError
from stepwell.data.images.parts import Size
from stepwell.data.images.stored import Images
from stepwell.data.pictures import check_size
from stepwell.data.tables.memory import available_memory, human

_AT_ONCE = 1024
_BRIGHTNESS = (0.299, 0.587, 0.114)


def resized(images: Images, size: Size | None, channels: int | None) -> Images:
    """The images scaled until they cover `size` (height, width), what stands out cut, with 1 or 3 channels; None changes
    nothing. As `decode` does it with files, to within 1 of 255 where the scaled sides are whole numbers of pixels.

    Raises `DataError` where the result would take more than half of the memory that is available.
    """
    _, own, height, width = images.images.shape
    size, channels = size or (height, width), channels or own
    check_size(size)
    if (size, channels) == ((height, width), own):
        return images
    need, available = len(images) * channels * size[0] * size[1], available_memory()
    if need > available // 2:
        raise DataError(
            f"{images.title}: {len(images):,} pictures of {size[0]}×{size[1]} take {human(need)} of memory, of which"
            f" {human(available)} are available. Take a smaller size or fewer pictures."
        )
    made = torch.empty((len(images), channels, *size), dtype=torch.uint8)
    for start in range(0, len(images), _AT_ONCE):
        block = _with_channels(images.images[start : start + _AT_ONCE], channels)
        made[start : start + _AT_ONCE] = _scaled(block, size)
    return replace(images, images=made)


def _scaled(images: UInt8[Tensor, "n c h w"], size: Size) -> Tensor:
    scale = max(size[0] / images.shape[2], size[1] / images.shape[3])
    covering = [max(due, round(own * scale)) for due, own in zip(size, images.shape[2:], strict=True)]
    scaled = F.interpolate(images, covering, mode="bilinear", antialias=True)
    top, left = (covering[0] - size[0]) // 2, (covering[1] - size[1]) // 2
    return scaled[:, :, top : top + size[0], left : left + size[1]]


def _with_channels(images: UInt8[Tensor, "n c h w"], channels: int) -> Tensor:
    if images.shape[1] == channels:
        return images
    if images.shape[1] == 1:
        return images.expand(-1, channels, -1, -1)
    weights = torch.tensor(_BRIGHTNESS).view(1, 3, 1, 1)
    return (images * weights).sum(1, keepdim=True).round().to(torch.uint8)
