"""Things that happen beside a training: display, history, checkpoints, early stopping, TensorBoard."""

from stepwell.training.hooks.base import Hook
from stepwell.training.hooks.board import TensorBoard
from stepwell.training.hooks.progress import Progress
from stepwell.training.hooks.records import Checkpoints, History
from stepwell.training.hooks.stopping import EarlyStopping

__all__ = ["Checkpoints", "EarlyStopping", "History", "Hook", "Progress", "TensorBoard"]
