"""How it learned: the headline figures, and the curves of loss, metrics and learning rate."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from stepwell.metrics.confusion import class_of
from stepwell.plots import curves
from stepwell.plots.style import Array
from stepwell.reports.evaluation import Evaluation
from stepwell.reports.history import SIDES, Line, as_number, best, epochs, names, readable, series
from stepwell.reports.page import Section, figure, figures_row, paragraph, tiles
from stepwell.reports.text import Html, duration, number, part

_MOST_CURVES = 6
_LOG_FROM = 20.0
_STEPS = 1e4
"""Rates that spread further come from a schedule that ends near zero, not from steps of decay."""
_ABBREVIATIONS = {
    **{name: name.upper() for name in ("mae", "mse", "rmse", "f1")},
    **{"r2": "R²", "roc_area": "ROC area", "pr_area": "PR area"},
}


def headlines(
    facts: Line, history: Sequence[Line], timing: Sequence[Line], evaluation: Evaluation | None = None
) -> Html:
    """The few figures to read first; those that are not known are left out."""
    found: list[tuple[str, object, str]] = []
    top = best(history, facts)
    if top:
        found.append(
            (f"{SIDES[top.side]} {spoken(top.name, _classes(facts))}", top.value, f"best, in epoch {top.epoch}")
        )
    found += _held_out(facts, evaluation)
    if history:
        found.append(("epochs", len(history), _asked(facts)))
        found.append(("steps", _count(history[-1].get("step")), ""))
    found.append(("parameters", _count(part(facts, "model").get("parameters")), _learn(part(facts, "model"))))
    seconds = [value for line in timing for key, value in line.items() if key != "epoch"]
    if seconds:
        found.append(("time", duration(float(np.nansum([as_number(value) for value in seconds]))), "in all epochs"))
    return tiles(each for each in found if each[1] is not None)


def _held_out(facts: Line, evaluation: Evaluation | None) -> list[tuple[str, object, str]]:
    """The number to judge by, on rows that chose nothing; on other rows it stands there as that of the best epoch."""
    metric = readable(facts, evaluation.metrics) if evaluation is not None else None
    if evaluation is None or evaluation.split in SIDES or metric is None:
        return []
    remark = f"on {number(evaluation.rows)} rows that chose nothing"
    return [(f"{evaluation.split} {spoken(metric, evaluation.classes)}", evaluation.metrics[metric], remark)]


def _asked(facts: Line) -> str:
    """Why the training ended before its budget, if it did; else the budget."""
    if isinstance(facts.get("stopped"), str):
        return str(facts["stopped"])
    epochs_asked = part(facts, "parameters").get("epochs")
    return f"of {epochs_asked} asked for" if isinstance(epochs_asked, int) else ""


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) else None


def _learn(model: Line) -> str:
    """How many of the parameters learn, where some do not."""
    learning = model.get("trainable")
    differ = isinstance(learning, int) and learning != model.get("parameters")
    return f"of which {number(learning)} learn" if differ else "in the model"


def _classes(facts: Line) -> Sequence[Any]:
    found = part(facts, "task").get("classes")
    return found if isinstance(found, list | tuple) else ()


def spoken(name: str, classes: Sequence[Any] | None = None) -> str:
    """A metric's name as it is written for people; with two classes, precision, recall and F1 say of which they are."""
    said = _ABBREVIATIONS.get(name, name.replace("_", " "))
    one = class_of(name, classes or ())
    return f"{said} of {one}" if one else said


def learning(facts: Line, history: Sequence[Line]) -> Section:
    """The curves; the best epoch is marked on the number by which it was chosen."""
    if not history:
        return Section("Learning", "")
    top = best(history, facts)
    drawn = [
        _curve(history, name, top.epoch if top and top.name == name else None, _classes(facts))
        for name in names(history)[:_MOST_CURVES]
    ]
    rate, sentence = _learning_rate(history)
    return Section("Learning", figures_row(*drawn, *rate) + (paragraph(sentence, "note") if sentence else ""))


def _curve(history: Sequence[Line], name: str, best_epoch: int | None, classes: Sequence[Any]) -> Html:
    lines = {SIDES[side]: series(history, side, name) for side in SIDES}
    lines = {side: values for side, values in lines.items() if np.isfinite(values).any()}
    log = name == "loss" and wide(np.concatenate([*lines.values(), np.empty(0)]))
    title = spoken(name, classes) + (" (logarithmic scale)" if log else "")
    fig = curves(epochs(history), lines, ylabel=title, log=log, best=best_epoch)
    ends = "; ".join(f"{side}: from {_first(values)} to {_last(values)}" for side, values in lines.items())
    return figure(fig, f"{spoken(name, classes)} over {_epochs(history)}. {ends}")


def _epochs(history: Sequence[Line]) -> str:
    return f"{len(history)} epoch{'s' * (len(history) != 1)}"


def wide(values: Array) -> bool:
    """Whether losses spread so far that a linear scale would hide the small ones."""
    finite = values[np.isfinite(values)]
    return bool(finite.size and finite.min() > 0 and finite.max() / finite.min() > _LOG_FROM)


def _first(values: Array) -> str:
    return number(float(values[np.isfinite(values)][0]))


def _last(values: Array) -> str:
    return number(float(values[np.isfinite(values)][-1]))


def _learning_rate(history: Sequence[Line]) -> tuple[list[Html], str]:
    """Its curve; or where it never changed, a sentence in its place."""
    rates = [_rates(line.get("learning_rate")) for line in history]
    groups = max(map(len, rates))
    table = np.array([rate + [np.nan] * (groups - len(rate)) for rate in rates])
    known = table[np.isfinite(table)]
    if not known.size:
        return [], ""
    if groups == 1 and (known == known[0]).all():
        return [], f"The learning rate was {number(float(known[0]))} throughout."
    labels = ["rate"] if groups == 1 else [f"group {index + 1}" for index in range(groups)]
    lines = dict(zip(labels, table.T, strict=True))
    fig = curves(
        epochs(history), lines, ylabel="learning rate", log=wide(known) and float(known.max() / known.min()) < _STEPS
    )
    return [figure(fig, f"learning rate over {_epochs(history)}, from {_first(known)} to {_last(known)}")], ""


def _rates(value: object) -> list[float]:
    return [as_number(each) for each in (value if isinstance(value, list | tuple) else [value])]
