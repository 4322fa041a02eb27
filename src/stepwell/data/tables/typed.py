"""The columns of a text file, typed: slab by slab, so that no more of the file than a slab is held as text."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

import polars as pl

from stepwell.data.tables.body import Slab, exact_slabs, fast_slabs
from stepwell.data.tables.dialect import Dialect
from stepwell.data.tables.inference import join, understand
from stepwell.data.tables.records import filled
from stepwell.data.tables.text import Text
from stepwell.data.tables.values import Values

Slabs = Callable[[Text, Dialect], Iterator[Slab]]
_SAMPLE_LINES = 1000


class Typed(NamedTuple):
    """Columns by name, and how many empty rows of the file are not in them."""

    columns: dict[str, Values]
    empty: int


def typed_columns(text: Text, dialect: Dialect, wanted: Sequence[str], types: Mapping[str, str]) -> Typed:
    """The wanted columns of a file. Raises `DataError` for ragged rows and open quotes; see `Values.odd` for types."""
    try:
        return _typed(fast_slabs, text, dialect, wanted, types)
    except pl.exceptions.PolarsError:  # an error in the file, which the exact way names, or a quote that only it takes
        return _typed(exact_slabs, text, dialect, wanted, types)


def sampled_bytes(text: Text, dialect: Dialect, wanted: Sequence[str], types: Mapping[str, str]) -> dict[str, float]:
    """Bytes that each wanted column will take in memory, as its first thousand lines tell."""
    lines = list(islice(text.lines(), _SAMPLE_LINES))
    rows = [row.fields for row in filled(text.path, lines, dialect.delimiter) if len(row.fields) == len(dialect.names)]
    body = rows[dialect.header is not None :]
    texts = pl.DataFrame(body, schema=dict.fromkeys(dialect.names, pl.String), orient="row").select(wanted)
    scale = text.size / sum(len(line.encode()) for line in lines)
    typed = understand(texts, types, dialect.decimal_comma)
    return {name: values.series.estimated_size() * scale for name, values in typed.items()}


def _typed(slabs: Slabs, text: Text, dialect: Dialect, wanted: Sequence[str], types: Mapping[str, str]) -> Typed:
    parts, empty = list[dict[str, Values]](), 0
    for slab in slabs(text, dialect):
        parts.append(understand(slab.texts.select(wanted), types, dialect.decimal_comma))
        empty += slab.empty
    joined = {name: join([part.pop(name) for part in parts]) for name in wanted}
    unclear = [name for name in wanted if joined[name] is None]
    again = {}
    if unclear:
        texts = pl.concat([slab.texts.select(unclear) for slab in slabs(text, dialect)])
        again = understand(texts, types, dialect.decimal_comma)
    return Typed({name: joined[name] or again[name] for name in wanted}, empty)
