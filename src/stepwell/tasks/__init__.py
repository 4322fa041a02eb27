"""What outputs mean: regression, binary and multiclass classification."""

from stepwell.tasks.base import Task
from stepwell.tasks.binary import Binary, positive_weight
from stepwell.tasks.multiclass import Multiclass
from stepwell.tasks.regression import Regression

__all__ = ["Binary", "Multiclass", "Regression", "Task", "positive_weight"]
