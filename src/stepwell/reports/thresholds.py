"""Two classes at every threshold: ROC and precision-recall curves with a mark that moves, and counts that follow."""

import json
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from stepwell.plots import precision_recall, roc
from stepwell.plots.style import Array
from stepwell.reports.evaluation import Evaluation, RankingCounts
from stepwell.reports.page import Section, figures_row, framed, paragraph, table, tiles
from stepwell.reports.script import MOVE_THRESHOLD
from stepwell.reports.svg import inline
from stepwell.reports.text import Html, Numeric, escape, number

_MOST_LISTED = 9
_ROUND = 1e-6
_WORTH = 0.005
"""How much F1 another threshold has to gain to be worth a sentence."""

_NOTE = "A row is called positive where its probability is at least the threshold: a low one finds more, a high one errs less."


def thresholds(evaluation: Evaluation | None) -> Section:
    """Curves, counts and scores by threshold; nothing for what is not a classification into two."""
    counts = evaluation.ranking if evaluation is not None else None
    if evaluation is None or counts is None or not len(counts.thresholds):
        return Section("Threshold", "")
    names = [str(each) for each in evaluation.classes] if len(evaluation.classes) == 2 else ["0", "1"]
    at = int(np.abs(counts.thresholds - counts.threshold).argmin())
    scores = _scores(counts)
    drawn = figures_row(_roc(counts, scores, at, evaluation), _precision_recall(counts, scores, at, evaluation))
    body = drawn + figures_row(_tiles(scores, at), _matrix(counts, at, names))
    box = f'<div id="movable" data-counts="{_plain(counts)}">{_slider(counts, at)}{body}</div>'
    return Section("Threshold", Html(box + _advice(counts, scores, at) + _table(counts, scores)), _NOTE, MOVE_THRESHOLD)


def _scores(counts: RankingCounts) -> dict[str, Array]:
    """Each score at each threshold; NaN where it is not defined."""
    right, wrong = (np.asarray(each, dtype=np.float64) for each in (counts.true_positives, counts.false_positives))
    missed, refused = counts.positives - right, counts.negatives - wrong
    return {
        "precision": _ratio(right, right + wrong),
        "recall": _ratio(right, right + missed),
        "f1": _ratio(2 * right, 2 * right + wrong + missed),
        "accuracy": _ratio(right + refused, right + wrong + missed + refused),
        "fpr": _ratio(wrong, wrong + refused),
    }


def _ratio(part: Array, whole: Array) -> Array:
    ratio = np.full(len(part), np.nan)
    np.divide(part, whole, out=ratio, where=whole > 0)
    return ratio


def _plain(counts: RankingCounts) -> Html:
    """What the script has to know."""
    return escape(
        json.dumps(
            {
                "t": [_told(float(each)) for each in counts.thresholds],
                "tp": [int(each) for each in counts.true_positives],
                "fp": [int(each) for each in counts.false_positives],
                "p": int(counts.positives),
                "n": int(counts.negatives),
            },
            separators=(",", ":"),
        )
    )


def _slider(counts: RankingCounts, at: int) -> Html:
    """The control, hidden until the script runs, which it needs; and the threshold, which stands there in any case."""
    now = f'<output for="threshold-slider" data-show="threshold">{_told(counts.thresholds[at])}</output>'
    return Html(
        f'<p class="control"><label for="threshold-slider">Threshold {now}</label>'
        f'<input id="threshold-slider" type="range" min="0" max="{len(counts.thresholds) - 1}" step="1" value="{at}" hidden></p>'
    )


def _matrix(counts: RankingCounts, at: int, names: Sequence[str]) -> Html:
    right, wrong = int(counts.true_positives[at]), int(counts.false_positives[at])
    cells = {"tn": counts.negatives - wrong, "fp": wrong, "fn": counts.positives - right, "tp": right}
    live = {name: Numeric(f'<span data-show="{name}">{number(value)}</span>') for name, value in cells.items()}
    rows = [(f"true {names[0]}", live["tn"], live["fp"]), (f"true {names[1]}", live["fn"], live["tp"])]
    return table(rows, ("", f"called {names[0]}", f"called {names[1]}"))


def _tiles(scores: dict[str, Array], at: int) -> Html:
    shown = (("precision", "precision"), ("recall", "recall"), ("F1", "f1"), ("accuracy", "accuracy"))
    return tiles(
        (label, Html(f'<span data-show="{name}">{_share(scores[name][at])}</span>'), "") for label, name in shown
    )


def _share(value: float) -> Numeric:
    return Numeric("–" if np.isnan(value) else f"{value:.3f}")


def _roc(counts: RankingCounts, scores: dict[str, Array], at: int, evaluation: Evaluation) -> Html:
    wrong, right = np.asarray(counts.curve, dtype=np.float64).reshape(-1, 2).T
    area = evaluation.metrics.get("roc_area")
    fig = roc(wrong / max(counts.negatives, 1), right / max(counts.positives, 1), area=area)
    alt = f"ROC curve, area {number(area)}"
    return framed(
        _marked(fig, alt, ("fpr", "recall"), scores, at), "Guessing lies on the dashed line. The ring is the threshold."
    )


def _precision_recall(counts: RankingCounts, scores: dict[str, Array], at: int, evaluation: Evaluation) -> Html:
    wrong, right = np.asarray(counts.curve, dtype=np.float64).reshape(-1, 2).T
    area, rows = evaluation.metrics.get("average_precision"), counts.positives + counts.negatives
    share = counts.positives / max(rows, 1)
    fig = precision_recall(_ratio(right, right + wrong), right / max(counts.positives, 1), area=area, share=share)
    alt = f"Precision-recall curve, average precision {number(area)}"
    caption = f"Guessing is right in {share:.1%} of the rows: the dashed line."
    return framed(_marked(fig, alt, ("recall", "precision"), scores, at), caption)


def _marked(fig: Figure, alt: str, axes: tuple[str, str], scores: dict[str, Array], at: int) -> Html:
    """A drawing with a ring on its axes that the script can move: it knows the drawing's places of 0 and 1."""
    drawn = inline(fig, alt)  # which settles where the axes are
    left, right, bottom, top = _frame(fig)
    x, y = (float(scores[name][at]) for name in axes)
    seen = np.isfinite(x + y)
    place = f'cx="{left + (right - left) * x:.2f}" cy="{bottom + (top - bottom) * y:.2f}"' if seen else ""
    ring = (
        f'<circle class="mark" r="4.5" {place} visibility="{"visible" if seen else "hidden"}" data-x="{axes[0]}"'
        f' data-y="{axes[1]}" data-frame="{left:.2f} {right:.2f} {bottom:.2f} {top:.2f}"></circle>'
    )
    return Html(drawn.replace("</svg>", f"{ring}</svg>", 1))


def _frame(fig: Figure) -> tuple[float, float, float, float]:
    """Where 0 and 1 of both axes lie in the drawing, in its points, from its top left: left, right, bottom, top."""
    ax = fig.axes[0]
    wide, high = fig.get_size_inches() * 72
    (left, bottom), (right, top) = fig.transFigure.inverted().transform(ax.transData.transform([(0, 0), (1, 1)]))
    return left * wide, right * wide, (1 - bottom) * high, (1 - top) * high


def _advice(counts: RankingCounts, scores: dict[str, Array], at: int) -> Html:
    """Where F1 is greatest, if that is elsewhere."""
    f1 = np.nan_to_num(scores["f1"])
    best = int(f1.argmax())
    if f1[best] - f1[at] < _WORTH:
        return paragraph(f"No other threshold has a notably better F1 than {_told(counts.thresholds[at])}.", "note")
    return paragraph(
        f"F1 is greatest at threshold {_told(counts.thresholds[best])}: {f1[best]:.3f}, against {f1[at]:.3f} at"
        f" {_told(counts.thresholds[at])}. Chosen and judged on the same rows, that is a little too kind.",
        "note",
    )


def _table(counts: RankingCounts, scores: dict[str, Array]) -> Html:
    """Counts and scores at nine thresholds and at that of the best F1: for paper, and where no script runs."""
    rows = [
        (Numeric(_told(counts.thresholds[at])), *_counts(counts, at), *_scored(scores, at))
        for at in _listed(counts, scores)
    ]
    header = (
        "threshold",
        "true pos.",
        "false pos.",
        "false neg.",
        "true neg.",
        "precision",
        "recall",
        "F1",
        "accuracy",
    )
    return Html(f'<div id="threshold-list">{table(rows, header)}</div>')


def _listed(counts: RankingCounts, scores: dict[str, Array]) -> list[int]:
    """Places of thresholds among which counts differ, evenly spread, with the task's own and that of the best F1."""
    called = np.stack((counts.true_positives, counts.false_positives))
    moves = np.flatnonzero(np.append(True, (np.diff(called) != 0).any(0)))
    even = moves[np.linspace(0, len(moves) - 1, _MOST_LISTED + 2).round().astype(int)[1:-1]]
    own = int(np.abs(counts.thresholds - counts.threshold).argmin())
    best = int(np.nan_to_num(scores["f1"]).argmax())
    return sorted({*map(int, even), own, best})


def _told(threshold: float) -> str:
    """A threshold with two decimals where that is all of it, else with four digits."""
    return f"{threshold:.2f}" if abs(threshold - round(threshold, 2)) <= _ROUND * threshold else f"{threshold:.4g}"


def _counts(counts: RankingCounts, at: int) -> tuple[int, ...]:
    right, wrong = int(counts.true_positives[at]), int(counts.false_positives[at])
    return right, wrong, int(counts.positives) - right, int(counts.negatives) - wrong


def _scored(scores: dict[str, Array], at: int) -> list[Numeric]:
    return [_share(float(scores[name][at])) for name in ("precision", "recall", "f1", "accuracy")]
