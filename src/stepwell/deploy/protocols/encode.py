"""What a client gets back: JSON, or the outputs as `.npy`."""

from collections.abc import Mapping
from functools import lru_cache

from stepwell.deploy.calls import Refused, Reply, Wants
from stepwell.deploy.card import Card
from stepwell.deploy.protocols.checks import names_of
from stepwell.deploy.protocols.json_body import json_bytes
from stepwell.deploy.protocols.npy import npy_bytes

JSON = "application/json"
NPY = "application/x-npy"
_OFFERED: Mapping[str, tuple[str, ...]] = {JSON: (JSON, "application/*", "*/*"), NPY: (NPY, "application/npy")}


@lru_cache(maxsize=64)
def wants_of(accept: str) -> Wants:
    """What an `Accept` header asks for: the arrays where it prefers `application/x-npy`; else answers, in JSON."""
    weights = dict(_range(part) for part in accept.lower().split(",")[:32])
    json, npy = (max(weights.get(kind, 0.0) for kind in kinds) for kinds in _OFFERED.values())
    return "arrays" if npy > json or (npy and JSON not in weights and npy == json) else "answers"


def _range(part: str) -> tuple[str, float]:
    """A media range and its weight, which is 1 where none, or none that can be read, is given."""
    kind, *options = (each.strip() for each in part.split(";"))
    given = next((option[2:] for option in options if option.startswith("q=")), "1")
    return kind, float(given) if given.replace(".", "", 1).isdecimal() and given.isascii() else 1.0


def encode(card: Card, reply: Reply, accept: str = "", *, field: str = "answers") -> tuple[bytes, str]:
    """A body and its content type: `{"model", "version", "answers", "notes", "batch"}`, in which `field` may name the answers
    otherwise; or the model's output as `.npy` where `accept` asks for it.

    Raises `Refused` (406) where that is not one array.
    """
    if wants_of(accept) == "arrays" and reply.arrays:
        return _one_array(card, reply), NPY
    notes = json_bytes(reply.notes) if reply.notes else b"[]"
    return b'%b%b,"notes":%b,"batch":%d}' % (
        _head(card.name, card.version, field),
        reply.answers,
        notes,
        reply.batch,
    ), JSON


def fared(reply: Reply) -> dict[str, str]:
    """Headers that say how the request fared: rows of its batch, milliseconds in the queue and in the worker."""
    return {
        "X-Batch": str(reply.batch),
        "X-Queue-Ms": f"{1000 * reply.waited:.2f}",
        "X-Compute-Ms": f"{1000 * reply.computed:.2f}",
    }


@lru_cache(maxsize=64)
def _head(name: str, version: str, field: str) -> bytes:
    """What stands before the answers."""
    return json_bytes({"model": name, "version": version, field: 0}).removesuffix(b"0}")


def _one_array(card: Card, reply: Reply) -> bytes:
    if len(reply.arrays) > 1:
        raise Refused(
            406,
            f"The model {card.name} gives {len(reply.arrays)} arrays ({names_of(card.outputs)}), and application/x-npy is one. "
            f"Ask for application/json, or /v2/models/{card.name}/infer.",
        )
    return npy_bytes(next(iter(reply.arrays.values())))
