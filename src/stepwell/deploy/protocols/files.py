"""Files that a model's own reader reads: what they are called in a request, and how they are told by their first bytes."""

from collections.abc import Mapping

from stepwell.deploy.calls import File, Refused
from stepwell.deploy.card import Card

MEDIA: Mapping[str, tuple[str, ...]] = {
    "image/png": (".png",),
    "image/jpeg": (".jpg", ".jpeg"),
    "image/jpg": (".jpg", ".jpeg"),
    "image/gif": (".gif",),
    "image/webp": (".webp",),
    "image/bmp": (".bmp",),
    "image/x-ms-bmp": (".bmp",),
    "image/tiff": (".tif", ".tiff"),
    "image/jp2": (".jp2",),
    "image/x-portable-graymap": (".pgm",),
    "image/x-portable-pixmap": (".ppm",),
    "image/x-portable-bitmap": (".pbm",),
    "text/csv": (".csv",),
    "application/csv": (".csv",),
    "text/tab-separated-values": (".tsv", ".csv"),
    "application/vnd.apache.parquet": (".parquet",),
}
"""The suffixes of files by their media type."""

_MAGIC: Mapping[bytes, tuple[str, ...]] = {
    b"\x89PNG\r\n\x1a\n": (".png",),
    b"\xff\xd8\xff": (".jpg", ".jpeg"),
    b"GIF8": (".gif",),
    b"BM": (".bmp",),
    b"II*\x00": (".tif", ".tiff"),
    b"MM\x00*": (".tif", ".tiff"),
}


def file_of(card: Card, suffixes: tuple[str, ...], data: bytes, what: str) -> File:
    """A file with the first of the suffixes that the model's reader knows. Raises `Refused` (415) where it knows none."""
    found = next((suffix for suffix in suffixes if suffix in card.files), None)
    if found is None:
        raise Refused(415, f"The model {card.name} reads no {what}. It takes {accepted(card)}.")
    if found == ".csv" and b"\n" not in data.strip() and b"\r" not in data.strip():
        raise Refused(
            400,
            "The CSV is one line: its columns' names, and no row. curl's -d takes line breaks out; send it by --data-binary.",
        )
    return File(data, found)


def told_by_content(card: Card, data: bytes) -> File | None:
    """The file, if it begins like one that the model's reader knows."""
    suffixes = next((suffixes for magic, suffixes in _MAGIC.items() if data.startswith(magic)), ())
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        suffixes = (".webp",)
    return next((File(data, suffix) for suffix in suffixes if suffix in card.files), None)


def accepted(card: Card) -> str:
    """What a model takes, for messages."""
    media = [kind for kind, suffixes in MEDIA.items() if set(suffixes) & set(card.files)]
    arrays = ["application/x-npy", "application/octet-stream"] if len(card.inputs) == 1 else []
    return ", ".join(["application/json", *arrays, *dict.fromkeys(media), "multipart/form-data"])
