"""Pictures in memory made another size."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from stepwell.core.errors import DataError
from stepwell.data.images.resize import resized
from stepwell.data.images.stored import Images

RNG = np.random.default_rng(0)


def images(height: int, width: int, channels: int = 3) -> Images:
    pixels = torch.from_numpy(RNG.integers(0, 256, (5, channels, height, width), dtype=np.uint8))
    return Images(pixels, torch.zeros(5, dtype=torch.int64), ("a", "b"), tuple("vwxyz"))


@pytest.mark.parametrize(
    ("own", "size"),
    [((28, 28), (64, 64)), ((32, 32), (20, 20)), ((300, 300), (28, 28)), ((40, 60), (20, 20)), ((30, 20), (60, 20))],
)
def test_it_is_pillows_way(own: tuple[int, int], size: tuple[int, int]) -> None:
    given = images(*own)
    got = resized(given, size, None)
    assert (got.images.shape, got.images.dtype, got.names) == ((5, 3, *size), torch.uint8, given.names)
    for ours, picture in zip(got.images, given.images, strict=True):
        plain = Image.fromarray(picture.permute(1, 2, 0).numpy())
        due = np.asarray(ImageOps.fit(plain, (size[1], size[0]), Image.Resampling.BILINEAR)).astype(int)
        assert np.abs(ours.permute(1, 2, 0).numpy() - due).max() <= 1


def test_channels() -> None:
    grey, colour = images(3, 3, 1), images(3, 3)
    assert torch.equal(resized(grey, None, 3).images, grey.images.expand(-1, 3, -1, -1))
    for ours, picture in zip(resized(colour, None, 1).images, colour.images, strict=True):
        due = np.asarray(Image.fromarray(picture.permute(1, 2, 0).numpy()).convert("L")).astype(int)
        assert np.abs(ours[0].numpy() - due).max() <= 1
    assert resized(grey, (3, 3), 1) is grey
    assert resized(grey, None, None) is grey


def test_what_memory_cannot_hold_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEPWELL_MEMORY", "1MB")
    with pytest.raises(DataError, match=r"images: 5 pictures of 500×500 take 3\.8 MB of memory, of which 1\.0 MB are"):
        resized(images(4, 4), (500, 500), None)
    with pytest.raises(DataError, match="no pixels"):
        resized(images(4, 4), (0, 5), None)
