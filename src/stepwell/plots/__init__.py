"""Arrays in, a matplotlib Figure out: `(arrays, *, ax=None) -> Figure`, in one quiet house style.

The functions never import torch, never touch pyplot and never show anything: a Figure is saved, embedded, or displayed
by whoever asked for it. With `ax=` they draw on that axes and return its figure.
"""

from stepwell.plots.bars import bars
from stepwell.plots.calibration import calibration
from stepwell.plots.confusion import confusion
from stepwell.plots.curves import curves
from stepwell.plots.dependence import dependence
from stepwell.plots.distributions import distributions
from stepwell.plots.flow import flow
from stepwell.plots.forecast import forecast
from stepwell.plots.functions import descent, function, tangents
from stepwell.plots.graph import graph
from stepwell.plots.groups import errors, groups
from stepwell.plots.heat import heat
from stepwell.plots.images import images
from stepwell.plots.importance import importance
from stepwell.plots.nested import nested
from stepwell.plots.network import network
from stepwell.plots.panels import panels
from stepwell.plots.progress import progress
from stepwell.plots.ranking import precision_recall, roc
from stepwell.plots.relief import relief
from stepwell.plots.residuals import histogram, residuals
from stepwell.plots.scatter import fit, predictions
from stepwell.plots.space import regions, scatter, spaces
from stepwell.plots.storage import storage
from stepwell.plots.surface import cut, surface
from stepwell.plots.tensors import broadcast, tensors
from stepwell.plots.thresholds import number_line, probability_line
from stepwell.plots.words import words

__all__ = [
    "bars",
    "broadcast",
    "calibration",
    "confusion",
    "curves",
    "cut",
    "dependence",
    "descent",
    "distributions",
    "errors",
    "fit",
    "flow",
    "forecast",
    "function",
    "graph",
    "groups",
    "heat",
    "histogram",
    "images",
    "importance",
    "nested",
    "network",
    "number_line",
    "panels",
    "precision_recall",
    "predictions",
    "probability_line",
    "progress",
    "regions",
    "relief",
    "residuals",
    "roc",
    "scatter",
    "spaces",
    "storage",
    "surface",
    "tangents",
    "tensors",
    "words",
]
