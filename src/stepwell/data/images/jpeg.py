"""Plain JPEG files, decoded without Pillow's reading of their heads in Python, which takes longer than decoding a small one."""

from typing import NamedTuple

from PIL import Image

from stepwell.data.pictures import MOST_PIXELS

_START, _SCAN = b"\xff\xd8", 0xDA
_FRAMES = (0xC0, 0xC1, 0xC2)  # baseline, extended, progressive
_HARMLESS = (0xC4, 0xDB, 0xDD, 0xE0, 0xFE)  # Huffman and quantisation tables, restarts, JFIF, comments
_MODES = {1: "L", 3: "RGB"}


class Frame(NamedTuple):
    """The size and the channels, 1 or 3, of a plain JPEG."""

    height: int
    width: int
    channels: int


def plain_frame(content: bytes) -> Frame | None:
    """What the head of a JPEG says, if it is plain: 8 bits, grey or colour, without EXIF, profiles or Adobe's marks, and not
    too large. None for everything else, which Pillow reads.
    """
    if not content.startswith(_START):
        return None
    at, frame = 2, None
    while at + 10 <= len(content) and content[at] == 0xFF:
        kind = content[at + 1]
        if kind == _SCAN:
            return frame
        if kind in _FRAMES and frame is None:
            frame = _frame(content[at + 4 : at + 10])
            if frame is None:
                return None
        elif kind not in _HARMLESS:
            return None
        at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")
    return None


def decode_plain(content: bytes, frame: Frame) -> bytes | None:
    """The pixels of a plain JPEG, row by row, as Pillow decodes them; None for a file that is damaged."""
    mode = _MODES[frame.channels]
    try:
        return Image.frombytes(mode, (frame.width, frame.height), content, "jpeg", mode, "").tobytes()
    except (ValueError, OSError):
        return None


def _frame(head: bytes) -> Frame | None:
    bits, channels = head[0], head[5]
    height, width = int.from_bytes(head[1:3], "big"), int.from_bytes(head[3:5], "big")
    known = bits == 8 and channels in _MODES and 0 < height * width <= MOST_PIXELS
    return Frame(height, width, channels) if known else None
