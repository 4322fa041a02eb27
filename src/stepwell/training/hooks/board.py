"""TensorBoard."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from stepwell.core.errors import TrainingError
from stepwell.training.hooks.base import Hook
from stepwell.training.training import Training

if TYPE_CHECKING:
    from torch.utils.tensorboard.writer import SummaryWriter


class TensorBoard(Hook):
    """Writes the history's numbers for TensorBoard, with the steps counted over all sittings of a run.

    Needs the extra: `pip install stepwell[tensorboard]`.
    """

    def __init__(self, folder: Path | str) -> None:
        self._folder = Path(folder)
        self._writer: SummaryWriter | None = None

    def fit_start(self, training: Training) -> None:
        """Open the writer; lines that a resumed run has forgotten are hidden from the step on where it goes on."""
        try:
            from torch.utils.tensorboard.writer import SummaryWriter
        except ImportError:
            raise TrainingError("TensorBoard is not installed: pip install 'stepwell[tensorboard]'.") from None
        self._writer = SummaryWriter(str(self._folder), purge_step=training.step + 1)

    def epoch_end(self, training: Training) -> None:
        """Write the newest line."""
        line = training.history[-1]
        names = {name for side in ("train", "val") for name in line.get(side, {})}
        for name in sorted(names):
            values = {side: line[side][name] for side in ("train", "val") if name in line.get(side, {})}
            for side, value in values.items():
                self._add(f"{name}/{side}", value, line["step"])
        for number, rate in enumerate(line["learning_rate"]):
            self._add(f"learning_rate/{number}", rate, line["step"])

    def _add(self, name: str, value: float, step: int) -> None:
        if self._writer is not None:
            self._writer.add_scalar(name, value, step)

    def fit_end(self, training: Training, error: BaseException | None) -> None:
        """Close the writer."""
        if self._writer is not None:
            self._writer.close()
