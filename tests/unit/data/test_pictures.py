"""Pictures as tensors."""

import math
import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from stepwell.core.errors import DataError
from stepwell.data import channel_statistics, normalised, read_picture, read_pictures, scaled, unnormalised
from stepwell.data import pictures as pictures_module
from stepwell.data.pictures import channel_counts, is_grey, opened, quiet_decoders, upright_size

PIXELS = np.random.default_rng(0).integers(0, 256, (4, 6, 4), dtype=np.uint8)
BATCH = torch.from_numpy(np.random.default_rng(1).integers(0, 256, (5, 3, 4, 6), dtype=np.uint8))
ORIENTATION = 0x0112


@pytest.fixture
def saved(tmp_path: Path) -> Callable[..., Path]:
    def save(image: Image.Image, name: str = "x.png", **options: Any) -> Path:
        image.save(tmp_path / name, **options)
        return tmp_path / name

    return save


def test_channels_come_first_and_alpha_is_left_out_not_blended(saved: Callable[..., Path]) -> None:
    for channels in (3, 4):
        picture = read_picture(saved(Image.fromarray(PIXELS[..., :channels])))
        assert picture.dtype == torch.uint8
        assert picture.is_contiguous()
        assert np.array_equal(picture.permute(1, 2, 0).numpy(), PIXELS[..., :3])


def test_grey_16_bits_and_palettes_become_three_channels(saved: Callable[..., Path]) -> None:
    grey = PIXELS[..., 0]
    wide = grey.astype(np.uint16) * 256 + 17
    for image in (Image.fromarray(grey), Image.fromarray(PIXELS[..., :2]), Image.fromarray(wide)):
        assert np.array_equal(read_picture(saved(image)).numpy(), np.stack([grey] * 3))
    palette = Image.fromarray(np.array([[0, 1], [1, 0]], dtype=np.uint8)).convert("P")
    palette.putpalette([200, 10, 20, 0, 99, 255])
    path = saved(palette, transparency=bytes([0, 128]))
    assert read_picture(path)[:, 0].tolist() == [[200, 0], [10, 99], [20, 255]]


def test_the_exif_orientation_is_applied(saved: Callable[..., Path]) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6  # the camera was turned: show it turned a quarter clockwise
    path = saved(Image.fromarray(PIXELS[..., :3]), exif=exif)
    upright = np.rot90(PIXELS[..., :3], k=-1)
    assert np.array_equal(read_picture(path).permute(1, 2, 0).numpy(), upright)


def test_size_covers_and_cuts_both_sides_alike(saved: Callable[..., Path]) -> None:
    path = saved(Image.fromarray(PIXELS[..., :3]))
    assert torch.equal(read_picture(path, size=(4, 4)), read_picture(path)[:, :, 1:5])
    assert read_picture(path, size=(9, 2)).shape == (3, 9, 2)


def test_a_batch_keeps_the_order_and_names_other_sizes(saved: Callable[..., Path]) -> None:
    red, blue = (saved(Image.new("RGB", (6, 4), colour), f"{colour}.png") for colour in ("red", "blue"))
    small, tall = (saved(Image.new("RGB", size), f"{size[0]}.png") for size in ((3, 4), (2, 9)))
    assert read_pictures([blue, red])[:, :, 0, 0].tolist() == [[0, 0, 255], [255, 0, 0]]
    with pytest.raises(
        DataError, match=r"red\.png is \(4, 6\), but not \S*3\.png \(4, 3\), \S*2\.png \(9, 2\); give size="
    ):
        read_pictures([red, small, blue, tall])
    with pytest.raises(DataError, match=r"but not .* and 2 more; give size="):
        read_pictures([red] + [small] * 7)
    assert read_pictures([red, small, tall], size=(5, 5)).shape == (3, 3, 5, 5)


def test_formats_that_would_run_programs_are_no_pictures(tmp_path: Path) -> None:
    """Pillow gives PostScript to Ghostscript."""
    (tmp_path / "x.png").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n")
    with pytest.raises(DataError, match=r"x\.png cannot be read as a picture: its content is of no known format"):
        read_picture(tmp_path / "x.png")


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["x.png", "x.tif", "x.jpg", "x.webp"])
def test_the_size_in_the_header_is_that_of_the_upright_picture(
    saved: Callable[..., Path], name: str, orientation: int
) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    path = saved(Image.fromarray(PIXELS[..., :3]), name, exif=exif)
    with quiet_decoders(), opened(path) as image:
        assert upright_size(image) == tuple(read_picture(path).shape[1:])


BAD_EXIF = {
    "no TIFF head": b"not a TIFF head",
    "an offset of one byte": b"MM\0*\0",
    "orientation 9": b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, ORIENTATION, 3, 1, 9, 0, 0),
    "orientation 'ab'": b"MM\0*" + struct.pack(">IHHHI4sI", 8, 1, ORIENTATION, 2, 3, b"ab\0\0", 0),
}


@pytest.mark.parametrize("exif", BAD_EXIF.values(), ids=BAD_EXIF)
@pytest.mark.parametrize("name", ["x.png", "x.jpg", "x.webp"])
def test_a_picture_whose_exif_cannot_be_read_is_upright(saved: Callable[..., Path], name: str, exif: bytes) -> None:
    # Of a JPEG that lacks the resolution Pillow reads the EXIF when it opens it, and passes errors by.
    picture, options = Image.fromarray(PIXELS[..., :3]), {"lossless": True} if name == "x.webp" else {"dpi": (72, 72)}
    plain = read_picture(saved(picture, f"plain_{name}", **options))
    path = saved(picture, name, exif=b"Exif\0\0" + exif, **options)
    assert torch.equal(read_picture(path), plain)
    with quiet_decoders(), opened(path) as image:
        assert upright_size(image) == upright_size(image) == (4, 6)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataError, match=rf"{name} cannot be read as a picture: "):
        read_picture(path)


def test_odd_fields_beside_the_orientation_do_not_keep_a_picture_from_being_turned(saved: Callable[..., Path]) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    exif[0x0128] = 2
    odd = exif.tobytes().replace(
        struct.pack(">HHI", 0x0128, 3, 1), struct.pack(">HHI", 0x0128, 2, 1)
    )  # text for a number
    path = saved(Image.fromarray(PIXELS[..., :3]), exif=odd)
    assert np.array_equal(read_picture(path).permute(1, 2, 0).numpy(), np.rot90(PIXELS[..., :3], k=-1))


@pytest.mark.parametrize("most", [65535, 1023])
@pytest.mark.parametrize("plain", [False, True])
def test_a_pgm_of_16_bits_is_taken_by_its_upper_8(tmp_path: Path, most: int, plain: bool) -> None:
    values = np.array([[0, most // 2, most], [most // 4, 3, most // 3]], dtype=">u2")
    head = f"{'P2' if plain else 'P5'}\n3 2\n{most}\n".encode()
    path = tmp_path / "x.pgm"
    path.write_bytes(head + (" ".join(map(str, values.flatten())).encode() if plain else values.tobytes()))
    upper = np.round(values / most * 65535).astype(np.int64) >> 8
    assert np.array_equal(read_picture(path).numpy(), np.stack([upper] * 3))
    with quiet_decoders(), opened(path) as image:
        assert is_grey(image)


@pytest.mark.parametrize("name", ["x.png", "x.jpg", "x.bmp", "x.gif", "x.tif", "x.webp"])
def test_a_truncated_file_is_named(saved: Callable[..., Path], name: str) -> None:
    noise = np.random.default_rng(2).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = saved(Image.fromarray(noise), name)
    whole = path.read_bytes()
    assert read_picture(path).shape == (3, 64, 64)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=rf"{name} cannot be read as a picture: "):
        read_picture(path)


def test_what_is_no_picture_is_named(saved: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "notes.jpg").write_text("no picture")
    deep = saved(Image.fromarray(np.ones((2, 2), dtype=np.float32)), "deep.tif")
    whole = saved(Image.fromarray(np.ones((2, 2), dtype=np.int32)), "whole.tif")
    for call, message in (
        (lambda: read_picture(tmp_path / "no.png"), r"There is no file .*no\.png"),
        (lambda: read_picture(tmp_path / "notes.jpg"), r"notes\.jpg cannot be read as a picture: "),
        (lambda: read_picture(deep), r"deep\.tif has 32-bit pixels \(mode F\)"),
        (lambda: read_picture(whole), r"whole\.tif has 32-bit pixels \(mode I\)"),
        (lambda: read_picture(deep, size=(0, 3)), r"size=\(0, 3\) has no pixels"),
        (lambda: read_pictures([]), "the list of paths is empty"),
    ):
        with pytest.raises(DataError, match=message):
            call()


def test_scaled_is_zero_to_one_once() -> None:
    assert torch.equal(scaled(torch.tensor([[[0, 51, 255]]], dtype=torch.uint8)), torch.tensor([[[0.0, 0.2, 1.0]]]))
    with pytest.raises(DataError, match=r"these are torch\.float32: scaled already\?"):
        scaled(scaled(BATCH))


@pytest.mark.parametrize("pictures", [BATCH, scaled(BATCH), scaled(BATCH).double()])
def test_statistics_are_those_of_all_pixels_in_float64(pictures: torch.Tensor) -> None:
    mean, std = channel_statistics(pictures)
    pixels = pictures.double().transpose(0, 1).reshape(3, -1)
    torch.testing.assert_close(mean, pixels.mean(1))
    torch.testing.assert_close(std, pixels.std(1))


@pytest.mark.parametrize("pictures", [BATCH, scaled(BATCH)])
def test_statistics_of_some_rows_are_those_of_these_alone(pictures: torch.Tensor) -> None:
    rows = torch.tensor([4, 0, 3])
    for ours, theirs in zip(channel_statistics(pictures, rows), channel_statistics(pictures[rows]), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=0)
    with pytest.raises(DataError, match=r"2 or more pixels, .* but got \(0, 3, 4, 6\)"):
        channel_statistics(pictures, rows[:0])


def test_statistics_of_bytes_are_exact() -> None:
    """Whole numbers, with a single rounding at the end: the fraction's own float64."""
    values = BATCH[:, 0].flatten().tolist()
    mean, std = channel_statistics(BATCH)
    exact = Fraction(sum(values), len(values))
    variance = sum((value - exact) ** 2 for value in values) / (len(values) - 1)
    assert mean[0].item() == float(exact)
    assert std[0].item() == math.sqrt(float(variance))


def test_counts_are_those_of_each_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures_module, "_COUNTED_BYTES", 100)  # a picture at a time
    counts = channel_counts(BATCH)
    assert counts.shape == (3, 256)
    for channel in range(3):
        assert torch.equal(counts[channel], torch.bincount(BATCH[:, channel].flatten(), minlength=256))
    assert torch.equal(channel_counts(BATCH, torch.tensor([2, 2])), 2 * channel_counts(BATCH[2:3]))


def test_statistics_do_not_drift_over_many_pixels() -> None:
    """A float32 sum of 2^24 pixels of 0.1 and more would be off in the third digit or worse."""
    mean, std = channel_statistics(torch.full((64, 1, 512, 512), 0.1))
    assert mean.item() == pytest.approx(torch.tensor(0.1).item(), rel=1e-12)
    assert std.item() < 1e-12


@given(
    mean=st.lists(st.floats(0, 255), min_size=3, max_size=3),
    std=st.lists(st.floats(0.5, 255), min_size=3, max_size=3),
)
def test_unnormalised_gives_every_byte_back(mean: list[float], std: list[float]) -> None:
    every = torch.arange(256, dtype=torch.uint8).expand(3, 1, 256)
    statistics = torch.tensor(mean, dtype=torch.float64), torch.tensor(std, dtype=torch.float64)
    back = unnormalised(normalised(every, *statistics), *statistics)
    assert back.dtype == torch.float32
    assert torch.equal(back.round().to(torch.uint8), every)


def test_normalised_pictures_have_mean_0_and_std_1_alone_or_in_a_batch() -> None:
    mean, std = channel_statistics(scaled(BATCH))
    batch = normalised(scaled(BATCH), mean, std)
    now = channel_statistics(batch)
    torch.testing.assert_close(now, (torch.zeros(3).double(), torch.ones(3).double()), rtol=0, atol=1e-6)
    assert torch.equal(normalised(scaled(BATCH[2]), mean, std), batch[2])


def test_statistics_that_cannot_be_are_refused() -> None:
    one, nine = torch.ones(3), torch.ones(9)
    for call, message in (
        (lambda: channel_statistics(BATCH[0]), r"but got \(3, 4, 6\)"),
        (lambda: channel_statistics(BATCH[:0]), r"but got \(0, 3, 4, 6\)"),
        (lambda: normalised(BATCH, nine, nine), r"shapes are \(5, 3, 4, 6\), \(9,\), \(9,\)"),
        (lambda: normalised(BATCH[0, 0], one, one), r"shapes are \(4, 6\), \(3,\), \(3,\)"),
        (lambda: normalised(BATCH, one, torch.tensor([1.0, 0.0, 1.0])), r"std is 0 for channels \[1\]"),
    ):
        with pytest.raises(DataError, match=message):
            call()
