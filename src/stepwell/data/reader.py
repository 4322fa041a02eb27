"""A reader: how raw files of one kind become a model's inputs, and its answers a table; kept with the run."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from stepwell.core.trees import Tree

if TYPE_CHECKING:
    import polars


@dataclass(frozen=True, eq=False)
class Reading:
    """New rows, as a model takes them: `inputs` is a tree of tensors with the rows first, `rows` the same rows as people
    know them (one a row of the inputs), and `notes` say what was unusual: an unseen category, a missing value.
    """

    inputs: Tree
    rows: "polars.DataFrame"
    notes: tuple[str, ...] = ()


class Reader(ABC):
    """How raw files of one kind are read. What it knows was fitted on training rows only.

    It is kept in a run as `reader.json`, so that new files are read as the training rows were, long after these are gone.
    """

    kind: ClassVar[str]
    """The kind of raw data: `table`, `series`; a row of `stepwell.recipes.kinds.KINDS`."""

    @abstractmethod
    def read(self, path: Path) -> Reading:
        """The rows of a new file. Raises `DataError`, which names file, line and column, for one that does not fit."""

    @abstractmethod
    def answered(self, reading: Reading, answers: list[dict[str, Any]]) -> "polars.DataFrame":
        """The rows of a reading with the task's answers for them (`Task.answers`) as columns."""

    def row(self, number: int) -> dict[str, Any]:
        """A row of the file that it was fitted to, as people know it, by its number in the source; empty if not known."""
        return {}

    @abstractmethod
    def facts(self) -> dict[str, Any]:
        """What people should know of the data, as plain data: files, columns with their kinds, warnings. `warnings` is a
        list of sentences; the report and the command line show them.
        """

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """All that it knows, as plain data."""

    @classmethod
    @abstractmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Self:
        """The reader that `to_json` wrote."""
