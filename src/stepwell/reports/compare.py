"""Two or more runs as one page: what each reached, their curves over each other, what differs."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from stepwell.plots import bars, curves
from stepwell.plots.style import BLUE, SOFT, Array
from stepwell.reports import command
from stepwell.reports.history import epochs, names, series
from stepwell.reports.learning import spoken, wide
from stepwell.reports.page import Section, code, figure, figures_row, page, paragraph, table, warning
from stepwell.reports.rivals import (
    Rival,
    alike,
    best_epoch,
    differences,
    fairness,
    good,
    judged,
    labels,
    letter,
    sentence,
    winner,
)
from stepwell.reports.text import Html, Numeric, duration, escape, number, part, told

_MOST_CURVES = 5
_MOST_BARS = 4
_NONE = -1
_MORE = ((SOFT, "-"), (BLUE, (0, (1.2, 1.3))))
"""Looks of a seventh and an eighth line; the house has six."""


def render_comparison(rivals: Sequence[Rival]) -> str:
    """A page that puts runs side by side; like a report, it loads nothing. Everything in the runs is escaped."""
    unfair = fairness(rivals)
    head = paragraph(sentence(rivals), "lead") + (warning(unfair) if unfair else "") + _table(rivals)
    sections = [Section("", Html(head)), _bars(rivals), _curves(rivals), _differences(rivals), _again(rivals)]
    return page(f"{len(rivals)} runs compared", sections, ", ".join(labels(rivals)))


def _table(rivals: Sequence[Rival]) -> Html:
    """One row a run: its metrics, the best of each in bold, and what it cost."""
    metrics = judged(rivals)[:_MOST_BARS]
    best = {metric: winner(rivals, metric) for metric in metrics}
    rows = []
    for place, rival in enumerate(rivals):
        figures = [_figure(rival.metrics[metric], best=best[metric] == place) for metric in metrics]
        rows.append((*_who(rivals, place), *figures, best_epoch(rival), *_cost(rival)))
    header = ("", "run", *map(spoken, metrics), "best epoch", "epochs", "time", "parameters", "rows")
    return table(rows, header)


def _who(rivals: Sequence[Rival], place: int) -> tuple[object, ...]:
    status = rivals[place].facts.get("status")
    mark = f"<small>{escape(status)}</small>" if status not in ("done", None) else ""
    return letter(place), Html(f"{escape(rivals[place].name)}{mark}")


def _figure(value: float, *, best: bool) -> Numeric:
    return Numeric(f"<b>{number(value)}</b>" if best else number(value))


def _cost(rival: Rival) -> tuple[object, ...]:
    rows = part(dict(rival.facts), "data").get("train")
    return (
        len(rival.history),
        Numeric(duration(rival.seconds)),
        rival.parameters,
        rows if isinstance(rows, int) else None,
    )


def _bars(rivals: Sequence[Rival]) -> Section:
    drawn = []
    for metric in judged(rivals)[:_MOST_BARS]:
        values = [rival.metrics[metric] for rival in rivals]
        name = f"{spoken(metric)} ({'small' if good(rivals, metric) == 'min' else 'large'} is good)"
        best = winner(rivals, metric)
        fig = bars(labels(rivals), values, xlabel=name, highlight=_NONE if best is None else best)
        said = "; ".join(f"{who} {number(value)}" for who, value in zip(labels(rivals), values, strict=True))
        drawn.append(figure(fig, f"{name}: {said}"))
    return Section(
        "Results", figures_row(*drawn), "Of the best weights of each run, on the rows that it was evaluated on."
    )


def _curves(rivals: Sequence[Rival]) -> Section:
    """Each number that two runs or more have, of the validation rows where there are such, a line for each run."""
    known = dict.fromkeys(name for rival in rivals for name in names(rival.history))
    ordered = sorted(known, key=lambda name: name != "loss")
    wished = [(side, name) for name in ordered for side in ("val", "train") if side == "val" or name == "loss"]
    drawn = [_overlaid(rivals, side, name) for side, name in wished]
    return Section("Curves", figures_row(*[each for each in drawn if each][:_MOST_CURVES]))


def _overlaid(rivals: Sequence[Rival], side: str, name: str) -> Html:
    every = sorted({epoch for rival in rivals for epoch in epochs(rival.history)})
    lines = {
        label: _on(every, rival, side, name)
        for label, rival in zip(labels(rivals), rivals, strict=True)
        if rival.history
    }
    lines = {label: values for label, values in lines.items() if np.isfinite(values).any()}
    if len(lines) < 2:
        return Html("")
    log = name == "loss" and wide(np.concatenate(list(lines.values())))
    title = f"{'validation' if side == 'val' else 'training'} {spoken(name)}"
    fig = curves(every, lines, ylabel=title + (" (logarithmic scale)" if log else ""), log=log)
    _tell_apart(fig)
    ends = "; ".join(f"{label} ends at {number(float(v[np.isfinite(v)][-1]))}" for label, v in lines.items())
    return figure(fig, f"{title} over epochs. {ends}")


def _on(every: Sequence[int], rival: Rival, side: str, name: str) -> Array:
    """A run's numbers over the epochs of all runs; NaN where it has none."""
    own = dict(zip(epochs(rival.history), series(rival.history, side, name), strict=True))
    return np.array([own.get(epoch, np.nan) for epoch in every], dtype=np.float64)


def _tell_apart(fig: Figure) -> None:
    ax = fig.axes[0]
    for line, text, (colour, dashes) in zip(ax.lines[6:], ax.texts[6:], _MORE, strict=False):
        line.set(color=colour, linestyle=dashes)
        text.set_color(colour)


def _differences(rivals: Sequence[Rival]) -> Section:
    found, same = differences(rivals), alike(rivals)
    rows = [(name.replace("_", " "), *(escape(told(value)) for value in values)) for name, values in found.items()]
    header = ("", *(letter(place) for place in range(len(rivals))))
    rest = f"{number(same)} {'other ' if found else ''}parameters are the same." if same else ""
    return Section("What differs", Html(table(rows, header) + (paragraph(rest, "note") if rest else "")))


def _again(rivals: Sequence[Rival]) -> Section:
    """The command of each run."""
    given = [(label, command.given(rival.facts)) for label, rival in zip(labels(rivals), rivals, strict=True)]
    items = "".join(f"<li>{paragraph(label)}{code(order)}</li>" for label, order in given if order)
    return Section("Do it again", Html(f'<ul class="steps">{items}</ul>' if items else ""))
