"""Files that are either whole or not there: written beside their place, flushed to the disk, renamed into it."""

import errno
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from stepwell.core.errors import RunError

_REASONS = {
    errno.ENOSPC: "the disk is full. Free some space, or choose another folder with --out",
    errno.EDQUOT: "your quota on this disk is used up. Free some space, or choose another folder with --out",
    errno.EACCES: "there is no permission to write there. Change it, or choose another folder with --out",
    errno.EPERM: "there is no permission to write there. Change it, or choose another folder with --out",
    errno.EROFS: "the disk is read-only. Choose another folder with --out",
    errno.ENOTDIR: "a part of this path is a file, not a folder. Choose another folder with --out",
}


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn the operating system's errors while writing `path` into a `RunError` that says what to do."""
    try:
        yield
    except OSError as error:
        reason = _REASONS.get(error.errno or 0, f"{error.strerror or error}")
        raise RunError(f"Cannot write {path}: {reason}.") from error


def temporary_beside(path: Path) -> Path:
    """A hidden name in the same folder, which a reader never takes for the file itself."""
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")


def sync(path: Path) -> None:
    """Flush a file, or a folder's list of names, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_text(path: Path, text: str) -> None:
    """Write a text file, all of it or none. Raises `RunError`."""
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = temporary_beside(path)
        try:
            beside.write_text(text, encoding="utf-8")
            sync(beside)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write a value as JSON, all of it or none. NaN and infinities are kept, in Python's spelling. Raises `RunError`."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """A JSON file's value. Raises `RunError` where it is missing or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunError(f"There is no {path.name} in {path.parent}.") from None
    except (OSError, ValueError) as error:
        raise RunError(f"{path} cannot be read: {error}.") from None


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
    """Write arrays by name as an `.npz` file, all of it or none. Raises `RunError`."""
    with writing(path):
        beside = temporary_beside(path)
        try:
            with beside.open("wb") as file:
                np.savez_compressed(file, **arrays)  # type: ignore[arg-type]  # its stub mistakes names for settings
            sync(beside)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)


def read_arrays(path: Path) -> dict[str, np.ndarray[Any, Any]]:
    """The arrays of an `.npz` file. Raises `RunError` where it is missing or damaged."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as found:
            return dict(found)
    except FileNotFoundError:
        raise RunError(f"There is no {path.name} in {path.parent}.") from None
    except (OSError, ValueError, BadZipFile) as error:
        raise RunError(f"{path} cannot be read: {error}.") from None
