"""A regression's own part of the results: predictions, residuals, and the interval that they promise for new rows."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from stepwell.plots import histogram, predictions, residuals
from stepwell.plots.style import Array
from stepwell.reports.page import figure, figures_row, paragraph
from stepwell.reports.text import Html, number

_MOST_OUTPUTS = 4
_SHARE = 0.9
_FEW = 40
"""Rows below which the outer twentieths hold too few to be quoted."""


def regression(targets: npt.ArrayLike, values: npt.ArrayLike, name: str = "", steps: Sequence[str] = ()) -> Html:
    """Figures and sentences about predictions `values` of true `targets`, `(rows,)` or `(rows, outputs)`, called `name`.

    `steps` are the names of the outputs, such as `+1 hour`, where they are steps of a forecast.
    """
    truth, predicted = _columns(targets), _columns(values)
    outputs = truth.shape[1]
    if 1 < outputs == len(steps):
        blocks = [_all(truth, predicted, name or "value", steps)]
    else:
        shown = range(min(outputs, _MOST_OUTPUTS))
        blocks = [_fit(truth[:, each], predicted[:, each], _name(each, outputs, name)) for each in shown]
        blocks += _residuals(truth[:, 0], predicted[:, 0], name or "value") if outputs == 1 else []
    said = [_sizes(predicted - truth), *([_interval(predicted - truth)] if outputs == 1 else [])]
    return Html(figures_row(*blocks) + "".join(paragraph(each) for each in said if each))


def _columns(values: npt.ArrayLike) -> Array:
    array: Array = np.asarray(values, dtype=np.float64)
    rows = array.shape[0]
    return array.reshape(rows, array.size // max(rows, 1))


def _name(output: int, outputs: int, name: str) -> str:
    if outputs == 1:
        return name or "value"
    return f"{name}, output {output + 1}" if name else f"output {output + 1}"


def _all(truth: Array, predicted: Array, name: str, steps: Sequence[str]) -> Html:
    """All steps of a forecast in one figure, for they are of one kind."""
    which = f"All {number(len(steps))} steps of each window, {steps[0]} to {steps[-1]}."
    fig = predictions(truth.reshape(-1), predicted.reshape(-1), name=name)
    alt = f"Predicted over true {name}: {number(len(steps))} steps of each of {number(len(truth))} windows"
    return figure(fig, alt, f"{which} What is predicted exactly lies on the dashed line.")


def _fit(truth: Array, predicted: Array, name: str) -> Html:
    alt = f"Predicted over true {name} of {len(truth)} rows"
    fig = predictions(truth, predicted, name=name)
    return figure(fig, alt, "What is predicted exactly lies on the dashed line.")


def _residuals(truth: Array, predicted: Array, name: str) -> list[Html]:
    """Over the predictions, and as a histogram, with the interval."""
    errors = predicted - truth
    ends = interval(errors) or (None, None)
    over = residuals(predicted, errors, name=name, low=ends[0], high=ends[1])
    spread = histogram(errors, xlabel="residual: predicted − true", low=ends[0], high=ends[1])
    between = "" if ends[0] is None else " Nine in ten lie between the dotted lines."
    told = "A bend, or a funnel that opens, is something that the model has not learned."
    return [
        figure(over, f"Residuals over predictions of {len(errors)} rows", told),
        figure(spread, f"Histogram of the residuals of {len(errors)} rows", f"How residuals are spread.{between}"),
    ]


def interval(errors: Array) -> tuple[float, float] | None:
    """The residuals between which nine in ten lie, a twentieth beyond either; None for fewer than 40 rows."""
    known = errors[np.isfinite(errors)]
    if len(known) < _FEW:
        return None
    low, high = np.quantile(known, [(1 - _SHARE) / 2, (1 + _SHARE) / 2])
    return float(low), float(high)


def _interval(errors: Array) -> str:
    """What the residuals promise for a new row."""
    ends = interval(errors)
    if ends is None:
        return ""
    low, high = -ends[1], -ends[0]
    return (
        f"A 90 % interval for rows like these: the true value lies between the prediction {_signed(low)} and the"
        f" prediction {_signed(high)}. It is taken from these rows' residuals, with a twentieth beyond either end, and is"
        " of one width for all predictions."
    )


def _signed(value: float) -> str:
    return f"{'plus' if value >= 0 else 'minus'} {number(abs(value))}"


def _sizes(errors: Array) -> str:
    known = errors[np.isfinite(errors)]
    if not known.size:
        return "No prediction is a finite number."
    half, most = np.quantile(np.abs(known), [0.5, 0.9])
    lean = float(np.mean(known))
    return (
        f"Half of the predictions are off by less than {number(float(half))}, nine in ten by less than"
        f" {number(float(most))}; on average they are {number(abs(lean))} too {'high' if lean > 0 else 'low'}."
    )
