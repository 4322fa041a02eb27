"""What a server and its workers write to each other: short messages on a socket, all that is long in shared memory."""

import json
import socket
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from stepwell.deploy.arena import Arena
from stepwell.deploy.calls import File, Numbers
from stepwell.deploy.work import Outcome, Work

_LENGTH = struct.Struct(">I")
Message = dict[str, Any]


def packed(message: Message) -> bytes:
    """A message as bytes, its length first."""
    text = json.dumps(message).encode()
    return _LENGTH.pack(len(text)) + text


def receive(connection: socket.socket) -> Message | None:
    """The next message; None where the other side has gone."""
    head = _exactly(connection, _LENGTH.size)
    text = _exactly(connection, _LENGTH.unpack(head)[0]) if head else None
    return json.loads(text) if text else None


def _exactly(connection: socket.socket, size: int) -> bytes | None:
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            return None
        data += part
    return data


class Messages:
    """Bytes as they come, cut into messages."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def feed(self, data: bytes) -> Iterator[Message]:
        """The messages that are complete now."""
        self._bytes += data
        while len(self._bytes) >= _LENGTH.size:
            end = _LENGTH.size + _LENGTH.unpack_from(self._bytes)[0]
            if len(self._bytes) < end:
                return
            text = bytes(self._bytes[_LENGTH.size : end])
            del self._bytes[:end]
            yield json.loads(text)


def write_work(
    arena: Arena,
    model: str,
    wants: Sequence[str],
    rows: Sequence[int],
    arrays: Mapping[str, Sequence[Numbers]],
    files: Sequence[File],
) -> Message:
    """A batch as a message. `arrays` are those of each call, which become one here. Raises `MemoryError`."""
    arena.clear()
    return {
        "model": model,
        "wants": list(wants),
        "rows": list(rows),
        "arrays": {name: arena.stack(parts) for name, parts in arrays.items()},
        "files": [[*arena.write(file.data), file.suffix] for file in files],
    }


def read_work(arena: Arena, message: Message) -> Work:
    """The batch of a message; its arrays lie on the arena."""
    return Work(
        model=message["model"],
        wants=message["wants"],
        rows=message["rows"],
        arrays={name: arena.array(*each) for name, each in message["arrays"].items()},
        files=[File(arena.read(place, size), suffix) for place, size, suffix in message["files"]],
    )


def write_outcomes(arena: Arena, outcomes: Sequence[Outcome], computed: float) -> Message:
    """What became of a batch as a message. An outcome that does not fit becomes a refusal."""
    arena.clear()
    return {"computed": computed, "outcomes": [_written(arena, outcome) for outcome in outcomes]}


def _written(arena: Arena, outcome: Outcome) -> Message:
    plain: Message = {"notes": list(outcome.notes), "refusal": outcome.refusal, "rows": outcome.rows}
    if outcome.refusal:
        return plain
    try:
        arrays = {name: arena.stack([array]) for name, array in outcome.arrays.items()}
        return {**plain, "answers": arena.write(outcome.answers), "arrays": arrays}
    except MemoryError as error:
        return {**plain, "refusal": (413, f"The answer is too large: {error}. Ask for fewer rows at a time.")}


def read_outcomes(arena: Arena, message: Message) -> list[Outcome]:
    """What became of a batch, copied out of the arena."""
    return [_outcome(arena, each) for each in message["outcomes"]]


def _outcome(arena: Arena, plain: Message) -> Outcome:
    notes = tuple(plain["notes"])
    if plain["refusal"]:
        status, why = plain["refusal"]
        return Outcome(refusal=(status, why), notes=notes)
    arrays = {name: np.array(arena.array(*each)) for name, each in plain["arrays"].items()}
    return Outcome(arena.read(*plain["answers"]), arrays, notes, rows=plain["rows"])
