"""What a caller asks of a table: which columns, as which types; checked against those that there are."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from stepwell.core.errors import DataError, suggest
from stepwell.data.tables.values import EXPECTED

_SHOWN = 12
_OTHER_WORDS = {
    "float": "number",
    "double": "number",
    "numeric": "number",
    "int": "integer",
    "str": "text",
    "string": "text",
    "category": "text",
    "datetime": "date",
    "time": "date",
    "bool": "boolean",
}


def asked_columns(
    path: Path, names: Sequence[str], columns: Sequence[str] | None, types: Mapping[str, str]
) -> tuple[str, ...]:
    """The columns to be read, in the file's order. Raises `DataError` for a column or type that there is not."""
    columns = (columns,) if isinstance(columns, str) else columns
    known = frozenset(names)
    for name in (*(columns if columns is not None else ()), *types):
        if name not in known:
            shown = ", ".join(map(repr, names[:_SHOWN])) + (", …" if len(names) > _SHOWN else "")
            raise DataError(f"{path} has no column {name!r}; it has {len(names)}: {shown}.{suggest(name, names)}")
    for name, kind in types.items():
        if kind not in EXPECTED:
            message = f"Column {name!r} cannot be read as {kind!r}; the types are {', '.join(EXPECTED)}."
            raise DataError(f"{message}{suggest(_OTHER_WORDS.get(kind, kind), EXPECTED)}")
    if columns is not None and not columns:
        raise DataError(f"No column of {path} is asked for: columns= is empty. Leave it out to read all {len(names)}.")
    chosen = known if columns is None else frozenset(columns)
    return tuple(name for name in names if name in chosen)
