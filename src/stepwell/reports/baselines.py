"""The network beside simple models on the same rows: a sentence, a table and a bar chart."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from stepwell.plots import bars
from stepwell.reports.evaluation import Evaluation
from stepwell.reports.history import Line, as_number, direction, readable
from stepwell.reports.learning import spoken
from stepwell.reports.page import Section, figure, paragraph, table, warning
from stepwell.reports.text import Html, Numeric, duration, escape, number, part

_TIE = 0.02
"""How far apart two results may be, in share of the error or of all rows, and still count as alike."""

_SHOWN = ("rmse", "mae", "r2", "roc_area", "accuracy", "f1", "average_precision", "loss")
_MOST_METRICS = 3
_GUESSING = 0.5
"""The ROC area of guessing."""

_NETWORK = "the network"

Baseline = Mapping[str, Any]


class Comparison(NamedTuple):
    """One metric of the network and of the best baseline. `gain` is how much better the network is.

    `gain` is a share of the baseline's error where small is good, else a plain difference; below zero it is worse.
    """

    metric: str
    small_is_good: bool
    network: float
    name: str
    baseline: float
    gain: float


def compared(
    evaluation: Evaluation | None, baselines: Sequence[Baseline], best: Comparison | None, kind: object = None
) -> Section:
    """How the network stands against simple models; nothing where there is no comparison with the best of them.

    `kind` is that of the data (`images`), by which a network that loses is given advice.
    """
    if evaluation is None or best is None:
        return Section("Against simple models", "")
    metric = best.metric
    body = (
        verdict(best, kind)
        + _otherwise(best, evaluation, baselines)
        + _chart(metric, evaluation, baselines)
        + _table(metric, evaluation, baselines)
    )
    return Section(
        "Against simple models", Html(body), "Each was fitted to the same training rows and judged by the same others."
    )


def standing(facts: Line, evaluation: Evaluation | None, baselines: Sequence[Baseline]) -> Comparison | None:
    """The network against the best baseline; None without any, or without a metric that both have."""
    metric = _metric(facts, evaluation, baselines)
    return None if evaluation is None or metric is None else comparison(metric, evaluation.metrics, baselines)


def backwards(evaluation: Evaluation | None) -> Html:
    """A warning where a network ranks held-out rows worse than guessing does; else nothing."""
    area = as_number(evaluation.metrics.get("roc_area")) if evaluation is not None else math.nan
    if evaluation is None or evaluation.split == "train" or not area < _GUESSING:
        return Html("")
    return warning(
        f"The network's ROC area on the {number(evaluation.rows)} held-out rows is {number(area)}, below the 0.5 of"
        " guessing: it gives rows of the positive class no higher probabilities than the others. Do not use it as it is,"
        " however high its accuracy, which says little where one class is rare."
    )


def loses(found: Comparison) -> bool:
    """Whether the baseline is better by more than 2 %."""
    return found.gain < -_TIE


def _metric(facts: Line, evaluation: Evaluation | None, baselines: Sequence[Baseline]) -> str | None:
    """The metric to compare by: the first to read of those that the network and a baseline have."""
    ours = evaluation.metrics if evaluation is not None else {}
    both = {name: value for name, value in ours.items() if any(_known(_metrics(one), name) for one in baselines)}
    return readable(facts, both)


def _known(metrics: Mapping[str, Any], name: str) -> bool:
    return math.isfinite(as_number(metrics.get(name)))


def comparison(metric: str, ours: Mapping[str, Any], baselines: Sequence[Baseline]) -> Comparison:
    """The network against the best of the baselines by a metric that at least one of them has."""
    small = direction(metric) == "min"
    known = [(as_number(_metrics(one).get(metric)), _name(one)) for one in baselines]
    known = [each for each in known if math.isfinite(each[0])]
    theirs, name = (min if small else max)(known, key=lambda each: each[0])
    network = as_number(ours[metric])
    gain = (theirs - network) / abs(theirs) if small and theirs else (theirs - network if small else network - theirs)
    return Comparison(metric, small, network, name, theirs, gain)


def verdict(found: Comparison, kind: object = None) -> Html:
    """The comparison in plain words; a warning where the network loses by more than 2 %."""
    if loses(found):
        return warning(_lost(found, kind))
    name, figures = spoken(found.metric), f"{number(found.network)} against {number(found.baseline)}"
    best = f"the best simple model, {found.name}"
    if found.gain <= 0:
        return paragraph(f"The network and {best}, are about equal: {name} {figures}. {_SIMPLER}")
    side = "below" if found.small_is_good else "above"
    return paragraph(f"The network's {name} is {_far(found)} {side} that of {best}: {figures}.")


def _otherwise(best: Comparison, evaluation: Evaluation, baselines: Sequence[Baseline]) -> Html:
    """Who wins by the accuracy, where that is another than by the ROC area; else nothing."""
    known = [one for one in baselines if _known(_metrics(one), "accuracy")]
    if best.metric != "roc_area" or not known or not _known(evaluation.metrics, "accuracy"):
        return Html("")
    other = comparison("accuracy", evaluation.metrics, known)
    if not best.gain or not other.gain or _winner(best) == _winner(other):
        return Html("")
    return paragraph(
        f"The two measures disagree: by ROC area {_winner(best)} is best ({_best(best)}), by accuracy {_winner(other)}"
        f" ({_best(other)}). The ROC area judges the order of the rows; accuracy judges one threshold, and counts the"
        " common class most."
    )


def _winner(found: Comparison) -> str:
    return _NETWORK if found.gain > 0 else found.name


def _best(found: Comparison) -> str:
    return number(found.network if found.gain > 0 else found.baseline)


_SIMPLER = "Between equals, choose the simpler one."
_HELPS_PICTURES = (
    "For this data, prefer it; or try what usually helps a network for pictures: more epochs, pictures changed at random"
    " (--augment), mending wrong labels among the worst mistakes, and, in the recipe images, published weights (--backbone"
    " resnet18 --weights FILE) and larger pictures (--size)."
)
_HELPS = (
    "For this data, prefer it; or try what usually helps a network: more epochs, another learning rate, wider layers, an"
    " embedding for columns with many levels, the logarithm of a target that spans orders of magnitude, more rows."
)


def _lost(found: Comparison, kind: object) -> str:
    name, theirs, ours = spoken(found.metric), number(found.baseline), number(found.network)
    return (
        f"The best simple model, {found.name}, is better here by {_far(found)}: its {name} is {theirs}, the network's"
        f" {ours}. {_HELPS_PICTURES if kind == 'images' else _HELPS}"
    )


def _far(found: Comparison) -> str:
    """How far apart, without a sign: in percent of an error, in points of a share."""
    size = abs(found.gain) * 100
    written = f"{size:.0f}" if size >= 10 else f"{size:.1f}" if size >= 0.05 else f"{size:.2g}"
    return f"{written} %" if found.small_is_good else f"{written} points"


def _chart(metric: str, evaluation: Evaluation, baselines: Sequence[Baseline]) -> Html:
    rows = [(_NETWORK, evaluation.metrics), *((_name(one), _metrics(one)) for one in baselines)]
    values = [as_number(metrics.get(metric)) for _, metrics in rows]
    name, good = spoken(metric, evaluation.classes), "small" if direction(metric) == "min" else "large"
    said = "; ".join(f"{who} {number(value)}" for (who, _), value in zip(rows, values, strict=True))
    fig = bars([name for name, _ in rows], values, xlabel=f"{name} ({good} is good)")
    return figure(fig, f"{name}: {said}")


def _table(metric: str, evaluation: Evaluation, baselines: Sequence[Baseline]) -> Html:
    """What each one is, what it reached, and how long it took to fit."""
    theirs = [_metrics(one) for one in baselines]
    there = [each for each in _SHOWN if _known(evaluation.metrics, each) and any(_known(one, each) for one in theirs)]
    shown = [metric, *(each for each in there if each != metric)][:_MOST_METRICS]
    rows = [(_NETWORK, *(_figure(evaluation.metrics, each) for each in shown), None)]
    rows += [
        (_named(one), *(_figure(metrics, each) for each in shown), _seconds(one))
        for one, metrics in zip(baselines, theirs, strict=True)
    ]
    return table(rows, ("model", *(spoken(each, evaluation.classes) for each in shown), "fitted in"))


def _figure(metrics: Mapping[str, Any], name: str) -> Numeric:
    return Numeric(number(as_number(metrics.get(name))))


def _seconds(baseline: Baseline) -> Numeric:
    return Numeric(duration(as_number(baseline.get("seconds"))))


def _metrics(baseline: Baseline) -> dict[str, Any]:
    return part(dict(baseline), "metrics")


def _name(baseline: Baseline) -> str:
    return str(baseline.get("name") or "a baseline")


def _named(baseline: Baseline) -> Html:
    """The name, and below it what it is."""
    what = baseline.get("what")
    return Html(f"{escape(_name(baseline))}<small>{escape(what)}</small>" if what else escape(_name(baseline)))
