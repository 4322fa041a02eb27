"""How files of a table are read: kept in a run, so that new rows become what the training rows were."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self

import polars as pl

from stepwell.core.errors import DataError, suggest
from stepwell.data.reader import Reader, Reading
from stepwell.data.tables.columns import Column
from stepwell.data.tables.encoder import naming
from stepwell.data.tables.encoding import Encoding
from stepwell.data.tables.notes import without_guesses
from stepwell.data.tables.objects import table_of
from stepwell.data.tables.paths import SUFFIXES, table_kind
from stepwell.data.tables.read import TableFile, read_table
from stepwell.data.tables.target import Target

_TOLD = 20


@dataclass(frozen=True, kw_only=True, eq=False)
class TableReader(Reader):
    """How a table is read: what each of its `columns` is, their `encoding`, and the `target`.

    `file` are facts of the file that all this was fitted to, `missing` how many rows lack a value, by column; `notes` say
    what was found in it, `warnings` what may make the scores wrong, `suspects` the
    columns in use that they name. `frame` is that table; it is not kept with a run.
    """

    kind: ClassVar[str] = "table"
    suffixes: ClassVar[tuple[str, ...]] = SUFFIXES
    columns: tuple[Column, ...]
    encoding: Encoding
    target: Target
    file: Mapping[str, Any] = field(default_factory=dict)
    missing: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    suspects: tuple[str, ...] = ()
    frame: pl.DataFrame | None = field(default=None, repr=False)

    def read(self, path: Path) -> Reading:
        """The rows of a new table, which needs the columns that are used, in any order, and no target.

        Raises `DataError` for a column that is not there (near names are suggested) and for values of another type than in
        training, with file and line.
        """
        file = self._file(path)
        self._check(str(file.path), set(file.frame.columns))
        text = [name for name in self.encoding.text_columns if file.frame.schema[name] != pl.String]
        if text:  # 007 was read as 7
            file = read_table(path, header=file.header, delimiter=file.delimiter, types=dict.fromkeys(text, "text"))
        with naming(path):
            encoded = self.encoding.encode(file.frame, file.line)
        told = without_guesses(file.notes, file.frame.columns)
        return Reading(encoded.inputs, file.frame, (*told, *encoded.notes))

    def of_records(self, records: Sequence[Mapping[str, Any]]) -> Reading:
        """Rows by the names of their columns, typed as those of a CSV file are; null is a missing value.

        Columns that no training row had are left out, with a note. Raises `DataError` as `read` does, with the number of the
        row from 0.
        """
        frame, told = table_of(records, {})
        known = {*self.encoding.columns, *(column.name for column in self.columns), self.target.name}
        strange = [name for name in frame.columns if name not in known]
        self._check("The table", frame.columns, strange)
        text = [name for name in self.encoding.text_columns if frame.schema[name] != pl.String]
        if text:  # 007 was read as 7
            frame, told = table_of(records, dict.fromkeys(text, "text"))
        encoded = self.encoding.encode(frame)
        notes = (f"The column {name!r} was left out: no training row had it." for name in strange[:_TOLD])
        return Reading(encoded.inputs, frame, (*notes, *told, *encoded.notes))

    def _file(self, path: Path) -> TableFile:
        """As the first file was written, if that gives all columns; else as it seems to be written itself."""
        if self.file.get("delimiter") and table_kind(path) == "text":
            try:
                file = read_table(path, delimiter=self.file["delimiter"], header=self.file["header"])
            except DataError:  # which finding the delimiter mends, or tells of again
                return read_table(path)
            if set(self.encoding.columns) <= set(file.frame.columns):
                return file
        return read_table(path)

    def _check(self, what: str, columns: Collection[str], strange: Sequence[str] = ()) -> None:
        """Raise `DataError` where columns are lacking; the `strange` ones, which no training row had, may be misspelt."""
        lacking = [name for name in self.encoding.columns if name not in columns]
        if lacking:
            others = f" It has {_listed(strange)}, which no training row had." if strange else ""
            near = next(filter(None, (suggest(name, strange or columns) for name in lacking)), "")
            raise DataError(
                f"{what} lacks {_listed(lacking)}; the network was trained with {'it' if len(lacking) == 1 else 'them'}."
                f"{others}{near}"
            )

    def answered(self, reading: Reading, answers: list[dict[str, Any]]) -> pl.DataFrame:
        """The rows with `predicted NAME`, and of classes the probability of each, `probability of CLASS`."""
        if self.target.kind == "regression":
            predicted = [next(iter(answer["values"].values())) for answer in answers]
            more = {f"predicted {self.target.name}": pl.Series(predicted, dtype=pl.Float64)}
        else:
            more = {
                f"predicted {self.target.name}": pl.Series([answer["label"] for answer in answers], dtype=pl.String)
            }
            for name in self.target.classes:
                chances = [answer["probabilities"][name] for answer in answers]
                more[f"probability of {name}"] = pl.Series(chances, dtype=pl.Float64)
        return reading.rows.with_columns(values.alias(_free(name, reading.rows)) for name, values in more.items())

    def row(self, number: int, *, whole: bool = False) -> dict[str, Any]:
        """The values of the columns that are used (of many, the first, unless `whole`), and of the target."""
        if self.frame is None:
            return {}
        columns = self.encoding.columns if whole else self.encoding.columns[:_TOLD]
        return self.frame.select(*columns, self.target.name).row(number, named=True)

    def facts(self) -> dict[str, Any]:
        """The file, its columns, the target, notes and warnings, as plain data."""
        return {
            "kind": self.kind,
            **self.file,
            "target": self.target.name,
            "task": self.target.kind,
            "classes": list(self.target.classes),
            "why": self.target.why,
            "features": list(self.encoding.names),
            "suspects": list(self.suspects),
            "columns": self._facts_of_columns(),
            "notes": list(self.notes),
            "warnings": list(self.warnings),
        }

    def _facts_of_columns(self) -> list[dict[str, Any]]:
        counts = self.encoding.counts()
        return [
            {
                "column": column.name,
                "kind": column.kind,
                "encoding": column.encoding,
                "levels": counts.get(column.name),
                "missing": self.missing.get(column.name, 0),
                "why": column.why,
            }
            for column in self.columns
        ]

    def to_json(self) -> dict[str, Any]:
        """All but the table."""
        return {
            "columns": [{**vars(column), "order": list(column.order)} for column in self.columns],
            "encoding": self.encoding.to_json(),
            "target": self.target.to_json(),
            "file": dict(self.file),
            "missing": dict(self.missing),
            "notes": list(self.notes),
            "warnings": list(self.warnings),
            "suspects": list(self.suspects),
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Self:
        """What `to_json` wrote."""
        return cls(
            columns=tuple(Column(**{**column, "order": tuple(column["order"])}) for column in plain["columns"]),
            encoding=Encoding.from_json(plain["encoding"]),
            target=Target.from_json(plain["target"]),
            file=plain["file"],
            missing=plain["missing"],
            notes=tuple(plain["notes"]),
            warnings=tuple(plain["warnings"]),
            suspects=tuple(plain["suspects"]),
        )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:5])) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _free(name: str, frame: pl.DataFrame) -> str:
    """A name that no column has yet: predictions never replace what the file held."""
    while name in frame.columns:
        name += " (new)"
    return name
