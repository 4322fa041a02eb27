"""The kept examples of a model as bodies of requests, for a page and for load tests."""

import io
import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from stepwell.core.trees import between, rows
from stepwell.deploy.servable import ALONE, Servable, as_numpy

_LARGEST = 2**20  # bytes of an example that is shown

Shown = tuple[str, str]
"""A content type, and the body as text; of arrays, its bytes in Latin-1."""


def shown(servables: Iterable[Servable]) -> dict[str, list[Shown]]:
    """For each model the bodies of its examples, in order, but for such as are too large."""
    return {servable.card.name: _examples(servable) for servable in servables}


def _examples(servable: Servable) -> list[Shown]:
    bodies = [_body(servable, number) for number in range(rows(servable.examples))]
    return [(kind, body.decode("latin-1")) for kind, body in bodies if len(body) <= _LARGEST]


def _body(servable: Servable, number: int) -> tuple[str, bytes]:
    """One example: a table's row as its file has it; else the array, or a tree of them as JSON."""
    if servable.card.kind == "table" and number < len(servable.raw):
        target = servable.card.form["target"]
        return _json({"rows": [{name: value for name, value in servable.raw[number].items() if name != target}]})
    arrays = as_numpy(between(servable.examples, number, number + 1), ALONE)
    if list(arrays) != [ALONE]:
        return _json({"inputs": {name: array.tolist() for name, array in arrays.items()}})
    file = io.BytesIO()
    np.save(file, arrays[ALONE], allow_pickle=False)
    return "application/x-npy", file.getvalue()


def _json(plain: Mapping[str, Any]) -> tuple[str, bytes]:
    return "application/json", json.dumps(plain).encode()
