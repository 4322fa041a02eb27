"""The answer to an inference, as the Open Inference Protocol writes it; labels of classes as texts (`BYTES`)."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from stepwell.deploy.calls import Numbers, Refused
from stepwell.deploy.card import Card
from stepwell.deploy.protocols.checks import listed
from stepwell.deploy.protocols.json_body import json_bytes
from stepwell.deploy.protocols.oip_request import Inference, Wanted
from stepwell.deploy.protocols.tensors import BYTES, bytes_of, datatype_of, values_of

LABEL = "label"
"""The name of the output that is the class of each row."""


def has_labels(card: Card) -> bool:
    """Whether the first output is a probability a class (or one, of the second of two), so that a row has a label."""
    if not card.classes or LABEL in [output.name for output in card.outputs]:
        return False
    return card.outputs[0].shape in ([(len(card.classes),)] + [(1,), ()] * (len(card.classes) == 2))


def labels_of(card: Card, chances: Numbers) -> Numbers:
    """The class of each row, as texts; of two classes with one probability, the second from the card's threshold on."""
    rows = chances.reshape(len(chances), -1)
    best = (rows[:, 0] >= card.threshold).astype(int) if rows.shape[1] == 1 else rows.argmax(1)
    names: Numbers = np.array(card.classes, object)
    return np.asarray(names[best])


def check_outputs(card: Card, inference: Inference) -> tuple[Wanted, ...]:
    """The outputs that are asked for, all where none is named. Raises `Refused` (422) for one that the model does not have,
    and for one that is asked for twice.
    """
    known = [output.name for output in card.outputs] + ([LABEL] if has_labels(card) else [])
    if inference.outputs is None:
        return tuple(Wanted(name, inference.binary) for name in known)
    for wanted in inference.outputs:
        if wanted.name not in known:
            raise Refused(
                422, f"The model {card.name} has no output {listed([wanted.name])}; its outputs are {listed(known)}."
            )
        if wanted.classes and (wanted.name != card.outputs[0].name or not has_labels(card)):
            raise Refused(
                422, f"The output {wanted.name!r} holds no probabilities of classes, so it has no `classification`."
            )
    twice = [name for name, count in Counter(wanted.name for wanted in inference.outputs).items() if count > 1]
    if twice:
        raise Refused(422, f"The output {twice[0]!r} is asked for twice. Name each output once.")
    return inference.outputs


def write_reply(
    card: Card, id: str | None, wanted: tuple[Wanted, ...], arrays: Mapping[str, Numbers]
) -> tuple[bytes, int | None]:
    """The body, and the length of the JSON at its head where tensors follow it as bytes.

    Raises `Refused` (422) for NaN and infinite numbers in JSON.
    """
    blobs, outputs = list[bytes](), list[dict[str, Any]]()
    for each in wanted:
        array = _array(card, each, arrays)
        plain = {"name": each.name, "datatype": datatype_of(array.dtype), "shape": list(array.shape)}
        if each.binary:
            blobs.append(bytes_of(array))
            outputs.append({**plain, "parameters": {"binary_data_size": len(blobs[-1])}})
        else:
            outputs.append({**plain, "data": values_of(array)})
    named = {} if id is None else {"id": id}
    facts = {**named, "model_name": card.name, "model_version": card.version, "outputs": outputs}
    head = json_bytes(facts, else_as="as binary data (binary_data: true)")
    return b"".join([head, *blobs]), len(head) if blobs else None


def _array(card: Card, wanted: Wanted, arrays: Mapping[str, Numbers]) -> Numbers:
    if wanted.name == LABEL and LABEL not in arrays:
        return labels_of(card, arrays[card.outputs[0].name])
    array = arrays[wanted.name]
    return _classification(card, array, wanted.classes) if wanted.classes else array


def _classification(card: Card, chances: Numbers, count: int) -> Numbers:
    """The `count` likeliest classes of each row as `probability:place:name`, likeliest first."""
    rows = chances.reshape(len(chances), -1)
    if rows.shape[1] == 1:
        rows = np.concatenate([1 - rows, rows], axis=1)
    places = np.argsort(-rows, axis=1, kind="stable")[:, :count]
    texts = [
        [f"{row[place]:f}:{place}:{card.classes[place]}" for place in best]
        for row, best in zip(rows, places, strict=True)
    ]
    return np.array(texts, object)


def label_described() -> dict[str, Any]:
    """The label among the outputs of a model's metadata."""
    return {"name": LABEL, "datatype": BYTES, "shape": [-1]}
