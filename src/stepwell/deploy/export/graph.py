"""A model with what comes before and after it, as one module that takes and gives tensors by position."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor, nn

from stepwell.core.modules import call_model
from stepwell.core.trees import Tree, attach_tensors, between, detach_tensors, rows
from stepwell.deploy.calls import Numbers
from stepwell.deploy.card import Array
from stepwell.deploy.export.raw import Columns
from stepwell.deploy.servable import ALONE, Servable, as_numpy, named_arrays
from stepwell.tasks.base import Task


class Graph(nn.Module):
    """Arrays in the order of the inputs to a task's predictions in the order of the outputs.

    With `prepare` they are raw, and it makes the model's inputs of them; else they are the tensors of a tree like `like`.
    """

    def __init__(self, model: nn.Module, task: Task, like: Tree, prepare: nn.Module | None = None) -> None:
        super().__init__()
        self.model, self.prepare = model, prepare
        self._task, self._names = task, tuple(named_arrays(like))
        self._skeleton = detach_tensors(like, ALONE if isinstance(like, Tensor) else "")[0]

    def forward(self, *arrays: Tensor) -> tuple[Tensor, ...]:
        """Predictions, rows first."""
        outputs = self._task.predict(call_model(self.model, self._inputs(arrays)))
        return tuple(named_arrays(outputs).values())

    def _inputs(self, arrays: tuple[Tensor, ...]) -> Tree:
        if self.prepare is not None:
            return self.prepare(*arrays)
        return attach_tensors(self._skeleton, dict(zip(self._names, arrays, strict=True)))


@dataclass(frozen=True, kw_only=True, eq=False)
class Subject:
    """What is exported of `servable`: the `graph`, in eval mode; its `inputs`; rows to compare it by, as its own `arrays` by
    name and as the `model_inputs` that the run's way of preparing makes of them; and the columns of raw inputs, by their names.
    """

    servable: Servable
    graph: Graph
    inputs: tuple[Array, ...]
    arrays: Mapping[str, Numbers]
    model_inputs: Tree
    columns: Mapping[str, Columns] = field(default_factory=dict)

    @property
    def first(self) -> Tree:
        """The first row, as the model takes it."""
        return between(self.model_inputs, 0, 1)

    @property
    def rows(self) -> int:
        """How many rows there are to compare by."""
        return rows(self.model_inputs)

    def expected(self, start: int, end: int) -> dict[str, Numbers]:
        """The predictions of the run's own model for some of the rows as one batch, by the outputs' names."""
        outputs = self.servable.outputs(between(self.model_inputs, start, end))
        return as_numpy(self.servable.task.predict(outputs))

    def batch(self, start: int, end: int) -> dict[str, Numbers]:
        """The same rows as the graph takes them."""
        return {name: array[start:end] for name, array in self.arrays.items()}
