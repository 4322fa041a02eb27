"""The text of a table's file: which encoding it has, and its lines."""

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from stepwell.core.errors import DataError, suggest
from stepwell.data.tables.paths import first_bytes, is_gzip

_CHUNK = 2**22
_BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_KNOWN = (
    "utf-8",
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "cp1252",
    "latin-1",
    "cp850",
    "shift_jis",
    "gbk",
    "koi8-r",
    "mac-roman",
)


@dataclass(frozen=True)
class Text:
    """A file that decodes from start to end. `encoding` is Python's name of it; `direct` says that the file is plain UTF-8
    with lines that end in a line feed, so that a fast parser can read it as it is. `size` counts its bytes, unpacked;
    `quoted` says whether quotes (") are among them.
    """

    path: Path
    encoding: str
    direct: bool
    size: int
    quoted: bool
    notes: tuple[str, ...] = ()

    def lines(self) -> Iterator[str]:
        """The lines of the file, one at a time, with their ends."""
        return text_lines(self.path, self.encoding)

    def content(self) -> bytes:
        """The whole text as UTF-8, with line feeds at the ends of lines."""
        return "".join(text_lines(self.path, self.encoding, newline=None)).encode()


def text_lines(path: Path, encoding: str, newline: str | None = "") -> Iterator[str]:
    """The lines of a file, plain or compressed with gzip. `newline` is that of `open`: ends are kept as they stand."""
    with _opened(path) as file, io.TextIOWrapper(file, encoding=encoding, newline=newline) as text:
        yield from text


def read_text(path: Path, encoding: str | None = None) -> Text:
    """Find the encoding of a file (or check the given one) and decode it once from start to end.

    A byte order mark decides; then UTF-8; then Windows-1252, with a note. Raises `DataError` for an unknown encoding, and
    for the first byte that does not decode, with its line.
    """
    name = _python_name(encoding) if encoding is not None else None
    bom = next((known for mark, known in _BOMS.items() if first_bytes(path, 4).startswith(mark)), None)
    if name is None and bom is None:
        return _guessed(path)
    if bom is not None and name in (None, "utf-8"):
        return _checked(path, bom, "It begins as such a text does, so it may be cut off: copy or save it again.")
    return _checked(path, str(name), "Leave the encoding out, so that it is found, or save the file as UTF-8.")


def _python_name(encoding: str) -> str:
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        message = f"There is no encoding {encoding!r}; known are, among others, {', '.join(_KNOWN)}."
        raise DataError(f"{message}{suggest(encoding, _KNOWN)}") from None


@dataclass(frozen=True)
class _Survey:
    """A file decoded once: the first byte that does not decode, and what `Text` tells of it."""

    bad: int | None
    plain: bool
    size: int = 0
    quoted: bool = False


def _guessed(path: Path) -> Text:
    survey = _survey(path, "utf-8")
    if survey.bad is None:
        return Text(path, "utf-8", survey.plain, survey.size, survey.quoted)
    windows = _survey(path, "cp1252")
    if windows.bad is not None:
        raise DataError(
            f"{_place(path, windows.bad)} is text neither in UTF-8 nor in Windows-1252. Name the encoding, such as "
            f"--encoding shift_jis (encoding='shift_jis') or mac-roman, or save the file as UTF-8."
        )
    place = _place(path, survey.bad).removeprefix(f"{path}, ")
    note = f"The file is not UTF-8 ({place}) and was read as Windows-1252. If letters look wrong, name its encoding."
    return Text(path, "cp1252", False, windows.size, windows.quoted, (note,))


def _checked(path: Path, encoding: str, mend: str) -> Text:
    survey = _survey(path, encoding)
    if survey.bad is None:
        direct = survey.plain and encoding in ("utf-8", "utf-8-sig", "ascii")
        return Text(path, encoding, direct, survey.size, survey.quoted)
    raise DataError(f"{_place(path, survey.bad)} is not text in {encoding}. {mend}")


def _survey(path: Path, encoding: str) -> _Survey:
    decoder, place, plain, quoted, chunk = codecs.getincrementaldecoder(encoding)(), 0, not is_gzip(path), False, b""
    for following in _chunks(path):
        _refuse_nul(path, following, place, encoding)
        plain = plain and not _lone_return(chunk[-1:] + following)
        quoted = quoted or b'"' in following
        place, chunk, pending = place + len(chunk), following, len(decoder.getstate()[0])
        try:
            decoder.decode(chunk)
        except UnicodeError as error:
            return _Survey(place - pending + getattr(error, "start", 0), plain)
    size, pending = place + len(chunk), len(decoder.getstate()[0])
    return _Survey(size - pending if pending else None, plain and not chunk.endswith(b"\r"), size, quoted)


def _lone_return(chunk: bytes) -> bool:
    """Whether a carriage return stands in a chunk without a line feed behind it (its last byte is left to the next)."""
    return b"\r" in chunk and chunk.count(b"\r", 0, -1) != chunk.count(b"\r\n")


def _chunks(path: Path) -> Iterator[bytes]:
    with _opened(path) as file:
        try:
            while chunk := file.read(_CHUNK):
                yield chunk
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(
                f"{path} is compressed with gzip, but damaged: {error}. Copy or download it again."
            ) from error


def _refuse_nul(path: Path, chunk: bytes, place: int, encoding: str) -> None:
    if b"\0" in chunk and not encoding.startswith(("utf-16", "utf-32")):
        line = _line(path, place + chunk.index(b"\0"))
        raise DataError(
            f"{path}, line {line}: a zero byte stands here, as in binary files. A table is text (CSV) or Parquet. "
            f"If it is text in UTF-16, say --encoding utf-16-le (encoding='utf-16-le') or utf-16-be."
        )


def _line(path: Path, place: int) -> int:
    with _opened(path) as file:
        return file.read(place).count(b"\n") + 1


def _place(path: Path, place: int) -> str:
    with _opened(path) as file:
        file.seek(place)
        return f"{path}, line {_line(path, place)}: byte 0x{file.read(1).hex().upper()}"


def _opened(path: Path) -> IO[bytes]:
    return gzip.open(path) if is_gzip(path) else path.open("rb")  # type: ignore[return-value]
