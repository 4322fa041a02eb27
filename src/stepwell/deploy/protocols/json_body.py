"""`application/json`: rows as nested lists, or by the names of their columns. Nothing is guessed: NaN, ragged lists, truth
values among numbers and keys that occur twice are refused.
"""

import json
from collections import Counter
from collections.abc import Mapping
from math import isfinite
from typing import Any, NoReturn

from stepwell.core.errors import suggest
from stepwell.deploy.calls import Arrays, File, Refused
from stepwell.deploy.card import Card
from stepwell.deploy.protocols.checks import listed
from stepwell.deploy.protocols.nested import inputs_of, readable, shown

LIMIT = 2**23
"""The most bytes of a JSON body: as Python's objects they take up to twenty times as much."""

_KEYS = ("inputs", "rows")
_SPLIT = "with half of a surrogate pair"


def decode_json(card: Card, content_type: str, body: bytes) -> Arrays | File:
    """`{"inputs": …}` with one array as nested lists, or a dict of them by the names of the inputs; `{"rows": [{"column":
    value}, …]}` for models that read tables; or one of the two without the object around it.

    Raises `Refused`: 400 for what is no JSON, 413 above `LIMIT`, 422 for what does not fit the model.
    """
    plain = read_json(body)
    if isinstance(plain, dict):
        plain = _only_value(card, plain)
    if isinstance(plain, list) and plain and isinstance(plain[0], dict):
        return File(json_bytes(_rows(card, plain)), ".json")
    return inputs_of(card, plain)


def read_json(body: bytes | memoryview) -> Any:
    """What JSON says. Raises `Refused` (400, 413) as `decode_json` does."""
    if len(body) > LIMIT:
        raise Refused(
            413,
            f"The JSON has {len(body):,} bytes; {LIMIT:,} are the most. Send the numbers as application/x-npy, which takes a "
            "fifth of that, or fewer rows at a time.",
        )
    try:
        return json.loads(str(body, "utf-8"), parse_constant=_refuse_constant, object_pairs_hook=_unique)
    except UnicodeDecodeError as error:
        raise Refused(400, f"The JSON is not UTF-8: byte 0x{body[error.start]:02X} at {error.start:,}.") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise Refused(400, f"The body is not JSON: {error.msg}, in {where}.") from None
    except RecursionError:
        raise Refused(400, "The JSON is nested too deeply. An array has one pair of brackets a dimension.") from None
    except ValueError as error:  # a whole number of thousands of digits
        raise Refused(400, f"The JSON holds a number that cannot be read: {error}.") from None


def json_bytes(plain: Any, else_as: str = "with Accept: application/x-npy") -> bytes:
    """Plain data as JSON; half of a surrogate pair, as clients may send it, is escaped as they did.

    Raises `Refused` (422) for numbers that JSON cannot hold; `else_as` says how to get them.
    """
    try:
        text = json.dumps(plain, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    except ValueError:
        raise Refused(
            422,
            "The answer holds NaN or infinite numbers, which JSON cannot. Look for such or very large ones in the input, or "
            f"ask for it {else_as}.",
        ) from None
    return text.encode(errors="backslashreplace")


def error_bytes(sentence: str) -> bytes:
    """The body of a response that is none, whatever of its request the sentence quotes."""
    return json_bytes({"error": readable(sentence)})


def _refuse_constant(constant: str) -> NoReturn:
    raise Refused(
        400, f"{constant} stands in the JSON, which knows no such number. Leave the row out, or give a number."
    )


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        times = Counter(name for name, _ in pairs)
        twice = next(name for name, count in times.items() if count > 1)
        raise Refused(400, f"The key {listed([twice])} stands twice in one object of the JSON. Keep one of them.")
    return found


def _only_value(card: Card, plain: dict[str, Any]) -> Any:
    """What stands under `inputs` or `rows`."""
    if set(plain) == {"rows"} and not (
        isinstance(plain["rows"], list) and all(type(row) is dict for row in plain["rows"])
    ):
        raise Refused(422, f'"rows" is a list of objects, {_example(card)}; for arrays of numbers it is "inputs".')
    if len(plain) == 1 and (key := next(iter(plain))) in _KEYS:
        return plain[key]
    said = listed(list(plain)) if plain else "nothing"
    strange = next((key for key in plain if key not in _KEYS), "")
    raise Refused(
        422,
        f"The JSON object holds {said}, where {_example(card)} is expected.{suggest(strange[:80], _KEYS) if strange else ''}",
    )


def _example(card: Card) -> str:
    """What a body can be."""
    many = {want.name: "…" for want in card.inputs}
    arrays = (
        '{"inputs": […]}' if len(many) == 1 else '{"inputs": {' + ", ".join(f'"{name}": […]' for name in many) + "}}"
    )
    return f'{{"rows": [{{"column": value, …}}, …]}} or {arrays}' if takes_rows(card) else arrays


def takes_rows(card: Card) -> bool:
    """Whether a model's reader takes rows by the names of their columns."""
    return ".json" in card.files


def _rows(card: Card, rows: list[Any]) -> list[dict[str, Any]]:
    """Rows by column, each a flat object. Raises `Refused` (422)."""
    if not takes_rows(card):
        raise Refused(422, f"The model {card.name} reads no rows by the names of columns; send {_example(card)}.")
    for number, row in enumerate(rows):
        if type(row) is not dict:
            raise Refused(
                422, f"Row {number} of {len(rows)} is {shown(row)}, where an object like the first is expected."
            )
        _check_row(number, row)
    return rows


def _check_row(number: int, row: Mapping[str, Any]) -> None:
    """Raise `Refused` (422) for a value that no field of a table holds, and for a name that no column has."""
    for column, value in row.items():
        if not _is_whole(column):
            raise Refused(422, f"Row {number} has a column {_SPLIT}: {listed([column])}. Send whole characters.")
        if said := _unfit(value):
            raise Refused(422, f"Row {number} has {said[0]} in the column {listed([column])}; {said[1]} is expected.")


def _unfit(value: Any) -> tuple[str, str] | None:
    """What a value is that no field of a table holds, and what should be there."""
    if type(value) in (dict, list):
        return shown(value), "a number, a text, true, false or null"
    if type(value) is float and not isfinite(value):
        return "a number beyond 1.8e308, the largest there is,", "a smaller one or null"
    if type(value) is str and not _is_whole(value):
        return f"{shown(value)}, a text {_SPLIT},", "a text of whole characters"
    return None


def _is_whole(text: str) -> bool:
    """Whether a text has both halves of each surrogate pair, without which nothing can store it."""
    return text.isascii() or readable(text) == text
