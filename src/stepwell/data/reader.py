"""A reader: how raw files of one kind become a model's inputs, and its answers a table; kept with the run."""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, ClassVar, Self

from stepwell.core.errors import DataError
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

    suffixes: ClassVar[tuple[str, ...]]
    """How files end that strangers may send to be read; a file of paths, which would read others, is none of them."""

    @abstractmethod
    def read(self, path: Path) -> Reading:
        """The rows of a new file. Raises `DataError`, which names file, line and column, for one that does not fit."""

    def of_records(self, records: Sequence[Mapping[str, Any]]) -> Reading:
        """Rows by the names of their columns, read as those of a file. Raises `DataError` as `read` does, and for readers of
        what has no columns.
        """
        raise DataError(
            f"Rows by the names of their columns are given, but {self.kind} are read from files. Send a file."
        )

    @abstractmethod
    def answered(self, reading: Reading, answers: list[dict[str, Any]]) -> "polars.DataFrame":
        """The rows of a reading with the task's answers for them (`Task.answers`) as columns."""

    def row(self, number: int, *, whole: bool = False) -> dict[str, Any]:
        """A row of the file that it was fitted to, as people know it, by its number in the source; empty if not known. Of many
        columns it has the first, unless it is to be `whole`.
        """
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


ROWS = ".json"
"""The suffix of what holds rows by the names of their columns: a list of objects."""

_UPLOAD = "upload"
_GZIP = b"\x1f\x8b"


def read_bytes(reader: Reader, data: bytes, suffix: str) -> Reading:
    """What a file with this content and suffix holds, which may come from anyone; `.json` is a list of rows by column.

    The file is written to a folder that only this user can open, and removed. Raises `DataError` as `Reader.read` does, in which
    the file is called `upload`, for a suffix that is not of the reader's kind, and for content compressed by gzip, of which
    nobody knows how large it becomes.
    """
    if suffix == ROWS:
        return reader.of_records(json.loads(data))
    if suffix not in reader.suffixes:
        raise DataError(f"A file {suffix!r} is given; {reader.kind} are read from {', '.join(reader.suffixes)}.")
    if data.startswith(_GZIP):
        raise DataError("The file is compressed with gzip. Send it as it is, or over HTTP with Content-Encoding: gzip.")
    with TemporaryDirectory(prefix="stepwell-") as folder:
        path = Path(folder, f"{_UPLOAD}{suffix}")
        path.write_bytes(data)
        try:
            return reader.read(path)
        except DataError as error:
            raise DataError(str(error).replace(f"{folder}/", "").replace(folder, _UPLOAD)) from None
