"""Streaming metrics: tensor state, update, compute.

A metric object (`Accuracy`, `Confusion`, `Ranking`, `MAE`, `RMSE`, `R2`) holds settings; what it has seen is a tensor
of fixed size, so that evaluations of any length cost the same memory, can be merged, and stay on the device until a
number is asked for. `Mean` keeps the loss in the same way. The rates of a confusion matrix are functions of the module
`confusion`; the curves behind the areas of `Ranking` are `roc_curve` and `precision_recall_curve`. What the rows do not
define is NaN.
"""

from stepwell.metrics.accuracy import Accuracy
from stepwell.metrics.base import Metric, View
from stepwell.metrics.confusion import Confusion
from stepwell.metrics.mean import Mean
from stepwell.metrics.ranking import (
    PrecisionRecallCurve,
    Ranking,
    RocCurve,
    precision_recall_curve,
    roc_area_error,
    roc_curve,
)
from stepwell.metrics.regression import MAE, R2, RMSE

__all__ = [
    "MAE",
    "R2",
    "RMSE",
    "Accuracy",
    "Confusion",
    "Mean",
    "Metric",
    "PrecisionRecallCurve",
    "Ranking",
    "RocCurve",
    "View",
    "precision_recall_curve",
    "roc_area_error",
    "roc_curve",
]
