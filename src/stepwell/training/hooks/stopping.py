"""Early stopping."""

from dataclasses import dataclass

from stepwell.training.hooks.base import Hook
from stepwell.training.training import Training


@dataclass
class EarlyStopping(Hook):
    """Ends a training whose watched number has not improved by more than `min_delta` for `patience` epochs.

    It looks at the history alone, so a resumed training stops where an uninterrupted one does.
    """

    patience: int
    min_delta: float = 0.0

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
