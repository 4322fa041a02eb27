"""Early stopping."""

from dataclasses import dataclass

from stepwell.core.errors import TrainingError
from stepwell.training.hooks.base import Hook
from stepwell.training.training import Training


@dataclass
class EarlyStopping(Hook):
    """Ends a training whose watched number has not improved by more than `min_delta` for `patience` epochs.

    It looks at the history alone, so a resumed training stops where an uninterrupted one does; also one that had stopped
    already, or that was killed before it could.
    """

    patience: int
    min_delta: float = 0.0

    def __post_init__(self) -> None:
        if self.patience < 1:
            raise TrainingError(f"patience is {self.patience}; it is a number of epochs, and more than 0.")

    def fit_start(self, training: Training) -> None:
        """Stop a resumed training whose history is that of one to be stopped."""
        if training.history:
            self.epoch_end(training)

    def epoch_end(self, training: Training) -> None:
        """Count the epochs since the last improvement."""
        name, good = training.watch
        sign = 1.0 if good == "min" else -1.0
        best, since = float("inf"), 0
        for line in training.history:
            number = sign * training.watched(line)
            best, since = (number, 0) if number < best - self.min_delta else (best, since + 1)
        if since >= self.patience:
            training.stop(f"{name} has not improved for {since} epochs")
