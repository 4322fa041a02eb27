"""`multipart/form-data`: a shape (`meta`) and its values (`blob`), as in Stevens et al., section 15.1; or one file, as a
page's form sends it.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from stepwell.core.errors import suggest
from stepwell.deploy.calls import Arrays, File, Refused
from stepwell.deploy.card import Card
from stepwell.deploy.protocols.checks import (
    DTYPES,
    check_dtype,
    check_size,
    listed,
    only_input,
    settled,
    shape_of_rows,
    view,
)
from stepwell.deploy.protocols.json_body import read_json

_MOST_PARTS = 8
_MOST_DIMENSIONS = 32
Decode = Callable[[Card, str, bytes, str], Arrays | File]


@dataclass(eq=False)
class Part:
    """One part of a form: its name, the name of its file (empty where it has none), the media type and the data."""

    headers: dict[str, str] = field(default_factory=dict)
    data: bytes = b""

    @property
    def name(self) -> str:
        """The name of the field."""
        return self._option(b"name")

    @property
    def filename(self) -> str:
        """What the file is called where it comes from."""
        return self._option(b"filename")

    @property
    def content_type(self) -> str:
        """The media type that the client gave."""
        return self.headers.get("content-type", "")

    def _option(self, key: bytes) -> str:
        found = parse_options_header(self.headers.get("content-disposition", ""))[1]
        return found.get(key, b"").decode("utf-8", "replace")


def decode_multipart(card: Card, content_type: str, body: bytes, decode: Decode) -> Arrays | File:
    """`meta`, JSON such as `{"shape": [1, 32, 48, 48], "dtype": "float32"}` (the dtype may be left out), with `blob`, the values,
    little-endian; or one part with a file, which `decode(card, media type, data, file name)` reads.

    Raises `Refused` (400) for what is no such form, and (422) for another shape or dtype.
    """
    parts = parts_of(content_type, body)
    if set(parts) == {"meta", "blob"}:
        return _of_blob(card, parts["meta"].data, parts["blob"].data)
    part = next(iter(parts.values())) if len(parts) == 1 else None
    if part is None or not (part.filename or part.name == "file"):
        raise Refused(
            422,
            f"The form has the parts {listed(list(parts))}. Expected are `meta` and `blob` (a shape and its values), or one "
            "file in a part `file`.",
        )
    return decode(card, part.content_type, part.data, part.filename)


def _of_blob(card: Card, meta: bytes, blob: bytes) -> Arrays:
    want = only_input(card, "A blob")
    shape, dtype = _told(read_json(meta), want.dtype)
    whole = shape_of_rows(want, shape)
    check_dtype(want, dtype)
    check_size(len(blob), dtype, shape, "The part `blob`")
    return Arrays({want.name: settled(want, view(blob, dtype), whole)})


def _told(meta: Any, dtype: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """The shape and the dtype that `meta` tells."""
    known = isinstance(meta, dict) and set(meta) <= {"shape", "dtype"}
    shape = meta.get("shape") if known else None
    if not (isinstance(shape, list) and len(shape) <= _MOST_DIMENSIONS and all(map(_is_size, shape))):
        raise Refused(
            422,
            'The part `meta` is JSON such as {"shape": [1, 32, 48, 48]}, with whole numbers, and a "dtype" where it is another.',
        )
    name = meta.get("dtype", dtype)
    if not isinstance(name, str) or name not in DTYPES:
        known_names = listed(list(DTYPES))
        raise Refused(
            422,
            f"The part `meta` tells the dtype {str(name)[:40]!r}, which is none of {known_names}.{suggest(str(name)[:40], DTYPES)}",
        )
    return tuple(shape), DTYPES[name]


def _is_size(size: Any) -> bool:
    return type(size) is int and 0 <= size < 10**18


def parts_of(content_type: str, body: bytes) -> dict[str, Part]:
    """The parts of a form by their names. Raises `Refused` (400) for a form that is not whole, or of many parts."""
    boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
    if not boundary:
        raise Refused(
            400, "The content type multipart/form-data has no boundary; a client's own way to send forms writes one."
        )
    form = _Form()
    try:
        parser = MultipartParser(boundary, form.callbacks())  # type: ignore[arg-type]
        parser.write(body)
        parser.finalize()
    except FormParserError as error:
        raise Refused(400, f"The form cannot be read: {error}.") from None
    if not form.whole:
        raise Refused(400, "The form is cut off: it does not end with its boundary and two dashes.")
    return form.by_name()


@dataclass(eq=False)
class _Form:
    """What the parser has found."""

    parts: list[Part] = field(default_factory=list)
    whole: bool = False
    chunks: list[bytes] = field(default_factory=list)
    header: bytes = b""
    value: bytes = b""

    def callbacks(self) -> dict[str, Callable[..., None]]:
        return {
            "on_part_begin": self._begin,
            "on_part_data": self._data,
            "on_part_end": self._end,
            "on_header_field": self._field,
            "on_header_value": self._value,
            "on_header_end": self._header,
            "on_end": self._whole,
        }

    def by_name(self) -> dict[str, Part]:
        named = {part.name: part for part in self.parts}
        if len(named) < len(self.parts):
            raise Refused(
                400,
                f"Two parts of the form are named {listed(self._twice())}. Send one file a request: requests share batches.",
            )
        return named

    def _twice(self) -> list[str]:
        """The names that several parts have."""
        return [name for name, times in Counter(part.name for part in self.parts).items() if times > 1]

    def _begin(self) -> None:
        if len(self.parts) == _MOST_PARTS:
            raise Refused(400, f"The form has more than {_MOST_PARTS} parts. Send `meta` and `blob`, or one file.")
        self.parts.append(Part())

    def _data(self, data: bytes, start: int, end: int) -> None:
        self.chunks.append(data[start:end])

    def _end(self) -> None:
        self.parts[-1].data = b"".join(self.chunks)
        self.chunks.clear()

    def _field(self, data: bytes, start: int, end: int) -> None:
        self.header += data[start:end]

    def _value(self, data: bytes, start: int, end: int) -> None:
        self.value += data[start:end]

    def _header(self) -> None:
        self.parts[-1].headers[self.header.decode("latin-1").lower()] = self.value.decode("latin-1")
        self.header = self.value = b""

    def _whole(self) -> None:
        self.whole = True
