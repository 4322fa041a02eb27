"""A request for an inference, as the Open Inference Protocol writes it: JSON, and behind it the bytes of tensors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stepwell.deploy.calls import Arrays, Refused
from stepwell.deploy.card import Card
from stepwell.deploy.protocols.checks import check_names, together
from stepwell.deploy.protocols.json_body import read_json
from stepwell.deploy.protocols.tensors import Binary, array_of


@dataclass(frozen=True)
class Wanted:
    """An output that is asked for: as bytes or in JSON, and of how many of its largest values the classes instead, if not 0."""

    name: str
    binary: bool
    classes: int = 0


@dataclass(frozen=True, eq=False)
class Inference:
    """A request: its rows, the outputs (None for all), whether outputs are `binary` where nothing else is said, its `id`, and
    the seconds after which nobody waits any more.
    """

    rows: Arrays
    outputs: tuple[Wanted, ...] | None
    binary: bool
    id: str | None
    timeout: float | None


def read_inference(card: Card, body: bytes, header_length: str | None) -> Inference:
    """The request in a body, whose JSON has `header_length` bytes (the value of `Inference-Header-Content-Length`), or is all.

    Raises `Refused`: 400 where it is not as the protocol says, 422 where a tensor does not fit the model. Source: Open
    Inference Protocol, REST, and its binary tensor data extension.
    """
    whole = memoryview(body)
    end = _json_end(len(body), header_length)
    plain = _object(read_json(whole[:end]), "The request")
    tensors = [_object(tensor, "An input") for tensor in _list(plain, "inputs")]
    names = [_text(tensor, "name", "An input") for tensor in tensors]
    check_names(card, names)
    binary, known = Binary(whole[end:]), {want.name: want for want in card.inputs}
    arrays = {
        name: array_of(known[name], tensor, _options(tensor, f"The input {name!r}"), binary)
        for name, tensor in zip(names, tensors, strict=True)
    }
    binary.check_end()
    options = _options(plain, "The request")
    as_bytes = options.get("binary_data_output") is True
    outputs = tuple(_wanted(each, as_bytes) for each in _list(plain, "outputs")) if plain.get("outputs") else None
    return Inference(together(card, arrays), outputs, as_bytes, _id(plain), _timeout(options))


def _json_end(size: int, header_length: str | None) -> int:
    if header_length is None:
        return size
    if not (header_length.isdecimal() and len(header_length) < 19 and int(header_length) <= size):
        raise Refused(
            400,
            f"Inference-Header-Content-Length is {header_length[:40]!r}: the length of the JSON in bytes is expected, at most the "
            f"{size:,} of the body.",
        )
    return int(header_length)


def _wanted(plain: Any, binary: bool) -> Wanted:
    output = _object(plain, "An output")
    options = _options(output, "An output")
    classes = options.get("classification", 0)
    if type(classes) is not int or not 0 <= classes < 10**6:
        raise Refused(400, f"The parameter `classification` is a number of classes; it is {str(classes)[:40]}.")
    return Wanted(_text(output, "name", "An output"), options.get("binary_data", binary) is True, classes)


def _object(plain: Any, what: str) -> dict[str, Any]:
    if not isinstance(plain, dict):
        raise Refused(400, f"{what} is an object of JSON, with names and values; this one is none.")
    return plain


def _list(plain: Mapping[str, Any], key: str) -> Sequence[Any]:
    found = plain.get(key)
    if not isinstance(found, list):
        raise Refused(
            400,
            f'The request has no list `{key}`. It is {{"inputs": [{{"name": …, "shape": […], "datatype": …, "data": […]}}]}}.',
        )
    return found


def _text(plain: Mapping[str, Any], key: str, what: str) -> str:
    found = plain.get(key)
    if not isinstance(found, str):
        raise Refused(400, f"{what} has no `{key}`, which is a text.")
    return found


def _options(plain: Mapping[str, Any], what: str) -> dict[str, Any]:
    found = plain.get("parameters") or {}
    if not isinstance(found, dict):
        raise Refused(400, f"{what} has `parameters` that are no object of JSON, with names and values.")
    return found


def _id(plain: Mapping[str, Any]) -> str | None:
    found = plain.get("id")
    return found[:1000] if isinstance(found, str) else None


def _timeout(options: Mapping[str, Any]) -> float | None:
    """Seconds; the protocol's are millionths."""
    given = options.get("timeout")
    return given / 1e6 if type(given) is int and 0 < given < 10**15 else None
