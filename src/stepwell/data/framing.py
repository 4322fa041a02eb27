"""The middle of a picture, at the size at which networks that were trained on ImageNet are shown it."""

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image
from torch import Tensor

from stepwell.core.errors import DataError


def framed(picture: UInt8[Tensor, "3 h w"], shorter: int = 256, crop: int = 224) -> UInt8[Tensor, "3 {crop} {crop}"]:
    """The picture scaled until its shorter side has `shorter` pixels, and the middle `crop` × `crop` of it.

    It is scaled by Pillow's bilinear filter, which takes the mean of what becomes one pixel; the longer side is rounded down.
    Source: Stevens et al., section 2.1 (book row S2.2), whose torchvision transforms give the same bytes. Raises `DataError`
    where the crop is larger than `shorter`.
    """
    if not 0 < crop <= shorter:
        raise DataError(f"A middle of {crop} pixels cannot be cut out of a picture whose shorter side has {shorter}.")
    height, width = picture.shape[1:]
    short = min(height, width)
    size = shorter * width // short, shorter * height // short
    image = Image.fromarray(picture.permute(1, 2, 0).contiguous().numpy())
    scaled = image.resize(size, Image.Resampling.BILINEAR)
    left, top = (round((side - crop) / 2) for side in size)
    middle = scaled.crop((left, top, left + crop, top + crop))
    return torch.from_numpy(np.array(middle)).permute(2, 0, 1).contiguous()
