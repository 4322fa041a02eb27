"""What outputs mean: regression, binary and multiclass classification."""

from stepwell.tasks.base import Task
from stepwell.tasks.classification import Binary, Multiclass, positive_weight
from stepwell.tasks.regression import Regression

__all__ = ["Binary", "Multiclass", "Regression", "Task", "positive_weight"]
