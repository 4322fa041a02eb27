"""The live display."""

import time
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from stepwell.training.hooks.base import Hook
from stepwell.training.step import StepResult
from stepwell.training.training import Line, Training

_EVERY = 0.1  # seconds: numbers leave the device when the screen is due, and no oftener
_PLAIN_EVERY = 2.0


class Progress(Hook):
    """Shows how far the training is, its loss, its speed and the newest epoch's numbers.

    On a terminal it is a bar that is redrawn ten times a second, with a table of the epochs that were shown; elsewhere, a
    line every two seconds.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console()
        self._live: Live | None = None
        self._due = 0.0
        self._begun = (0, 0.0)
        self._last_loss = float("nan")

    def fit_start(self, training: Training) -> None:
        """Show the display."""
        self._begun = (training.step, time.perf_counter())
        self._due = 0.0
        if training.world.leads and self._console.is_terminal:
            self._live = Live(console=self._console, auto_refresh=False, transient=True)
            self._live.start()

    def step_end(self, training: Training, result: StepResult) -> None:
        """Redraw, if it is time."""
        if time.perf_counter() >= self._due:
            self._show(training)

    def epoch_end(self, training: Training) -> None:
        """Redraw, if it is time; the last epoch is always shown."""
        if time.perf_counter() >= self._due or training.exhausted or training.stop_reason:
            self._show(training, epoch=True)

    def fit_end(self, training: Training, error: BaseException | None) -> None:
        """Take the display away, and leave the newest line."""
        if self._live is not None:
            self._live.stop()
            self._live = None
            if training.history:
                self._console.print(describe_line(training.history[-1]), highlight=False)

    def _show(self, training: Training, *, epoch: bool = False) -> None:
        if self._live is not None:
            self._live.update(self._panel(training), refresh=True)
            self._due = time.perf_counter() + _EVERY
        elif training.world.leads and epoch:
            self._console.print(describe_line(training.history[-1]), highlight=False)
            self._due = time.perf_counter() + _PLAIN_EVERY

    def _loss(self, training: Training) -> float:
        """The newest batch's loss; between two epochs, the one shown last."""
        loss = training.tally.last_loss
        self._last_loss = loss if loss == loss else self._last_loss
        return self._last_loss

    def _panel(self, training: Training) -> Any:
        grid = Table.grid(padding=(0, 2))
        total = training.total_steps
        bar = ProgressBar(total=total or 1, completed=training.step if total else _minutes(training), width=32)
        speed = (training.step - self._begun[0]) / max(time.perf_counter() - self._begun[1], 1e-9)
        place = f"step {training.step:,}" + (f" of {total:,}" if total else "")
        left = f"{(total - training.step) / speed:,.0f} s left" if total and speed else ""
        grid.add_row(bar, place, f"loss {self._loss(training):.4g}", f"{speed:,.0f} steps/s", left)
        table = Table.grid()
        table.add_row(grid)
        for line in training.history[-1:]:
            table.add_row(Text(describe_line(line), style="dim", no_wrap=True, overflow="ellipsis"))
        return table


def _minutes(training: Training) -> float:
    return min(1.0, training.seconds / (60 * (training.experiment.minutes or 1.0)))


def describe_line(line: Line) -> str:
    """A line of the history as text: `epoch    3   train loss 0.412 accuracy 0.91   val loss 0.398 accuracy 0.92`."""
    parts = [f"epoch {line['epoch']:>4}"]
    for side in ("train", "val"):
        if side in line:
            parts.append(" ".join([side, *(f"{what} {value:.4g}" for what, value in line[side].items())]))
    return "   ".join(parts)
