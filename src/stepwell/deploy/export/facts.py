"""What stands beside an exported file, in `model.json`: all that a client needs to ask it and to understand its answers."""

from importlib.metadata import version
from typing import Any

from torch import nn

from stepwell.deploy.calls import Numbers
from stepwell.deploy.card import Array
from stepwell.deploy.export.formats import BATCH
from stepwell.deploy.export.graph import Subject
from stepwell.models.pixels import FromPixels
from stepwell.tasks import Binary
from stepwell.tasks.side_heads import main_task

KIND = "stepwell export 1"
"""What `format` says in `model.json`. Its number changes with what the other fields mean."""

_PACKAGES = ("stepwell", "torch", "numpy")


def describe(subject: Subject) -> dict[str, Any]:
    """Plain data: the model's name, inputs with their columns, outputs, what an answer means, and how pictures are made."""
    card = subject.servable.card
    return {
        "format": KIND,
        "name": card.name,
        "title": card.title,
        "version": card.version,
        "kind": card.kind,
        "inputs": [_input(each, subject.arrays[each.name], subject) for each in subject.inputs],
        "outputs": [_array(each) for each in card.outputs],
        "answer": _answer(subject),
        **_pictures(subject),
    }


def _array(array: Array) -> dict[str, Any]:
    return {"name": array.name, "dtype": array.dtype, "shape": [BATCH, *array.shape]}


def _input(array: Array, rows: Numbers, subject: Subject) -> dict[str, Any]:
    """An input with what is in its last dimension, or else the range of the rows that it was compared by."""
    if array.name in subject.columns:
        return {**_array(array), "columns": list(subject.columns[array.name])}
    return {**_array(array), "range": [rows.min().item(), rows.max().item()]}


def _answer(subject: Subject) -> dict[str, Any]:
    """`kind`: `classes` or `values`; the `names` of them; for one probability, the `threshold` for the second class."""
    servable = subject.servable
    answer = servable.task.answers(servable.outputs(subject.first))[0]
    task = main_task(servable.task)
    if "label" not in answer:
        return {"kind": "values", "names": list(answer["values"])}
    threshold = {"threshold": task.threshold} if isinstance(task, Binary) else {}
    return {"kind": "classes", "names": list(answer["probabilities"]), **threshold}


def _pictures(subject: Subject) -> dict[str, Any]:
    """How pictures become inputs, and how the graph normalises them."""
    found = next((each for each in _modules(subject) if isinstance(each, FromPixels)), None)
    if found is None:
        return {}
    scaled = (
        "upright, scaled until it covers the input's height and width, the middle cut out; RGB or grey, channels first"
    )
    return {
        "pictures": {
            "pixels": scaled,
            "mean": found.mean.flatten().tolist(),
            "std": found.std.flatten().tolist(),
            "normalised": "by the graph: (pixels / 255 - mean) / std",
        }
    }


def _modules(subject: Subject) -> list[nn.Module]:
    return list(subject.servable.model.modules())


def versions(packages: tuple[str, ...]) -> dict[str, str]:
    """Those of Stepwell, torch and numpy, and of `packages`."""
    return {name: version(name) for name in (*_PACKAGES, *packages)}
