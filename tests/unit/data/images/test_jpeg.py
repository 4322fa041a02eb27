"""Plain JPEG files are decoded as Pillow decodes them, and others are left to it."""

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from stepwell.core.errors import DataError
from stepwell.data.images.jpeg import decode_plain, plain_frame
from stepwell.data.pictures import opened, pixels_of, quiet_decoders

NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (21, 34, 3), dtype=np.uint8))


def saved(image: Image.Image, **options: Any) -> bytes:
    stream = BytesIO()
    image.save(stream, "JPEG", **options)
    return stream.getvalue()


def by_pillow(content: bytes) -> bytes | None:
    try:
        with quiet_decoders(), opened(BytesIO(content)) as image:
            return pixels_of(image, size=None, channels=1 if image.mode == "L" else 3).tobytes()
    except DataError:
        return None


@pytest.mark.parametrize(
    "options",
    [{}, {"quality": 30}, {"subsampling": 0}, {"progressive": True}, {"optimize": True, "comment": "hello"}, {"dpi": (72, 72)}],
)  # fmt: skip
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_pixels_are_pillows(mode: str, options: dict[str, Any]) -> None:
    content = saved(NOISE.convert(mode), **options)
    frame = plain_frame(content)
    assert frame == (21, 34, len(mode))
    assert decode_plain(content, frame) == by_pillow(content)


def test_damaged_files_are_decoded_only_where_pillow_decodes_them_alike() -> None:
    content = saved(NOISE)
    whole = by_pillow(content)
    for end in range(0, len(content), 5):
        cut = content[:end]
        frame = plain_frame(cut)
        assert (decode_plain(cut, frame) if frame else None) == by_pillow(cut)
    rng = np.random.default_rng(1)
    for _ in range(200):
        bad = bytearray(content)
        bad[int(rng.integers(2, len(bad)))] = int(rng.integers(256))
        frame = plain_frame(bytes(bad))
        got = decode_plain(bytes(bad), frame) if frame else None
        assert got is None or got == by_pillow(bytes(bad))
    assert whole is not None


def test_others_are_left_to_pillow() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    huge = bytearray(saved(NOISE))
    place = huge.index(b"\xff\xc0")
    huge[place + 5 : place + 9] = b"\xff\xff\xff\xff"
    profile = saved(NOISE, icc_profile=b"x" * 200)
    for content in (
        b"",
        b"\xff\xd8",
        b"\x89PNG\r\n",
        saved(NOISE, exif=exif),
        saved(NOISE.convert("CMYK")),
        bytes(huge),
        profile,
    ):
        assert plain_frame(content) is None
