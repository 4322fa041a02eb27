import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from stepwell.core.errors import DataError
from stepwell.data.framing import framed


def reference(picture: torch.Tensor, shorter: int, crop: int) -> np.ndarray:
    """What the book's transforms do, by their documentation: the sides, then the place of the crop."""
    image = Image.fromarray(picture.permute(1, 2, 0).numpy())
    width, height = image.size
    if width < height:
        image = image.resize((shorter, int(shorter * height / width)), Image.BILINEAR)
    else:
        image = image.resize((int(shorter * width / height), shorter), Image.BILINEAR)
    rows = np.asarray(image)
    top, left = int(round((rows.shape[0] - crop) / 2.0)), int(round((rows.shape[1] - crop) / 2.0))
    return rows[top : top + crop, left : left + crop]


@settings(max_examples=40)
@given(st.integers(1, 90), st.integers(1, 90), st.integers(1, 48), st.integers(0, 16), st.integers(0, 99))
def test_it_is_pillows_scaling_and_the_middle(height: int, width: int, crop: int, more: int, seed: int) -> None:
    source = torch.Generator().manual_seed(seed)
    picture = torch.randint(0, 256, (3, height, width), dtype=torch.uint8, generator=source)
    found = framed(picture, crop + more, crop)
    assert found.shape == (3, crop, crop)
    np.testing.assert_array_equal(found.permute(1, 2, 0).numpy(), reference(picture, crop + more, crop))


def test_a_picture_of_that_size_stays_as_it_is() -> None:
    picture = torch.randint(0, 256, (3, 32, 40), dtype=torch.uint8)
    assert torch.equal(framed(picture, 32, 32), picture[:, :, 4:36])


def test_a_crop_that_does_not_fit() -> None:
    with pytest.raises(
        DataError, match="A middle of 224 pixels cannot be cut out of a picture whose shorter side has 100"
    ):
        framed(torch.zeros(3, 9, 9, dtype=torch.uint8), 100, 224)
