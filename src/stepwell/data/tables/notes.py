"""Sentences on what was found in a table while it was read."""

import shlex
from collections.abc import Callable, Mapping, Sequence

from stepwell.data.tables.values import EXPECTED, ZEROS, Values

_SHOWN = 8
_STAYS = ("but stays text", "are taken as text")


def missing_notes(columns: Mapping[str, Values]) -> list[str]:
    """How many values each column lacks, and what stood in their places."""
    found = {name: values for name, values in columns.items() if values.missing}
    notes = [f"Column {name!r} has {_missing(values)}." for name, values in list(found.items())[:_SHOWN]]
    rest = list(found)[_SHOWN:]
    if rest:
        total = sum(sum(found[name].missing.values()) for name in rest)
        notes.append(
            f"{_count(len(rest), 'column')} more, from {rest[0]!r} to {rest[-1]!r}, have {_count(total, 'missing value')}."
        )
    return notes


def treatment_notes(columns: Mapping[str, Values]) -> list[str]:
    """What was done to values, such as decimal commas read as points."""
    done: dict[str, list[str]] = {}
    for name, values in columns.items():
        for note in values.notes:
            done.setdefault(note, []).append(name)
    return [
        f"{'Column' if len(names) == 1 else 'Columns'} {_listed(names)}: {_told(note, names[0])}."
        for note, names in done.items()
    ]


def without_guesses(notes: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    """The notes but for those that say of columns, all among `known`, that they stay text: what they are is known."""
    return tuple(note for note in notes if not (any(text in note for text in _STAYS) and _all_among(note, known)))


def _all_among(note: str, known: Sequence[str]) -> bool:
    """Whether all columns that a note names at its head are among the known ones."""
    head = note.partition(": ")[0]
    for name in known:
        head = head.replace(repr(name), "")
    return "'" not in head and '"' not in head


def _told(note: str, name: str) -> str:
    return note.replace("{column}:integer", shlex.quote(f"{name}:integer")) if note == ZEROS else note


def oddity_notes(columns: Mapping[str, Values], line: Callable[[int], int]) -> list[str]:
    """Which columns are text because of a few values, and where the first of these stands."""
    odd = [(name, values.odd) for name, values in columns.items() if values.odd is not None]
    notes = [
        f"Column {name!r} is text, since {_count(one.count, 'value')} of it {'is' if one.count == 1 else 'are'} not "
        f"{EXPECTED[one.kind]}: the first is {one.text!r} in line {line(one.row)}."
        for name, one in odd[:_SHOWN]
    ]
    more = [name for name, _ in odd[_SHOWN:]]
    return notes + (
        [f"So {'is' if len(more) == 1 else 'are'} {_count(len(more), 'column')} more: {_listed(more)}."] if more else []
    )


def empty_notes(count: int) -> list[str]:
    """How many empty rows were left out."""
    return [f"{_count(count, 'empty row')} {'was' if count == 1 else 'were'} left out."] if count else []


def _missing(values: Values) -> str:
    counts = values.missing
    named = ", ".join(f"{count:,} × {marker!r}" if marker else f"{count:,} empty" for marker, count in counts.items())
    whole = ", which is all of them" if values.series.null_count() == len(values.series) else ""
    return f"{_count(sum(counts.values()), 'missing value')} ({named}){whole}"


def _count(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:_SHOWN]))
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"
