"""What the model gets right and wrong: the task's own section."""

from collections.abc import Sequence

import numpy as np

from stepwell.plots import confusion
from stepwell.plots.style import Array
from stepwell.reports.calibration import calibrated
from stepwell.reports.evaluation import Evaluation
from stepwell.reports.learning import spoken
from stepwell.reports.page import Section, figure, figures_row, paragraph, table
from stepwell.reports.regression import regression
from stepwell.reports.text import Html, Numeric, number
from stepwell.reports.thresholds import thresholds
from stepwell.reports.worst import Rows, gallery

_MOST_DRAWN = 30
_MOST_LISTED = 20
_SPLITS = {"val": "validation", "train": "training"}


def results(
    evaluation: Evaluation | None,
    names: Sequence[str] = (),
    rows: Rows | None = None,
    target: str = "",
    steps: Sequence[str] = (),
    *,
    worst: bool = True,
) -> list[Section]:
    """The sections that an evaluation fills; none without one.

    `names` are those of a row's inputs, where they have any; `rows` are rows as people know them, by number; `target` is
    what a regression predicts, and `steps` are the names of its outputs where they are those of a forecast.
    Without `worst` there are no worst rows: of a task whose rows are nothing to look at.
    """
    if evaluation is None:
        return []
    split = _SPLITS.get(evaluation.split, evaluation.split)
    body = paragraph(f"On the {number(evaluation.rows)} {split} rows: {_spoken_metrics(evaluation)}.")
    if evaluation.confusion is not None:
        counts = np.asarray(evaluation.confusion)
        body = Html(body + _classification(counts, [str(name) for name in evaluation.classes or range(len(counts))]))
    elif evaluation.values is not None and evaluation.targets is not None:
        body = Html(body + regression(evaluation.targets, evaluation.values, target, steps))
    shown = [_worst(evaluation, names, rows)] if worst else []
    return [Section("Results", body), thresholds(evaluation), calibrated(evaluation), *shown]


def _worst(evaluation: Evaluation, names: Sequence[str], rows: Rows | None) -> Section:
    shown = gallery(evaluation.worst, names, rows or {})
    if evaluation.values is not None:
        return Section("Largest errors", shown, "The rows of greatest loss.")
    return Section("Worst mistakes", shown, "The rows of greatest loss. Look for wrong labels first.")


def _spoken_metrics(evaluation: Evaluation) -> str:
    told = [f"{spoken(name, evaluation.classes)} {number(value)}" for name, value in evaluation.metrics.items()]
    return ", ".join(told) or "no metrics"


def _classification(counts: Array, classes: list[str]) -> Html:
    pairs, scores = _confused(counts, classes), _per_class(counts, classes)
    if not 0 < len(classes) <= _MOST_DRAWN:
        return Html(scores + pairs)
    right, rows = int(np.trace(counts)), int(counts.sum())
    alt = f"Confusion matrix of {len(classes)} classes: {right} of {rows} rows lie on the diagonal"
    caption = "True classes down, predicted across. The shade is the share of the true class, mistakes in orange."
    drawn = figure(confusion(counts, classes), alt, caption)
    if len(classes) > 12:
        return Html(drawn + figures_row(scores, pairs))
    return figures_row(drawn, Html(f"<div>{scores}{pairs}</div>"))


def _per_class(counts: Array, classes: list[str]) -> Html:
    """Precision, recall and F1 of each class; where there are many classes, of the worst."""
    right, true, said = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
    scores = [_ratio(right, said), _ratio(right, true), _ratio(2 * right, true + said)]
    order = np.arange(len(classes))
    many = len(classes) > _MOST_LISTED
    if many:
        order = np.argsort(np.nan_to_num(scores[2], nan=-1.0), kind="stable")[:_MOST_LISTED]
    rows = [(classes[index], int(true[index]), *(_share(score[index]) for score in scores)) for index in order]
    header = ("class", "rows", "precision", "recall", "F1")
    caption = f"The {_MOST_LISTED} classes of least F1, out of {len(classes)}." if many else ""
    return Html(f"<div>{table(rows, header)}{paragraph(caption, 'note') if caption else ''}</div>")


def _ratio(part: Array, whole: Array) -> Array:
    ratio = np.full(len(part), np.nan)
    np.divide(part, whole, out=ratio, where=whole > 0)
    return ratio


def _share(value: float) -> Numeric:
    """A share with three decimals, all of one width, so that a column of them can be compared at a glance."""
    return Numeric("–" if np.isnan(value) else f"{value:.3f}")


def _confused(counts: Array, classes: list[str]) -> Html:
    """The pairs of classes that are taken for each other most."""
    wrong = np.where(np.eye(len(counts), dtype=bool), 0, counts)
    order = np.argsort(-wrong, axis=None, kind="stable")[:5]
    cells = [np.unravel_index(index, wrong.shape) for index in order if wrong.flat[index] > 0]
    if not cells:
        return paragraph("No row was given a wrong class.")
    rows = [(classes[true], classes[said], int(wrong[true, said])) for true, said in cells]
    return Html(f"<div><h3>Taken for each other most</h3>{table(rows, ('true', 'predicted', 'rows'))}</div>")
