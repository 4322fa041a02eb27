"""What a path leads to, by its first bytes: a table's text, Parquet, or something that no table can be read from."""

import gzip
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from stepwell.core.errors import DataError, suggest

PARQUET = b"PAR1"
GZIP = b"\x1f\x8b"
ZIP = b"PK\x03\x04"
SUFFIXES = (".csv", ".tsv", ".txt", ".parquet")
"""How names of tables end; what a file holds is told by its first bytes."""

_HEAD = 4096

_FOREIGN: Mapping[bytes, tuple[str, str]] = {
    ZIP: ("a ZIP archive or an Excel workbook", "Unpack it, or save the sheet as CSV."),
    b"\xd0\xcf\x11\xe0": ("an old Excel workbook", "Save the sheet as CSV."),
    b"BZh": ("compressed with bzip2", "Unpack it with bunzip2."),
    b"\xfd7zXZ": ("compressed with xz", "Unpack it with unxz."),
    b"\x28\xb5\x2f\xfd": ("compressed with zstd", "Unpack it with unzstd."),
    b"7z\xbc\xaf": ("a 7z archive", "Unpack it."),
    b"ARROW1": ("an Arrow (Feather) file", "Write it as Parquet: polars.read_ipc(file).write_parquet(…)."),
    b"SQLite format 3": ("an SQLite database", "Export the table as CSV."),
    b"\x89HDF": ("an HDF5 file", "Export the table as CSV or Parquet."),
    b"%PDF": ("a PDF document", "Export the table as CSV."),
    b"\x89PNG": ("a PNG image", ""),
    b"\xff\xd8\xff": ("a JPEG image", ""),
    b"version https://git-lfs": ("a pointer of Git LFS, not the data", "Fetch the data with `git lfs pull`."),
    b"<!doctype html": ("a web page", "The download fetched a page instead of the file: fetch the file itself."),
    b"<html": ("a web page", "The download fetched a page instead of the file: fetch the file itself."),
    b"<?xml": ("an XML document", "Export the table as CSV."),
}
"""How files begin that are no table, what they are, and what to do about it."""


def table_kind(path: Path) -> Literal["text", "parquet"]:
    """Whether a file is text (plain, or compressed with gzip) or Parquet. Its first bytes count, and not its name.

    Raises `DataError` for a file that is missing (near names are suggested), a folder, not readable, empty or foreign.
    """
    head = first_bytes(path)
    if head.startswith(PARQUET):
        return "parquet"
    if path.suffix.lower() in (".parquet", ".pq"):
        raise DataError(f"{path} is named as Parquet, but does not begin as Parquet does (with PAR1). Write it again.")
    if not head.strip(b"\xef\xbb\xbf \t\r\n"):
        raise DataError(
            f"{path} is empty. A table is expected: a header with the names of the columns, and one line a row."
        )
    _refuse_foreign(path, head)
    return "text"


def first_bytes(path: Path, count: int = _HEAD) -> bytes:
    """The first bytes of a file, unpacked if it is compressed with gzip. Raises `DataError` as `table_kind` does."""
    try:
        _refuse_no_file(path)
        with path.open("rb") as file:
            head = file.read(count)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error
    return _unpacked(path, count) if head.startswith(GZIP) else head


def _refuse_no_file(path: Path) -> None:
    if not path.exists():
        raise DataError(f"There is no file {path}.{_near(path)}")
    if not path.is_file():
        what = "a folder" if path.is_dir() else "no file"
        raise DataError(f"{path} is {what}, but one table is expected.{_inside(path)}")


def is_gzip(path: Path) -> bool:
    """Whether a file is compressed with gzip, by its first two bytes."""
    with path.open("rb") as file:
        return file.read(2) == GZIP


def _unpacked(path: Path, count: int) -> bytes:
    try:
        with gzip.open(path) as file:
            return file.read(count)
    except (OSError, EOFError) as error:
        raise DataError(f"{path} is compressed with gzip, but damaged: {error}. Copy or download it again.") from error


def _refuse_foreign(path: Path, head: bytes) -> None:
    if head.startswith(ZIP) and not zipfile.is_zipfile(path):
        raise DataError(
            f"{path} begins as a ZIP archive, but cannot be opened: it is cut off or damaged. Copy or download it again."
        )
    begin = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:64].lower()
    for magic, (what, mend) in _FOREIGN.items():
        if head.startswith(magic) or begin.startswith(magic.lower()):
            raise DataError(f"{path} is {what}. A table as CSV or Parquet is expected. {mend}".rstrip())
    if begin[:1] in (b"{", b"["):
        raise DataError(
            f"{path} looks like JSON. A table as CSV or Parquet is expected: polars.read_json reads many such."
        )


def _near(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f" Nor is there a folder {folder}."
    here = f" Paths start from {Path.cwd()}." if not path.is_absolute() else ""
    return suggest(path.name, (entry.name for entry in folder.iterdir())) or here


def _inside(path: Path) -> str:
    if not path.is_dir():
        return ""
    tables = sorted(
        entry.name for entry in path.iterdir() if entry.suffix.lower() in (".csv", ".tsv", ".txt", ".parquet")
    )
    return f" Tables in it: {', '.join(tables[:5])}{', …' if len(tables) > 5 else ''}." if tables else ""
