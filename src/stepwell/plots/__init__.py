"""Arrays in, a matplotlib Figure out: `(arrays, *, ax=None) -> Figure`, in one quiet house style.

The functions never import torch, never touch pyplot and never show anything: a Figure is saved, embedded, or displayed
by whoever asked for it. With `ax=` they draw on that axes and return its figure.
"""

from stepwell.plots.confusion import confusion
from stepwell.plots.curves import curves
from stepwell.plots.functions import function
from stepwell.plots.images import images
from stepwell.plots.scatter import fit, predictions

__all__ = ["confusion", "curves", "fit", "function", "images", "predictions"]
