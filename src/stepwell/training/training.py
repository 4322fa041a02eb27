"""The state of a training: what a checkpoint keeps and a hook may look at."""

import time
from typing import Any

import torch

from stepwell.core.devices import device_of, lay_out
from stepwell.core.errors import TrainingError
from stepwell.core.keys import Key
from stepwell.core.trees import to_device
from stepwell.data.batch import Batch
from stepwell.runs import Run, Snapshot
from stepwell.training.batches import evaluation_batches, train_batches
from stepwell.training.compiled import CompiledLook
from stepwell.training.experiment import Experiment
from stepwell.training.guards import check_batch
from stepwell.training.schedules import Schedule
from stepwell.training.state import restore_snapshot, settings, take_snapshot
from stepwell.training.step import EagerStep, EvaluationStep, Step
from stepwell.training.tally import Tally
from stepwell.training.world import SOLO, World

Line = dict[str, Any]
INTERRUPTED = "it was interrupted"
_AGREE_EVERY = 16  # steps between which several processes ask each other whether one was interrupted


class Training:
    """An experiment under way: `epochs` whole ones are done, and `batches_done` batches of the next; `step` in all.

    `history` has one line an epoch. `tally` is the training pass's, as far as it got. `seconds` is the time spent, earlier
    sittings counted in.
    """

    def __init__(self, experiment: Experiment, run: Run | None = None, world: World = SOLO) -> None:
        if world.size > 1 and experiment.minutes is not None:
            raise TrainingError(
                "Several processes have several clocks: give a budget in epochs or steps, not in minutes."
            )
        self.experiment, self.run, self.world = experiment, run, world
        self.model, self.task, self.optimizer = experiment.model, experiment.task, experiment.made_optimizer
        self.device = device_of(self.model)
        if self.device.index is not None:
            torch.accelerator.set_device_index(self.device.index)  # whose generators are then seeded
        lay_out(self.model, experiment.memory_format)
        self.augment, self._augment_key = experiment.augment, Key(experiment.seed)("augment")
        self.schedule = Schedule(experiment.scheduler, self.optimizer, experiment.scheduler_steps)
        self.train_batches = train_batches(experiment, world)
        self.schedule.check_length(self.total_steps)
        val = experiment.data.val
        self.val_batches = evaluation_batches(val, experiment, world) if val is not None else None
        self.train_step: Step = make_step(experiment, world)
        self.val_step: Step = EvaluationStep(self.model, self.task, experiment.precision)
        self.epochs = self.batches_done = self.step = 0
        self.history: list[Line] = []
        self.timing: dict[str, float] = {}
        self.tally = self.new_tally(train=True)
        self.batch: Batch | None = None
        self.stop_reason: str | None = None
        self._interrupted = False
        self._best: tuple[float, int] | None = None
        self.settings = settings(self)
        self._counts_epochs = world.size == 1 and experiment.epochs is not None
        self._unchecked = {True, False}  # the passes, training or not, whose first batch is yet to be checked
        self.earlier_seconds, self._started = 0.0, time.perf_counter()

    def new_tally(self, *, train: bool) -> Tally:
        """An empty tally for a pass."""
        settings = self.experiment
        if train:
            metrics = self.task.train_metrics() if settings.train_metrics is None else settings.train_metrics
        else:
            metrics = self.task.metrics() if settings.metrics is None else settings.metrics
        return Tally(self.task, metrics, self.device, self.world)

    @property
    def seconds(self) -> float:
        """Seconds spent training, earlier sittings counted in."""
        return self.earlier_seconds + time.perf_counter() - self._started

    @property
    def total_steps(self) -> int | None:
        """The steps of the whole budget, or None where it is in minutes."""
        if self.experiment.epochs is not None:
            return self.experiment.epochs * len(self.train_batches)
        return self.experiment.steps

    def stop(self, reason: str) -> None:
        """End the training after the step at hand. `reason` completes the sentence "it stopped because …"."""
        self.stop_reason = self.stop_reason or reason

    def interrupt(self) -> None:
        """Stop as soon as the state is whole: after the step at hand, in several processes after one that they agree on."""
        self._interrupted = True
        if self.world.size == 1:
            self.stop_reason = INTERRUPTED

    def must_end(self, *, train: bool) -> bool:
        """Whether the pass ends after this batch, before its data does."""
        if self._counts_epochs:  # the common case, asked at every step
            return self.stop_reason is not None and (train or self.stop_reason == INTERRUPTED)
        if self.world.size > 1 and train and self.step % _AGREE_EVERY == 0 and self.world.agree(self._interrupted):
            self.stop_reason = INTERRUPTED
        if not train:
            return self.stop_reason == INTERRUPTED and self.world.size == 1
        return self.stop_reason is not None or (self.experiment.epochs is None and self.exhausted)

    def receive(self, batch: Batch, *, train: bool) -> Batch:
        """The batch on the model's device; the first of each kind of pass is checked."""
        if self.device.type != "cpu":
            batch = to_device(batch, self.device)
        if train and self.augment is not None:
            batch = self.augment(batch, self._augment_key(self.epochs))
        self.batch = batch
        if train in self._unchecked:
            self._unchecked.discard(train)
            check_batch(self.model, self.task, batch)
        return batch

    def step_done(self, batches_done: int) -> None:
        """Count a step, and move the schedule where it moves by steps."""
        self.step, self.batches_done = self.step + 1, batches_done
        if self.schedule.per_batch:
            self.schedule.batch_done(self.epochs, batches_done / len(self.train_batches))

    def finish_epoch(self, line: Line) -> None:
        """Keep an epoch's line. One that the budget cut short stays open, so that a larger budget can go on with it."""
        self.history.append(line)
        self._remember_best(line)
        if self.batches_done < len(self.train_batches):
            return
        self.epochs, self.batches_done = self.epochs + 1, 0
        self.tally = self.new_tally(train=True)
        self.schedule.epoch_done(self._number_for)

    def spend(self, what: str, seconds: float) -> None:
        """Count seconds of the epoch at hand."""
        self.timing[what] = self.timing.get(what, 0.0) + seconds

    @property
    def rates(self) -> list[float]:
        """The optimizer's learning rates, one a parameter group."""
        return [float(group["lr"]) for group in self.optimizer.param_groups]

    @property
    def exhausted(self) -> bool:
        """Whether the budget is used up."""
        budget = self.experiment
        if budget.epochs is not None:
            return self.epochs >= budget.epochs
        if budget.steps is not None:
            return self.step >= budget.steps
        return self.seconds >= 60 * (budget.minutes or 0)

    def watched(self, line: Line | None = None) -> float:
        """The watched number of a line of the history (default: the newest); of training where there is no validation."""
        line = self.history[-1] if line is None else line
        numbers: dict[str, float] = line.get("val") or line["train"]
        return float(numbers.get(self.experiment.watched[0], numbers["loss"]))

    def _number_for(self, mode: str) -> float:
        """What a scheduler that waits for a plateau is told: less is better with `min`, more with `max`."""
        name, good = self.watch
        if good == mode:
            return self.watched()
        if mode == "min":
            return _loss(self.history[-1])
        raise TrainingError(
            f"The scheduler waits for a number to grow (mode='max'), but the watched number, {name}, is better the smaller"
            " it is, so it would lower the learning rate while training goes well. Make it with mode='min'."
        )

    @property
    def watch(self) -> tuple[str, str]:
        """The name of the watched number, and `min` or `max`: whether small or large is good."""
        name, good = self.experiment.watched
        known = self.history[-1].get("val") or self.history[-1]["train"] if self.history else {name: 0.0}
        return (name, good) if name in known else ("loss", "min")

    def best_epoch(self) -> int | None:
        """The number, from 1, of the epoch with the best watched number, the first of equals; NaN is never best."""
        return None if self._best is None else self._best[1]

    def _remember_best(self, line: Line) -> None:
        number = self.watched(line) * (1.0 if self.watch[1] == "min" else -1.0)
        if number == number and (self._best is None or number < self._best[0]):
            self._best = (number, line["epoch"])

    @property
    def unfinished(self) -> bool:
        """Whether there is something left to do: steps, or the last line of a budget that ended within an epoch."""
        open_line = self.batches_done > 0 and len(self.history) == self.epochs
        return not self.exhausted or open_line

    def snapshot(self, *, best: bool = False) -> Snapshot:
        """A copy of everything that a later sitting needs."""
        return take_snapshot(self, best=best)

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a snapshot.

        Raises `CheckpointError`, before anything is changed, where it is of another model, optimizer or schedule.
        """
        restore_snapshot(self, snapshot)
        self._best = None
        for line in self.history:
            self._remember_best(line)


def _loss(line: Line) -> float:
    numbers: dict[str, float] = line.get("val") or line["train"]
    return float(numbers["loss"])


def make_step(experiment: Experiment, world: World = SOLO) -> Step:
    """The step that trains an experiment: its own, or the usual one with its settings."""
    if experiment.step is not None:
        return experiment.step(experiment, world)
    look = CompiledLook if experiment.compiled == "yes" else EvaluationStep
    return EagerStep(
        experiment.model,
        experiment.task,
        experiment.made_optimizer,
        seed=experiment.seed,
        precision=experiment.precision,
        clip_norm=experiment.clip_norm,
        clip_value=experiment.clip_value,
        accumulate=experiment.accumulate,
        world=world,
        look=look(experiment.model, experiment.task, experiment.precision),
    )
