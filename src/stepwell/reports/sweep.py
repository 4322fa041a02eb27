"""A sweep as one page: what each combination of values reached, and how it depends on each parameter."""

import math
from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from typing import Any
from urllib.parse import quote

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, NullLocator

from stepwell.plots import bars, groups
from stepwell.reports.page import Section, code, figure, figures_row, page, paragraph, table, warning
from stepwell.reports.text import Html, Numeric, duration, escape, number
from stepwell.reports.trials import (
    Outcome,
    Trial,
    different_rows,
    interval,
    measure,
    named,
    outcomes,
    ranked,
    sentence,
    written,
)

_MOST_LINES, _MOST_BARS = 6, 24
_WIDE = 16  # times the smallest value is the largest of a logarithmic scale
_MOST_TICKS = 8
_CHOSEN = (
    "The best of several was chosen by these very numbers, which flatters it: judge it by rows that chose nothing."
)
_SUMMARIES: dict[str, tuple[str, Callable[[list[float]], float]]] = {
    "min": ("best of the others", min),
    "max": ("best of the others", max),
    "mean": ("mean", lambda values: sum(values) / len(values)),
}
Points = list[tuple[float, float]]
Quantity = tuple[str, Callable[[Outcome], float]]
"""Its name, and how it is read from an outcome."""


def render_sweep(recipe: str, trials: Sequence[Trial], how: str) -> str:
    """The page of a sweep; `how` is its command. It loads nothing, and links to the reports of the runs beside it."""
    what, good = measure(trials)
    found = outcomes(trials)
    failed = [trial for trial in trials if trial.status == "failed"]
    lead = paragraph(sentence(trials), "lead") + "".join(
        [*map(warning, different_rows(trials)), *map(_failure, failed)]
    )
    several = len(found) < len(trials)
    sections = [
        Section("", Html(lead + (_means(found, what, good) if several else _runs(trials, what, good)))),
        Section("By parameter", figures_row(*_figures(trials, found, what, good)), _CHOSEN),
        Section("Runs", _runs(trials, what, good) if several else ""),
        Section("Do it again", code(how)),
    ]
    return page(f"{recipe}: {len(trials)} runs", sections, f"varied: {', '.join(map(_spaced, trials[0].varied))}")


def _spaced(name: str) -> str:
    return name.replace("_", " ")


def _failure(trial: Trial) -> Html:
    return warning(f"{named(trial.varied)}: {trial.error.splitlines()[0]}", "Failed")


def _runs(trials: Sequence[Trial], what: str, good: str) -> Html:
    """One row a run."""
    order = ranked([Outcome(trial.varied, [trial]) for trial in trials], good)
    top = order[0].mean if order else math.nan
    tested = any(math.isfinite(trial.tested) for trial in trials)
    rows = [
        (
            *map(_cell, trial.varied.values()),
            Numeric(f"<b>{number(trial.number)}</b>" if trial.number == top else number(trial.number)),
            *([trial.tested] if tested else []),
            trial.best.epoch if trial.best else None,
            Numeric(duration(trial.seconds)),
            trial.status,
            _link(trial),
        )
        for trial in trials
    ]
    header = (*map(_spaced, trials[0].varied), what, *(["test"] if tested else []), "epoch", "time", "", "run")
    return table(rows, header)


def _cell(value: Any) -> object:
    return value if _is_number(value) else written(value)


def _link(trial: Trial) -> Html:
    if trial.status != "done":
        return escape(trial.name)
    return Html(f'<a href="{quote(trial.name)}/report.html">{escape(trial.name)}</a>')


def _means(found: Sequence[Outcome], what: str, good: str) -> Html:
    """One row a combination, over its seeds."""
    order = ranked(found, good)
    rows = []
    for outcome in found:
        reached = interval(outcome)
        best = bool(order) and outcome.mean == order[0].mean
        done = f"{len(outcome.numbers)} of {len(outcome.trials)}"
        time = Numeric(duration(outcome.seconds))
        values = [*map(_cell, outcome.varied.values())] or ["all"]
        rows.append((*values, Numeric(f"<b>{reached}</b>" if best else reached), done, time))
    names = [*map(_spaced, found[0].varied)] or ["runs"]
    return table(rows, (*names, f"{what}, mean ± standard error", "seeds", "time"))


def _figures(trials: Sequence[Trial], found: Sequence[Outcome], what: str, good: str) -> list[Html]:
    """The number and the time over each parameter of numbers; without one, a bar for each combination."""
    known = [outcome for outcome in found if math.isfinite(outcome.mean)]
    numeric = [name for name in found[0].varied if _numeric([outcome.varied[name] for outcome in known])]
    if not numeric:
        return _bars(known, what, good)
    singles = [Outcome(trial.varied, [trial]) for trial in trials if trial.best]
    drawn = []
    for name in numeric:
        drawn += [
            _over(name, known, singles, (what, lambda outcome: outcome.mean), good),
            _over(name, known, singles, ("seconds of training", lambda outcome: outcome.seconds), "mean"),
        ]
    return drawn


def _numeric(values: Sequence[Any]) -> bool:
    return all(map(_is_number, values)) and len(set(values)) > 1


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _bars(known: Sequence[Outcome], what: str, good: str) -> list[Html]:
    if not 1 < len(known) <= _MOST_BARS:
        return []
    names, values = [named(outcome.varied) for outcome in known], [outcome.mean for outcome in known]
    best = names.index(named(ranked(known, good)[0].varied))
    fig = bars(names, values, xlabel=f"{what} ({'small' if good == 'min' else 'large'} is good)", highlight=best)
    return [figure(fig, f"{what}: {_told(names, values)}")]


def _over(name: str, known: Sequence[Outcome], singles: Sequence[Outcome], quantity: Quantity, good: str) -> Html:
    """A quantity over one parameter: a dot for each run, a line for each combination of the others where these are few."""
    what, compute = quantity
    lines = _lines(name, known, compute)
    if len(lines) > _MOST_LINES:
        label, chosen = _SUMMARIES[good]
        lines = {label: _summary(lines, chosen)}
    drawn = {label: (np.array([x for x, _ in line]), np.array([y for _, y in line])) for label, line in lines.items()}
    dots = [float(each.varied[name]) for each in singles], [compute(each) for each in singles]
    fig = groups({"runs": dots}, lines=drawn, xlabel=_spaced(name), ylabel=what)
    _scale(fig.axes[0], _places(name, known))
    said = "; ".join(f"{label} {_told(*zip(*line, strict=True))}".strip() for label, line in lines.items())
    return figure(fig, f"{what} over {_spaced(name)}: {said}")


def _places(name: str, known: Sequence[Outcome]) -> list[float]:
    return sorted({float(outcome.varied[name]) for outcome in known})


def _lines(name: str, known: Sequence[Outcome], compute: Callable[[Outcome], float]) -> dict[str, Points]:
    """The points of each combination of the other parameters, from left to right."""
    lines: dict[str, Points] = {}
    for outcome in known:
        others = {other: value for other, value in outcome.varied.items() if other != name}
        lines.setdefault(named(others), []).append((float(outcome.varied[name]), compute(outcome)))
    return {label: sorted(points) for label, points in lines.items()}


def _summary(lines: Mapping[str, Points], chosen: Callable[[list[float]], float]) -> Points:
    """One line in place of many: what is chosen of their points at each place."""
    at: dict[float, list[float]] = {}
    for x, y in (point for line in lines.values() for point in line):
        at.setdefault(x, []).append(y)
    return [(x, chosen(values)) for x, values in sorted(at.items())]


def _scale(ax: Axes, places: Sequence[float]) -> None:
    """A logarithmic scale for values that double, or grow tenfold; ticks at the values where there is room."""
    if places[0] > 0 and places[-1] / places[0] >= _WIDE:
        ax.set_xscale("log")
        ax.xaxis.set_minor_locator(NullLocator())
        shown = places[:: -(-len(places) // _MOST_TICKS)]
        ax.set_xticks(shown, [f"{place:g}" for place in shown])
    elif all(place.is_integer() for place in places):
        ax.xaxis.set_major_locator(MaxNLocator(nbins=7, integer=True, min_n_ticks=1))


def _told(names: Sequence[object], values: Sequence[float]) -> str:
    places = (f"{name:g}" if isinstance(name, float) else str(name) for name in names)
    return ", ".join(f"{place}: {number(value)}" for place, value in zip(places, values, strict=True))
