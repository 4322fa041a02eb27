"""What a load test asks a server: its models, and one row for the model under test, made from what the server says of it."""

import json
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from stepwell.core.errors import StepwellError, suggest
from stepwell.deploy.calls import Numbers
from stepwell.deploy.card import Array, Card
from stepwell.deploy.client import Answer, Connection, Place, request

ANY = 32
"""The length of a dimension that may have any."""

RAW, NPY, JSON = "application/octet-stream", "application/x-npy", "application/json"


class LoadError(StepwellError):
    """A server that cannot be tested: none that speaks Stepwell's protocol, no such model, or no token for it."""


@dataclass(frozen=True)
class Sample:
    """The body of a request, its type, and a word for people on what it is."""

    body: bytes
    content_type: str
    what: str

    def request(self, place: Place, model: str, token: str | None = None) -> bytes:
        """The whole request to predict it."""
        headers = {"Content-Type": self.content_type, **authorised(token)}
        return request(place, "POST", f"/predict/{quote(model, safe='')}", self.body, headers)


def authorised(token: str | None) -> dict[str, str]:
    """The header that shows a token, if there is one."""
    return {"Authorization": f"Bearer {token}"} if token else {}


async def find_card(connection: Connection, place: Place, name: str | None, token: str | None = None) -> Card:
    """What the server says of the model of a name, by default of its first. Raises `LoadError`."""
    said = _checked(await connection.ask(request(place, "GET", "/models", headers=authorised(token))), place)
    try:
        cards = {card.name: card for card in map(Card.from_json, json.loads(said.body))}
    except (ValueError, KeyError, TypeError):
        raise LoadError(f"{place.url}/models is no list of Stepwell's models. Is it stepwell serve?") from None
    if not cards:
        raise LoadError(f"{place.url} serves no model.")
    if name is None:
        return next(iter(cards.values()))
    if name not in cards:
        raise LoadError(f"{place.url} has no model {name!r}; it has {', '.join(cards)}.{suggest(name, cards)}")
    return cards[name]


def _checked(answer: Answer, place: Place) -> Answer:
    if answer.status == 401:
        raise LoadError(f"{place.url} asks for a token; give it the one that stepwell serve showed: --token TOKEN")
    if answer.status != 200:
        raise LoadError(f"{place.url}/models answers {answer.status}: {sentence(answer)}")
    return answer


def sentence(answer: Answer) -> str:
    """What a server says of an error: the sentence in its JSON, or the beginning of whatever it sent."""
    try:
        return str(json.loads(answer.body)["error"])
    except (ValueError, KeyError, TypeError):
        return answer.body[:200].decode("utf-8", "replace") or "nothing more"


async def find_sample(connection: Connection, place: Place, card: Card, token: str | None = None) -> Sample:
    """A kept example of the model, or where none is kept, random numbers."""
    if card.examples:
        path = f"/models/{quote(card.name, safe='')}/examples/0"
        answer = await connection.ask(request(place, "GET", path, headers=authorised(token)))
        if answer.status == 200:
            return kept(answer, card)
    return drawn(card)


def kept(answer: Answer, card: Card) -> Sample:
    """A kept example as a request: raw bytes where the shape of a row is fixed, the row of a table as a list of one, else as
    it came.
    """
    found = answer.headers.get(b"content-type", b"").decode("latin-1").partition(";")[0]
    if found == NPY and len(card.inputs) == 1 and card.inputs[0].row_bytes is not None:
        array = np.load(BytesIO(answer.body), allow_pickle=False)
        raw = array.astype(np.dtype(card.inputs[0].dtype).newbyteorder("<")).tobytes()
        return Sample(raw, RAW, f"a kept example, {len(raw):,} bytes")
    body = answer.body
    if found == JSON and not body.lstrip().startswith((b'{"rows"', b'{"inputs"', b"[")):
        body = b'{"rows": [%b]}' % body
    return Sample(body, found, f"a kept example, {len(body):,} bytes of {found}")


def drawn(card: Card, seed: int = 0) -> Sample:
    """One row of random numbers: raw bytes where the model has one input of a fixed shape, `.npy` where it has one, else JSON."""
    arrays = {each.name: _drawn(each, np.random.default_rng(seed)) for each in card.inputs}
    first = card.inputs[0]
    if len(arrays) > 1:
        body = json.dumps({"inputs": {name: array.tolist() for name, array in arrays.items()}}).encode()
        return Sample(body, JSON, f"random numbers, {len(body):,} bytes of JSON")
    if first.row_bytes is None:
        body = npy(arrays[first.name])
        return Sample(body, NPY, f"random numbers, {len(body):,} bytes of .npy")
    body = arrays[first.name].tobytes()
    return Sample(body, RAW, f"random numbers, {len(body):,} bytes")


def _drawn(array: Array, draw: np.random.Generator) -> Numbers:
    """A row: bytes of any value, fractions from a standard normal distribution, and zeros for what may be a level's number."""
    dtype, shape = np.dtype(array.dtype).newbyteorder("<"), (1, *(size or ANY for size in array.shape))
    if dtype == np.uint8:
        return draw.integers(0, 256, shape).astype(dtype)
    return draw.standard_normal(shape).astype(dtype) if dtype.kind == "f" else np.zeros(shape, dtype)


def npy(array: Numbers) -> bytes:
    """An array as the content of an `.npy` file."""
    out = BytesIO()
    np.save(out, array, allow_pickle=False)
    return out.getvalue()


def of_file(path: Path) -> Sample:
    """A file as it is, with the type that its name tells. Raises `LoadError` where it cannot be read."""
    try:
        body = path.read_bytes()
    except OSError as error:
        raise LoadError(f"{path} cannot be read: {error.strerror or error}.") from None
    found = _TYPES.get(path.suffix.lower()) or mimetypes.guess_type(path.name)[0] or RAW
    return Sample(body, found, f"{path.name}, {len(body):,} bytes of {found}")


_TYPES: Mapping[str, Any] = {".npy": NPY, ".csv": "text/csv", ".json": JSON, ".webp": "image/webp"}
