"""Downloads: resumed where they stopped, checked by SHA-256, and put in place in one step."""

import hashlib
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from stepwell.core.errors import DataError

Progress = Callable[[int, int | None], None]
"""Called with the bytes that are there and the bytes that are due, where that is known."""

_TIMEOUT = 30.0  # seconds without a byte
_BLOCK = 2**18
_RANGE_NOT_SATISFIABLE = 416


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fetch(url: str, path: Path, sha256: str, size: int | None = None, progress: Progress | None = None) -> Path:
    """Download `url` to `path`; a file that is there is replaced. `size` is its bytes, where they are known.

    It comes by way of `path` + `.part`, which a cut or Ctrl-C leaves, to be resumed from.

    Raises `DataError`, with what to do by hand, where the file cannot be had or has another SHA-256.
    """
    part = path.with_name(path.name + ".part")
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        _download(url, part, size, progress or _silent)
    except HTTPError as error:
        error.close()
        raise DataError(_by_hand(url, path, f"the server answered {error.code} {error.reason}")) from None
    except (OSError, HTTPException) as error:
        raise DataError(_by_hand(url, path, str(getattr(error, "reason", error)) or type(error).__name__)) from None
    _check(part, url, path, sha256)
    part.replace(path)
    return path


def _silent(done: int, total: int | None) -> None:
    """No progress."""


def _download(url: str, part: Path, size: int | None, progress: Progress) -> None:
    have = part.stat().st_size if part.exists() else 0
    if have and have == size:
        return
    if size is not None and have > size:
        have = 0  # it cannot be the beginning of this file
    try:
        _receive(url, part, have, progress)
    except HTTPError as error:
        if error.code != _RANGE_NOT_SATISFIABLE or not have:
            raise
        error.close()  # nothing follows what we have: it is all, or it is not the beginning of this file
        if error.headers.get("Content-Range") != f"bytes */{have}":
            _receive(url, part, 0, progress)


def _receive(url: str, part: Path, have: int, progress: Progress) -> None:
    """Append what the server sends from byte `have` on; from the beginning, where it sends all."""
    headers = {"User-Agent": "stepwell", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    with urlopen(Request(url, headers=headers), timeout=_TIMEOUT) as answer:
        if not answer.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            have = 0
        length = answer.headers.get("Content-Length")
        _write(answer, part, have, None if length is None else have + int(length), progress)


def _write(answer: HTTPResponse, part: Path, done: int, total: int | None, progress: Progress) -> None:
    with part.open("ab" if done else "wb") as file:
        progress(done, total)
        while block := answer.read(_BLOCK):
            file.write(block)
            done += len(block)
            progress(done, total)
    if total is not None and done < total:  # a server that hangs up looks like the end of the file
        raise ConnectionError(
            f"the connection was cut after {done:,} of {total:,} bytes; the next try goes on from there"
        )


def _check(part: Path, url: str, path: Path, sha256: str) -> None:
    got, size = sha256_of(part), part.stat().st_size
    if got.startswith(sha256):  # of some files only the beginning is published
        return
    part.unlink()
    reason = f"what came has the SHA-256 {got} ({size:,} bytes), expected is {sha256}; it was deleted. "
    raise DataError(
        _by_hand(url, path, reason + "Try once more; if it stays so, the file was changed where it is published")
    )


def _by_hand(url: str, path: Path, reason: str) -> str:
    return (
        f"Could not download {path.name} from {url}: {reason}.\n"
        f"By hand: get the file from that address on any machine, and put it into {path.parent} as {path.name}."
    )
