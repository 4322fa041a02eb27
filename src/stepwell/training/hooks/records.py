"""Hooks that write the run folder: the history, and the checkpoints."""

import time
from dataclasses import dataclass, field

import torch

from stepwell.core.errors import DivergedError, TrainingError
from stepwell.runs import Run, Snapshot
from stepwell.runs.checkpoint import remove_checkpoint
from stepwell.runs.writer import CheckpointWriter
from stepwell.training.hooks.base import Hook
from stepwell.training.step import StepResult
from stepwell.training.training import Training


class History(Hook):
    """Appends a line an epoch to the run's `history.jsonl`, and one of seconds to `timing.jsonl`."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def epoch_start(self, training: Training) -> None:
        """Begin to count seconds."""
        training.timing = {}

    def epoch_end(self, training: Training) -> None:
        """Write the lines."""
        line = training.history[-1]
        self._run.append("history.jsonl", line)
        seconds = {what: round(spent, 6) for what, spent in training.timing.items()}
        self._run.append("timing.jsonl", {"epoch": line["epoch"], **seconds})


@dataclass
class Checkpoints(Hook):
    """Writes checkpoints on a thread of its own: every so many seconds, steps or epochs, and at the end.

    Of them, the newest `keep` stay, and the best (by the task's watched number) with `best`. Ctrl-C saves at once. A state
    that has diverged (a loss or parameter that is NaN or infinite, a buffer that is NaN) is never written: it raises
    `DivergedError`. A training that resumes from an older checkpoint deletes the newer ones, whose future it leaves.

    `run` is None in those of several processes that do not lead: they write nothing, but a snapshot in the middle of an
    epoch adds up what all of them found.
    """

    run: Run | None
    every_seconds: float | None = 20.0
    every_steps: int | None = None
    every_epochs: int | None = None
    keep: int = 2
    best: bool = True
    _writer: CheckpointWriter | None = field(default=None, init=False, repr=False)
    _best: Snapshot | None = field(default=None, init=False, repr=False)
    _saved: tuple[int, int] = field(default=(-1, -1), init=False, repr=False)  # the step and the whole epochs
    _saved_at: float = field(default=0.0, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.keep < 1:
            raise TrainingError(f"keep is {self.keep}; at least the newest checkpoint has to stay.")

    def fit_start(self, training: Training) -> None:
        """Start the thread."""
        self._saved, self._saved_at = (training.step, training.epochs), time.perf_counter()
        if self.run is not None:
            for path in self.run.checkpoints():
                if int(path.name) > training.step:
                    remove_checkpoint(path)
            self._writer = CheckpointWriter(self.run, self.keep)

    def step_end(self, training: Training, result: StepResult) -> None:
        """Save where a number of steps, or of seconds, has passed."""
        by_steps = self.every_steps is not None and training.step % self.every_steps == 0
        if by_steps or self._overdue(training):
            self._save(training)

    def epoch_end(self, training: Training) -> None:
        """Remember the best epoch, and save where it is time."""
        if self.best and training.best_epoch() == training.history[-1]["epoch"]:
            self._best = _snapshot(training, best=True)
        by_epochs = self.every_epochs is not None and training.epochs % self.every_epochs == 0
        if by_epochs or self._overdue(training):
            self._save(training)

    def fit_end(self, training: Training, error: BaseException | None) -> None:
        """Save the last state, unless an error has left it doubtful, and wait for the thread."""
        try:
            if error is None and (training.step, training.epochs) != self._saved:
                self._save(training)
            elif self._best is not None:
                self._submit_best()
        finally:
            if self._writer is not None:
                self._writer.close()

    def _overdue(self, training: Training) -> bool:
        if training.world.size > 1 and training.batches_done:
            return False  # in the middle of an epoch several processes have to save together, and their clocks differ
        return self.every_seconds is not None and time.perf_counter() - self._saved_at >= self.every_seconds

    def _save(self, training: Training) -> None:
        started = time.perf_counter()
        newest = None if self._best is not None and self._best.step == training.step else _snapshot(training)
        self._submit_best()
        if newest is not None and self._writer is not None:
            self._writer.submit(newest)
        self._saved, self._saved_at = (training.step, training.epochs), time.perf_counter()
        training.spend("checkpoint", self._saved_at - started)

    def _submit_best(self) -> None:
        if self._best is not None and self._writer is not None:
            self._writer.submit(self._best)
        self._best = None


def _snapshot(training: Training, *, best: bool = False) -> Snapshot:
    """A snapshot of a training that has not diverged."""
    training.tally.check_finite()
    snapshot = training.snapshot(best=best)
    parameters = {name for name, _ in training.model.named_parameters()}
    for name, tensor in snapshot.parts["model"].items():
        if not isinstance(tensor, torch.Tensor):
            continue  # a module's extra state
        # Buffers may be infinite by design, as the mask of an attention is.
        wrong = ~torch.isfinite(tensor) if name in parameters else torch.isnan(tensor)
        if bool(wrong.any()):
            raise DivergedError(
                f"{name} holds {int(wrong.sum()):,} numbers that are NaN or infinite at step {training.step}."
            )
    return snapshot
