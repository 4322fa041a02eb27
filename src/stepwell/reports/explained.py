"""What the model looks at: importance of columns, what each does to the prediction, and the forecast of a series."""

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from stepwell import plots
from stepwell.plots.style import canvas
from stepwell.reports.history import as_number
from stepwell.reports.learning import spoken
from stepwell.reports.page import Section, figure, paragraph, table
from stepwell.reports.text import Html, Numeric, number, part

_MOST_BARS = 20
_MOST_LISTED = 40
_MOST_DEPENDENCES = 9
_MOST_NAMED = 4
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d)(:\d\d(\.\d+)?)?")
_SMALL, _LETTERS, _MOST_NAMES = (3.1, 2.2), 26, 6

Insight = Mapping[str, Any]


def explained(insight: Insight | None) -> list[Section]:
    """The sections that an insight fills, in the order in which they are read."""
    found = dict(insight or {})
    return [_forecast(part(found, "forecast")), _importance(part(found, "importance")), _dependence(found)]


def _importance(found: Mapping[str, Any]) -> Section:
    columns = [dict(each) for each in found.get("columns") or () if isinstance(each, Mapping)]
    if not columns:
        return Section("What it looks at", "")
    metric = spoken(str(found.get("metric", "loss")))
    shown = columns[:_MOST_BARS]
    names = [str(each.get("column")) for each in shown]
    values, spreads = ([as_number(each.get(key)) for each in shown] for key in ("increase", "std"))
    fig = plots.importance(names, values, spreads, metric=metric, most=_MOST_BARS)
    said = "; ".join(f"{name} {number(value)}" for name, value in zip(names, values, strict=True))
    note = (
        f"How much worse the {metric} becomes when a column's values are exchanged between the rows; the thin lines are"
        " the spread over repeats. Columns that say the same share their importance. A column near zero may be dropped."
    )
    return Section(
        "What it looks at", figure(fig, f"importance of columns: {said}") + _better(columns) + _rest(columns), note
    )


def _better(columns: Sequence[dict[str, Any]]) -> Html:
    """A sentence on the columns without which the model was better, the worst first; nothing without any."""
    found = [str(each.get("column")) for each in reversed(columns) if as_number(each.get("increase")) < 0]
    if not found:
        return Html("")
    more = f" and {number(len(found) - _MOST_NAMED)} more" if len(found) > _MOST_NAMED else ""
    return paragraph(
        f"Below zero: exchanging {', '.join(found[:_MOST_NAMED])}{more} made the score better. It may be noise; try"
        f" --drop {shlex.quote(found[0])}.",
        "note",
    )


def _rest(columns: Sequence[dict[str, Any]]) -> Html:
    """The columns for which there is no bar, as a table, and how many are not shown at all."""
    rest = columns[_MOST_BARS:]
    rows = [(each.get("column"), Numeric(number(as_number(each.get("increase"))))) for each in rest[:_MOST_LISTED]]
    more = len(rest) - _MOST_LISTED
    cut = paragraph(f"… and {number(more)} more columns that matter less.", "note") if more > 0 else ""
    return Html(table(rows, ("column", "worse by")) + cut)


def _dependence(insight: Insight) -> Section:
    """Small plots of one column each, all over the same heights, so that the steep one is the one that matters."""
    found = [dict(each) for each in insight.get("dependence") or () if isinstance(each, Mapping)]
    ylim = _heights(found)
    drawn = [_small(each, ylim) for each in found[:_MOST_DEPENDENCES]]
    of = str(found[0].get("of", "prediction")) if found else "prediction"
    note = (
        f"The {of}, averaged over the rows, as one column is set to each of its values and the others stay as they"
        " are; the band holds the middle of the rows. All are drawn to one scale. It says what the model does, not what"
        " would happen: columns that move together are not told apart."
    )
    return Section("What each column does", Html(f'<div class="small">{"".join(drawn)}</div>' if drawn else ""), note)


def _heights(found: Sequence[Mapping[str, Any]]) -> tuple[float, float] | None:
    """Least and greatest value of all bands, with a little room; None where there is none."""
    each = [as_number(value) for one in found for key in ("y", "low", "high") for value in one.get(key) or ()]
    values = np.array([value for value in each if np.isfinite(value)])
    if not values.size:
        return None
    room = 0.05 * float(values.max() - values.min()) or 0.5
    return float(values.min()) - room, float(values.max()) + room


def _small(one: Mapping[str, Any], ylim: tuple[float, float] | None) -> Html:
    name, of = str(one.get("column")), str(one.get("of", "prediction"))
    y = [as_number(value) for value in one.get("y") or ()]
    ax = canvas(None, *_SMALL)
    fig = plots.dependence(
        _values(one.get("x") or []), y, one.get("low"), one.get("high"), xlabel="", ylabel=name, ax=ax
    )
    if ylim is not None:
        ax.set_ylim(ylim)
    _thin(ax)
    return figure(fig, f"{of} over {name}: {_ends(y)}")


def _values(x: Sequence[Any]) -> Sequence[Any]:
    """Values as they are; of times, whose whole texts would be cut, the days, or the hours where all are of one day."""
    found = [_TIME.fullmatch(each) if isinstance(each, str) else None for each in x]
    times = [each for each in found if each]
    if not times or len(times) < len(x):
        return x
    part = 2 if len({each[1] for each in times}) == 1 else 1
    return [each[part] for each in times]


def _thin(ax: Axes) -> None:
    """Names below a small plot that would lie on each other: turned, and of very many only some."""
    names = [label.get_text() for label in ax.get_xticklabels()]
    if sum(map(len, names)) <= _LETTERS:
        return
    every = -(-len(names) // _MOST_NAMES)
    slant: dict[str, Any] = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"}
    ax.set_xticks(ax.get_xticks()[::every], names[::every], parse_math=False, **slant)


def _ends(y: Sequence[float]) -> str:
    return f"from {number(y[0])} to {number(y[-1])}" if y else "nothing"


def _forecast(found: Mapping[str, Any]) -> Section:
    """The held-out end of a series, what was forecast for it, and what repeating the past would have said."""
    if not found.get("times"):
        return Section("Forecast", "")
    name = str(found.get("name") or "")
    options = {key: found[key] for key in ("naive", "low", "high") if found.get(key)}
    fig = plots.forecast(found["times"], found.get("truth") or [], found.get("predicted") or [], name=name, **options)
    first, last = found["times"][0], found["times"][-1]
    alt = f"forecast of {name or 'the series'} from {first} to {last} beside what came true"
    note = "Rows that the model was not trained on." + (
        " The naive forecast repeats the last season." if "naive" in options else ""
    )
    return Section("Forecast", figure(fig, alt), note)
