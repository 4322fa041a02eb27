"""Arrays in, a matplotlib Figure out: `(arrays, *, ax=None) -> Figure`, in one quiet house style.

The functions never import torch, never touch pyplot and never show anything: a Figure is saved, embedded, or displayed
by whoever asked for it. With `ax=` they draw on that axes and return its figure.
"""

from stepwell.plots.augmented import augmented
from stepwell.plots.bars import bars
from stepwell.plots.calibration import calibration
from stepwell.plots.confused import confused
from stepwell.plots.confusion import confusion
from stepwell.plots.curves import curves
from stepwell.plots.dependence import dependence
from stepwell.plots.designs import designs
from stepwell.plots.distributions import distributions
from stepwell.plots.feature_maps import feature_maps
from stepwell.plots.field import field
from stepwell.plots.filters import filters
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
from stepwell.plots.overlays import overlays
from stepwell.plots.panels import panels
from stepwell.plots.progress import progress
from stepwell.plots.range_test import range_test
from stepwell.plots.ranking import precision_recall, roc
from stepwell.plots.rates import rates
from stepwell.plots.relief import relief
from stepwell.plots.residuals import histogram, residuals
from stepwell.plots.scatter import fit, predictions
from stepwell.plots.space import regions, scatter, spaces
from stepwell.plots.storage import storage
from stepwell.plots.surface import cut, surface
from stepwell.plots.tensors import broadcast, tensors
from stepwell.plots.thresholds import number_line, probability_line
from stepwell.plots.violins import violins
from stepwell.plots.words import words

__all__ = [
    "augmented",
    "bars",
    "broadcast",
    "calibration",
    "confused",
    "confusion",
    "curves",
    "cut",
    "dependence",
    "descent",
    "designs",
    "distributions",
    "errors",
    "feature_maps",
    "field",
    "filters",
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
    "overlays",
    "panels",
    "precision_recall",
    "predictions",
    "probability_line",
    "progress",
    "range_test",
    "rates",
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
    "violins",
    "words",
]
