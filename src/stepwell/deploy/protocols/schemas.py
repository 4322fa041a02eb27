"""What a model takes and gives, as JSON Schema 2020-12, which OpenAPI 3.1 speaks."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from stepwell.deploy.card import Array, Card
from stepwell.deploy.protocols.checks import DTYPES
from stepwell.deploy.protocols.files import MEDIA
from stepwell.deploy.protocols.json_body import takes_rows

Schema = dict[str, Any]

_SCALAR: Schema = {"type": ["number", "string", "boolean", "null"]}


def request_content(card: Card) -> dict[str, Any]:
    """The bodies that a model takes, by media type."""
    found: dict[str, Any] = {"application/json": {"schema": json_body(card)}}
    if len(card.inputs) == 1:
        found |= _of_one_array(card.inputs[0])
    files = [kind for kind, suffixes in MEDIA.items() if set(suffixes) & set(card.files)]
    found |= {kind: {"schema": _bytes(kind, "A file as it is.")} for kind in files}
    return {**found, "multipart/form-data": {"schema": _form(card)}}


def _of_one_array(want: Array) -> dict[str, Any]:
    npy = f"NumPy's file of an array {want.written()}, rows first, or of one row alone, of {want.dtype} or a dtype that it holds."
    found = {"application/x-npy": {"schema": _bytes("application/x-npy", npy)}}
    if want.row_bytes is not None:
        raw = f"Rows one behind another, each {want.written()}, little-endian: {want.row_bytes:,} bytes a row."
        found["application/octet-stream"] = {"schema": _bytes("application/octet-stream", raw)}
    return found


def _bytes(kind: str, what: str) -> Schema:
    """A body that is no JSON: in OpenAPI 3.1 it has a media type and no other type."""
    return {"contentMediaType": kind, "description": what}


def _form(card: Card) -> Schema:
    file = {
        "type": "object",
        "properties": {"file": {"description": "A file that the model takes."}},
        "required": ["file"],
    }
    if len(card.inputs) != 1:
        return file
    size = {"type": "integer", "minimum": 1}
    shape = {"type": "array", "items": size}
    meta = {"type": "object", "properties": {"shape": shape, "dtype": {"enum": list(DTYPES)}}, "required": ["shape"]}
    blob = {"description": "The values, little-endian, in the order of NumPy's C."}
    parts = {"meta": {**meta, "additionalProperties": False}, "blob": blob}
    return {"oneOf": [{"type": "object", "properties": parts, "required": ["meta", "blob"]}, file]}


def json_body(card: Card) -> Schema:
    """The JSON that a model takes."""
    if len(card.inputs) == 1:
        inputs = _rows_or_row(card.inputs[0])
    else:
        named = {want.name: _rows_or_row(want) for want in card.inputs}
        inputs = {"type": "object", "properties": named, "required": list(named), "additionalProperties": False}
    bodies = [_object({"inputs": inputs})]
    if takes_rows(card):
        bodies.append(_object({"rows": {"type": "array", "minItems": 1, "items": _row(card)}}))
    return bodies[0] if len(bodies) == 1 else {"oneOf": bodies}


def _object(properties: Mapping[str, Schema]) -> Schema:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def _rows_or_row(want: Array) -> Schema:
    one = array(want)
    return {"oneOf": [{"type": "array", "minItems": 1, "items": one}, one]}


def array(of: Array) -> Schema:
    """One row of an input or output as nested lists."""
    found = _number(of.dtype)
    for size in reversed(of.shape):
        exact = {"minItems": 1} if size is None else {"minItems": size, "maxItems": size}
        found = {"type": "array", "items": found, **exact}
    return found


def _number(dtype: str) -> Schema:
    kind = np.dtype(dtype).kind
    if kind in "iu":
        limits = np.iinfo(dtype)
        return {"type": "integer", "minimum": int(limits.min), "maximum": int(limits.max)}
    return {"type": "boolean" if kind == "b" else "number"}


def _row(card: Card) -> Schema:
    """A row by the names of its columns; a category that was unseen in training is no error."""
    columns = {column["name"]: _column(column) for column in card.form.get("columns", ())}
    return {"type": "object", "properties": columns, "required": list(columns)}


def _column(column: Mapping[str, Any]) -> Schema:
    found: Schema = {**_SCALAR, "description": f"A {column.get('kind', 'value')}; null where it is unknown."}
    examples = column.get("levels") or [
        column[key] for key in ("usual", "low", "high") if column.get(key) not in (None, "")
    ]
    return {**found, "examples": list(examples)[:20]} if examples else found


def answer(card: Card) -> Schema:
    """The answer for a row: a label with probabilities where the model has classes."""
    if not card.classes:
        return {"type": "object"}
    chance = {"type": "number", "minimum": 0, "maximum": 1}
    chances = {"type": "object", "properties": dict.fromkeys(card.classes, chance)}
    return {"type": "object", "properties": {"label": {"enum": list(card.classes)}, "probabilities": chances}}


def reply(card: Card, field: str, content: Schema) -> Schema:
    """The JSON that a model gives; `field` is what its answers are called."""
    return {
        "type": "object",
        "properties": {
            "model": {"const": card.name},
            "version": {"type": "string"},
            field: content,
            "notes": {"type": "array", "items": {"type": "string"}, "description": "What was unusual in a file."},
            "batch": {"type": "integer", "minimum": 1, "description": "How many rows ran together."},
        },
        "required": ["model", "version", field, "notes", "batch"],
    }
