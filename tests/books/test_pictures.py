"""Pictures and scans: *Deep Learning with PyTorch*, chapter 4, rows S4.1 and S4.2, capabilities C14 and C15."""

import os
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

import stepwell
from stepwell.data import channel_statistics, normalised, read_picture, read_pictures, read_volume, scaled, unnormalised

row = partial(pytest.mark.book, "dlwp-chapters-1-8")

SHARED = Path(os.environ.get("STEPWELL_DATA") or Path(__file__).parents[3] / "shared" / "data")


def shared(name: str) -> Path:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{path.name} is not in the data folder; set STEPWELL_DATA to a folder that has {name}")
    return path


@row("S4.1", recipe="stepwell.data.read_picture", kind="exact")
def test_s4_1_a_dog_channels_first():
    """bobby.jpg has 720 rows of 1280 pixels of 3 bytes; channels first is a view of the same memory."""
    picture = read_picture(shared("images/bobby.jpg"))
    rows = picture.permute(1, 2, 0).contiguous()
    assert (tuple(rows.shape), tuple(picture.shape)) == ((720, 1280, 3), (3, 720, 1280))
    assert picture.dtype == torch.uint8
    assert stepwell.inspect(rows.permute(2, 0, 1), {"rows": rows}).shares["rows"].same
    assert torch.equal(rows.permute(2, 0, 1), picture)


@row("S4.1", recipe="stepwell.data.channel_statistics", kind="tolerance")
def test_s4_1_three_cats_normalised():
    """Three cats of 256 × 256 become a batch of bytes; over its channels the mean becomes 0 and the deviation 1."""
    cats = read_pictures([shared(f"images/cat{number}.png") for number in (1, 2, 3)])
    assert tuple(cats.shape) == (3, 3, 256, 256)
    assert cats.dtype == torch.uint8
    pixels = scaled(cats)
    assert 0 <= pixels.min() < pixels.max() <= 1
    batch = normalised(pixels, *channel_statistics(pixels))
    for channel in range(3):
        assert batch[:, channel].mean().item() == pytest.approx(0, abs=1e-5)
        assert batch[:, channel].std().item() == pytest.approx(1, abs=1e-5)


@row("C14", recipe="stepwell.data.unnormalised", kind="exact")
def test_c14_resized_normalised_and_back_for_a_plot():
    """Two pictures of different sizes become one batch of 256 × 256, and after normalisation come back byte for byte."""
    batch = read_pictures([shared("images/bobby.jpg"), shared("images/horse.jpg")], size=(256, 256))
    statistics = channel_statistics(scaled(batch))
    back = unnormalised(normalised(scaled(batch), *statistics), *statistics)
    assert tuple(batch.shape) == (2, 3, 256, 256)
    assert torch.equal((back * 255).round().to(torch.uint8), batch)


@row("S4.2", recipe="stepwell.data.read_volume", kind="exact")
@row("C15", recipe="stepwell.data.read_volume", kind="exact")
def test_s4_2_a_chest_scan():
    """One series of 99 slices becomes (1, 99, 512, 512), from the feet to the head: not in the order of the files' names."""
    pytest.importorskip("pydicom", reason="pydicom is not installed; pip install 'stepwell[dicom]'")
    scan = read_volume(shared("chest-ct"))
    assert len(scan.files) == 99
    assert tuple(scan.values.shape) == (1, 99, 512, 512)
    assert scan.values.dtype == torch.float32
    assert scan.spacing == pytest.approx((3, 0.564, 0.564), abs=5e-4)
    assert list(scan.files) != sorted(scan.files)
    assert -1024 <= scan.values.min() < -900
    tumour = np.array(scan.origin) + np.array([32, 170, 108]) * scan.spacing @ np.array(scan.axes)
    assert tumour == pytest.approx([-82, -191, -192], abs=0.5)
    assert scan.values[0, 31:34, 168:173, 106:111].mean() > -200  # tissue, where lung would be near -850
