"""Whether what is said with 80 % certainty comes true in 80 % of the rows."""

import numpy as np

from stepwell.plots import calibration
from stepwell.plots.style import name_axes
from stepwell.reports.evaluation import CalibrationBins, Evaluation
from stepwell.reports.page import Section, figure, figures_row, paragraph

_SLIGHT = 0.02
_FEW = 100


def calibrated(evaluation: Evaluation | None) -> Section:
    """The reliability diagram and what it says; nothing for what has no classes, or no rows."""
    bins = evaluation.calibration if evaluation is not None else None
    if evaluation is None or bins is None or not len(bins.rows):
        return Section("Calibration", "")
    two = evaluation.ranking is not None and len(evaluation.classes) == 2
    fig = calibration(bins.predicted, bins.observed, bins.rows)
    whose = str(evaluation.classes[1]) if two else "the predicted class"
    name_axes(fig.axes[0], f"probability of {whose}", f"share that was {evaluation.classes[1] if two else 'right'}")
    drawn = figure(
        fig,
        f"Observed share over predicted probability in {len(bins.rows)} bins",
        "On the dashed line, probabilities are what they say. Below it, the model is too sure.",
    )
    note = f"The probability of {whose}, in bins of a tenth, against how often it came true."
    return Section("Calibration", figures_row(drawn, paragraph(_said(bins, two=two))), note)


def _said(bins: CalibrationBins, *, two: bool) -> str:
    rows = int(np.sum(bins.rows))
    off = f"Probabilities are off by {bins.error:.3f} on average (expected calibration error)"
    few = f" With {rows} rows, much of that may be chance." if rows < _FEW else ""
    if bins.error <= _SLIGHT:
        return f"{off}: they can be taken as they are.{few}"
    lean = float(np.average(np.subtract(bins.predicted, bins.observed), weights=bins.rows))
    if abs(lean) <= bins.error / 2:
        return f"{off}, to both sides.{few}"
    if two:
        return f"{off}: they are too {'high' if lean > 0 else 'low'}, by {abs(lean):.3f} over all rows.{few}"
    return f"{off}: the model is {'too sure of itself' if lean > 0 else 'less sure than it could be'}.{few}"
