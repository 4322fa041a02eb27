"""`decode`: the body of a request as rows of a model, by its content type."""

from collections.abc import Callable, Mapping
from pathlib import PurePath

from stepwell.deploy.calls import Arrays, File, Refused
from stepwell.deploy.card import Card
from stepwell.deploy.protocols.aside import LARGE
from stepwell.deploy.protocols.files import MEDIA, accepted, file_of, told_by_content
from stepwell.deploy.protocols.json_body import decode_json
from stepwell.deploy.protocols.multipart import decode_multipart
from stepwell.deploy.protocols.npy import MAGIC, decode_npy
from stepwell.deploy.protocols.raw import decode_raw

Decoder = Callable[[Card, str, bytes], Arrays | File]

_ARRAYS: Mapping[str, Decoder] = {
    "application/octet-stream": decode_raw,
    "application/x-npy": decode_npy,
    "application/npy": decode_npy,
    "application/json": decode_json,
    "text/json": decode_json,
}
_BY_SUFFIX: Mapping[str, Decoder] = {".json": decode_json, ".npy": decode_npy}
_FORM = "multipart/form-data"
_SAYS_NOTHING = ("", "application/x-www-form-urlencoded", "application/octet-stream")


def decode(card: Card, content_type: str, body: bytes, *, default_file: str = "") -> Arrays | File:
    """The rows in a body, checked against the card; or the file, which the model's reader reads in a worker.

    A body without a content type, or with that which curl gives to any, is told by its first bytes; `default_file`, a file's
    name or suffix such as `.png`, says what it is otherwise. Arrays share the body's memory where that is possible.
    Raises `Refused`: 400 for a body that is broken, 413 for one too large, 415 for a content type that the model does not take,
    422 for a shape, dtype or count that is not the model's.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if not body:
        raise Refused(400, f"The body is empty. The model {card.name} takes {accepted(card)}.")
    if kind in _SAYS_NOTHING and _knows(card, default_file):
        return _named(card, default_file, body)
    if decoder := _ARRAYS.get(kind):
        return decoder(card, content_type, body)
    if kind == _FORM:
        return decode_multipart(card, content_type, body, _part)
    if kind in _SAYS_NOTHING:
        return _untold(card, body, default_file)
    return file_of(card, MEDIA.get(kind, ()), body, repr(kind[:80]))


def takes_long(content_type: str, body: bytes) -> bool:
    """Whether a body is better decoded on a thread: a long one of JSON or of a form, which Python reads. Numbers are taken as they
    are, and files are left to a worker.
    """
    if len(body) <= LARGE:
        return False
    kind = content_type.partition(";")[0].strip().lower()
    if kind in _ARRAYS:
        return _ARRAYS[kind] is decode_json
    return kind == _FORM or (kind in _SAYS_NOTHING and _is_json(body))


def _part(card: Card, content_type: str, data: bytes, filename: str) -> Arrays | File:
    """The file in a form: by its name, or else by its content type."""
    if _knows(card, filename):
        return _named(card, filename, data)
    if content_type.lstrip().lower().startswith("multipart/"):
        raise Refused(415, "A part of the form is a form itself. Send the file alone.")
    return decode(card, content_type, data, default_file=filename)


def _suffix(name: str) -> str:
    return PurePath(f"x{name}" if name.startswith(".") else name).suffix.lower()


def _knows(card: Card, name: str) -> bool:
    """Whether a file of this name, or of this suffix, is read here or by the model's reader."""
    return bool(name) and (_suffix(name) in _BY_SUFFIX or _suffix(name) in card.files)


def _named(card: Card, name: str, data: bytes) -> Arrays | File:
    """A file, by its name or suffix."""
    suffix = _suffix(name)
    if decoder := _BY_SUFFIX.get(suffix):
        return decoder(card, "", data)
    return file_of(card, (suffix,), data, f"files that are named {name[:80]!r}")


def _untold(card: Card, body: bytes, default_file: str) -> Arrays | File:
    """A body of no content type, by its first bytes."""
    if body.startswith(MAGIC):
        return decode_npy(card, "", body)
    if found := told_by_content(card, body):
        return found
    if _is_json(body):
        return decode_json(card, "", body)
    if default_file:
        return _named(card, default_file, body)
    raise Refused(415, f"The request does not say what its body is. Give a Content-Type: {accepted(card)}.")


def _is_json(body: bytes) -> bool:
    """Whether a body begins as JSON does."""
    return body.lstrip(b" \t\r\n")[:1] in (b"{", b"[")
