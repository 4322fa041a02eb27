"""Values as text: escaped, and numbers as people write them."""

import math
from datetime import datetime
from html import escape as escape_html
from numbers import Integral, Real
from typing import Any

from stepwell.plots.style import storable


class Html(str):
    """Text that is HTML already. Everything else is escaped before it reaches a page."""

    __slots__ = ()


class Numeric(Html):
    """A number that is written already; a table sets it right."""

    __slots__ = ()


def escape(value: object) -> Html:
    """A value as HTML text: numbers are formatted, other text is escaped, `Html` stays as it is."""
    if isinstance(value, Html):
        return value
    text = number(value) if isinstance(value, Real) else "–" if value is None else str(value)
    return Html(escape_html(storable(text)))


def number(value: object) -> str:
    """A number for people: whole numbers with their thousands apart, others with four digits, NaN as a dash."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return str(value)
    if isinstance(value, Integral):
        return f"{int(value):,}"
    real = float(value)
    if math.isnan(real):
        return "–"
    return f"{real:,.0f}" if 1e4 <= abs(real) < 1e9 else f"{real:.4g}"


def duration(seconds: float) -> str:
    """A time in the one or two units that say it best: `0.42 s`, `12.3 s`, `3 min 12 s`, `2 h 5 min`."""
    if not math.isfinite(seconds):
        return "–"
    if seconds < 60:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def moment(created: object) -> str:
    """An ISO time as `21 November 2026, 14:05`; anything else as it is."""
    try:
        when = datetime.fromisoformat(str(created))
    except ValueError:
        return str(created)
    zone = f" {when.tzname()}" if when.tzinfo else ""
    return f"{when.day} {when:%B %Y, %H:%M}{zone}"


def part(facts: Any, name: str) -> dict[str, Any]:
    """A part of the facts of a run that should be a dict; an empty one where it is missing or something else."""
    value = facts.get(name) if isinstance(facts, dict) else None
    return value if isinstance(value, dict) else {}


def told(value: object) -> object:
    """A setting as people write it: lists with commas, truth values as yes and no, nothing as a dash; numbers stay."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(str(told(each)) for each in value) or "–"
    return "–" if value in (None, "") else value
