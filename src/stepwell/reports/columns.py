"""What is known of the data: its file, its rows by split, its columns and how each became numbers."""

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

from stepwell.reports.history import Line
from stepwell.reports.page import Section, facts_table, figures_row, listed, paragraph, table, warning, warnings_box
from stepwell.reports.text import Html, Numeric, escape, number, part

_FINGERPRINT = 16
_MOST_COLUMNS = 40
_MOST_WARNINGS = 12
_SPLITS = {"train": "training", "val": "validation"}
_COLUMN = ("column", "kind", "encoding", "levels", "missing", "why")
_MOST_BOXES = 3
_TOLD = ("columns", "warnings", "notes", "features", "suspects", "kind", "why", "broken")
"""What of a reader's facts has a place of its own."""
_PICTURED = ("classes", "size", "channels", "mean", "std", "counts")
"""What the section of pictures says, where a reader counts its classes."""
_MOST_BROKEN = 40


def data(facts: Line) -> Section:
    """How many rows in which split, where they came from, and what became of each column."""
    known = part(facts, "data")
    counts = {name: value for name, value in known.items() if isinstance(value, int) and not isinstance(value, bool)}
    rest = {name: value for name, value in known.items() if name not in counts and name != "warnings"}
    if isinstance(rest.get("fingerprint"), str):
        rest["fingerprint"] = rest["fingerprint"][:_FINGERPRINT]
    reader = part(facts, "reader")
    elsewhere = (*_TOLD, *_PICTURED) if reader.get("counts") else _TOLD
    about = {name: value for name, value in reader.items() if name not in elsewhere}
    if reader.get("why") and "task" in about:
        about["task"] = f"{about['task']}: {reader['why']}"
    blocks = (_splits(counts), facts_table({**_flat(about), **rest}))
    notes = [] if reader.get("counts") else _sentences(reader.get("notes"))
    below = _listed("Notes", notes) + _broken(reader.get("broken")) + _columns(facts)
    return Section("Data", Html(figures_row(*filter(None, blocks)) + below))


def _broken(found: object) -> Html:
    """The files that could not be read, each with the reason; of very many the first."""
    pairs = [each for each in found if len(each) == 2] if isinstance(found, list | tuple) else []
    if not pairs:
        return Html("")
    rows = [(file, _reason(why)) for file, why in pairs[:_MOST_BROKEN]]
    more = len(pairs) - _MOST_BROKEN
    cut = paragraph(f"… and {number(more)} more files.", "note") if more > 0 else ""
    title = f"{number(len(pairs))} file{'s' * (len(pairs) != 1)} left out"
    return Html(f"<div><h3>{title}</h3>{table(rows, ('file', 'why'))}{cut}</div>")


def _reason(why: object) -> Html:
    return Html(f'<div class="values">{escape(str(why).rstrip("."))}</div>')


def _listed(title: str, notes: Sequence[str]) -> Html:
    return Html(f"<div><h3>{escape(title)}</h3>{listed(notes)}</div>" if notes else "")


def _splits(counts: Mapping[str, int]) -> Html:
    whole = sum(counts.values())
    rows = [(_SPLITS.get(name, name), count, Numeric(f"{count / max(whole, 1):.0%}")) for name, count in counts.items()]
    return table(rows, ("split", "rows", "share"))


def _flat(about: Mapping[str, Any]) -> dict[str, object]:
    """Facts of facts under the names of both; what is empty is left out."""
    found: dict[str, object] = {}
    for name, value in about.items():
        inner = value if isinstance(value, Mapping) else {"": value}
        found |= {f"{name} {key}".strip(): each for key, each in inner.items() if each not in (None, "", [], ())}
    return found


def _columns(facts: Line) -> Html:
    """The table of columns: those that are used first, in the file's order; a long one is cut short, with a count."""
    found = part(facts, "reader").get("columns")
    columns = [each for each in found if isinstance(each, Mapping)] if isinstance(found, list | tuple) else []
    if not columns:
        return Html("")
    ordered = sorted(columns, key=lambda each: each.get("kind") == "dropped")
    header = [name for name in _COLUMN if any(each.get(name) not in (None, "") for each in columns)]
    rows = [[_cell(each, name) for name in header] for each in ordered[:_MOST_COLUMNS]]
    more = len(ordered) - _MOST_COLUMNS
    cut = paragraph(f"… and {number(more)} more columns{_kinds(ordered[_MOST_COLUMNS:])}.", "note") if more > 0 else ""
    return Html(f"<div><h3>{number(len(columns))} columns</h3>{table(rows, header)}{cut}</div>")


def _kinds(columns: Sequence[Mapping[str, Any]]) -> str:
    """How many of each kind, as `: 3 continuous, 2 nominal`; nothing where kinds are not known."""
    kinds = [str(each["kind"]) for each in columns if each.get("kind")]
    counted = [f"{number(kinds.count(kind))} {kind}" for kind in dict.fromkeys(kinds)]
    return f": {', '.join(counted)}" if counted else ""


def _cell(column: Mapping[str, Any], name: str) -> object:
    """A cell as a reader of the page wants it: no number where there is nothing to count."""
    value = column.get(name)
    if name == "missing" and isinstance(value, Real):
        return Numeric(number(value)) if value else Numeric("0")
    if isinstance(value, Real):
        return Numeric(number(value))
    if name in ("levels", "missing"):
        return Numeric(escape("" if value is None else value))
    if name == "why":
        return Html(f'<div class="values">{escape(value or "")}</div>')
    return "" if value is None else value


def features(facts: Line) -> list[str]:
    """The names of a row's inputs, where the reader knows them."""
    found = part(facts, "reader").get("features")
    return [str(each) for each in found] if isinstance(found, list | tuple) else []


def target(facts: Line) -> str:
    """What is predicted, where the reader knows; else nothing."""
    found = part(facts, "reader").get("target")
    return found if isinstance(found, str) else ""


def steps(facts: Line) -> list[str]:
    """The steps of a forecast, as `+1 hour`, `+2 hours`, …; none where the reader knows of no step and horizon."""
    reader = part(facts, "reader")
    horizon, words = reader.get("horizon"), str(reader.get("step") or "").split()
    if not isinstance(horizon, int) or len(words) != 2 or not words[0].isdecimal():
        return []
    counts = [int(words[0]) * place for place in range(1, horizon + 1)]
    unit = words[1].removesuffix("s")
    return [f"+{count} {unit}{'s' * (count > 1)}" for count in counts]


def suspects(facts: Line) -> list[str]:
    """The columns in use that the reader suspects: of knowing the target, or of being a number of the row."""
    found = part(facts, "reader").get("suspects")
    return [str(each) for each in found] if isinstance(found, list | tuple) else []


def warnings(facts: Line) -> Html:
    """Every warning about the data, each once; more than three in one box, and of very many the first."""
    found = [*_sentences(part(facts, "data").get("warnings")), *_sentences(part(facts, "reader").get("warnings"))]
    each = list(dict.fromkeys(found))
    more = len(each) - _MOST_WARNINGS
    rest = paragraph(f"… and {number(more)} more warnings about the data.", "note") if more > 0 else ""
    if len(each) > _MOST_BOXES:
        return Html(warnings_box(f"{number(len(each))} warnings about the data", each[:_MOST_WARNINGS]) + rest)
    return Html("".join(map(warning, each)))


def _sentences(found: object) -> list[str]:
    if not found:
        return []
    return [str(each) for each in found] if isinstance(found, list | tuple) else [str(found)]
