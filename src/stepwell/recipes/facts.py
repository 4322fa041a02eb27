"""The facts of an experiment that `run.json` keeps."""

from typing import Any, TypeGuard

import torch
from torch.utils.data import DataLoader

from stepwell.core.devices import device_of
from stepwell.core.keys import Key
from stepwell.core.trees import to_device
from stepwell.data.batch import Source
from stepwell.data.fingerprint import fingerprint
from stepwell.data.leaks import shared_rows
from stepwell.data.proportions import SIDES
from stepwell.data.splits import Splits
from stepwell.models.describe import layers
from stepwell.models.pixels import FromPixels
from stepwell.training.evaluation import class_names
from stepwell.training.experiment import Experiment

_MOST_BYTES = 2**31  # of a side's rows; the windows of a long series overlap, and together are many times the series


def describe(experiment: Experiment) -> dict[str, Any]:
    """Data, model, task and optimizer as plain data, with a warning for each leak between sides in memory.

    A reader has its own warnings, which name lines and columns.
    """
    task = experiment.task
    return {
        "data": _describe_data(experiment.data, leaks=experiment.reader is None),
        "model": _describe_model(experiment),
        "task": {"kind": type(task).__name__, "classes": class_names(task), "watch": list(experiment.watched)},
        "optimizer": _describe_optimizer(experiment),
        **({"reader": experiment.reader.facts()} if experiment.reader is not None else {}),
    }


def data_fingerprint(data: Splits) -> str | None:
    """SHA-256 of the training rows: the one that their source states, else that of what lies in memory and is read in
    seconds, else None.
    """
    stated = data.train.stated if isinstance(data.train, Source) else None
    return stated or (fingerprint(data.train) if _is_small(data.train) else None)


def _is_small(side: Source | DataLoader[Any]) -> TypeGuard[Source]:
    return isinstance(side, Source) and side.row_bytes is not None and side.row_bytes * len(side) <= _MOST_BYTES


def _describe_data(data: Splits, *, leaks: bool) -> dict[str, Any]:
    sides = {side: getattr(data, side) for side in SIDES}
    sources = {side: source for side, source in sides.items() if isinstance(source, Source)}
    return {
        **{side: len(source) for side, source in sources.items()},
        "split": data.split.how if data.split else None,
        "fingerprint": data_fingerprint(data),
        "warnings": [str(leak) for leak in shared_rows(data)]
        if leaks and all(map(_is_small, sources.values()))
        else [],
    }


def _describe_model(experiment: Experiment) -> dict[str, Any]:
    model = experiment.model
    inner = model.net if isinstance(model, FromPixels) else model
    parameters = list(model.parameters())
    return {
        "class": type(inner).__name__,
        "parameters": sum(parameter.numel() for parameter in parameters),
        "trainable": sum(parameter.numel() for parameter in parameters if parameter.requires_grad),
        "device": str(device_of(model)),
        "layers": _layers(experiment),
    }


def _layers(experiment: Experiment) -> list[dict[str, Any]]:
    """The layers that a row of the training data passes."""
    data = experiment.data.train
    if not isinstance(data, Source):
        return []
    row = data.batch(torch.arange(1), Key(experiment.seed)("describe"))
    inputs = to_device(row.inputs, device_of(experiment.model))
    return [
        {"layer": layer.name, "kind": layer.kind, "output": _shapes(layer.shapes), "parameters": layer.parameters}
        for layer in layers(experiment.model, inputs)
    ]


def _shapes(shapes: tuple[tuple[int, ...], ...]) -> str:
    """The shapes of one row: `16 × 8 × 8`."""
    return ", ".join(" × ".join(map(str, shape[1:])) or "1" for shape in shapes)


def _describe_optimizer(experiment: Experiment) -> dict[str, Any]:
    optimizer, scheduler = experiment.made_optimizer, experiment.scheduler
    chosen = {name: value for name, value in optimizer.defaults.items() if isinstance(value, (bool, int, float, str))}
    return {"kind": type(optimizer).__name__, **chosen, "scheduler": type(scheduler).__name__ if scheduler else None}
