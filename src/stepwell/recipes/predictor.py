"""A trained model with all that it needs to answer, without the data that it was trained on."""

import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn

from stepwell.core.errors import RunError
from stepwell.core.trees import Tree, between, rows, tensors
from stepwell.data.reader import Reader, Reading
from stepwell.insight.outputs import outputs_of
from stepwell.recipes.kinds import part
from stepwell.recipes.launch import rebuild
from stepwell.recipes.recipe import load
from stepwell.runs import Run
from stepwell.tasks.base import Task
from stepwell.training.state import load_model

_AT_ONCE = 4096  # rows, of which the inputs are at most so many bytes:
_AT_ONCE_BYTES = 2**24


@dataclass(frozen=True, eq=False)
class Predictor:
    """A model, what its outputs mean, and how new files become its inputs."""

    model: nn.Module
    task: Task
    reader: Reader

    def read(self, path: Path) -> Reading:
        """New rows of a file. Raises `DataError` for one that does not fit."""
        return self.reader.read(path)

    def answers(self, inputs: Tree) -> list[dict[str, Any]]:
        """The task's answer for each row: `{"values": …}`, or `{"label": …, "probabilities": …}`."""
        outputs = partial(outputs_of, self.model)
        count = _at_once(inputs)
        parts = (outputs(between(inputs, start, start + count)) for start in range(0, rows(inputs), count))
        return [answer for each in parts for answer in self.task.answers(each)]


def _at_once(inputs: Tree) -> int:
    """How many rows go through the model together."""
    row = sum(tensor.nbytes for tensor in tensors(inputs)) // max(rows(inputs), 1)
    return max(1, min(_AT_ONCE, _AT_ONCE_BYTES // max(row, 1)))


def load_predictor(run: Run, which: str | int = "best") -> Predictor:
    """The predictor of a run whose recipe reads files.

    The data that a run of Stepwell's own recipes was trained on need not exist any more. Raises `RunError` where the run
    keeps no reader, `CheckpointError` where the checkpoint is damaged.
    """
    kept = run.read("reader.json")
    if kept is None:
        raise RunError(
            f"{run.name} was not trained on a file, so no other file can be read as its data was. From Python, use"
            " stepwell.predict with tensors."
        )
    reader = part(kept["kind"], "reader").from_json(kept)
    model, task = _model(run, reader)
    load_model(model, run.read_checkpoint(which))
    return Predictor(model, task, reader)


def _model(run: Run, reader: Reader) -> tuple[nn.Module, Task]:
    """The untrained model and the task: from what the run keeps, or else from the whole recipe with its data.

    A recipe whose module has a function `model_of(reader, parameters)` needs no data to make them.
    """
    recipe = load(run.facts["recipe"])
    model_of = getattr(sys.modules[recipe.function.__module__], "model_of", None)
    if model_of is None:
        experiment = rebuild(run)
        return experiment.model, experiment.task
    model, task = model_of(reader, recipe.complete(run.facts["parameters"]))
    return model, task
