"""What outputs mean: regression, classification, translation of pictures, captions."""

from stepwell.tasks.base import Task
from stepwell.tasks.binary import Binary, positive_weight
from stepwell.tasks.captioning import Captioning
from stepwell.tasks.cyclegan import Translation
from stepwell.tasks.multiclass import Multiclass
from stepwell.tasks.regression import Regression
from stepwell.tasks.side_heads import SideHeads

__all__ = ["Binary", "Captioning", "Multiclass", "Regression", "SideHeads", "Task", "Translation", "positive_weight"]
