"""What a scheduler will do, seen before it does it: the learning rate and the momentum of every update."""

import math
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.optim import SGD, Adagrad, Optimizer
from torch.optim.lr_scheduler import ConstantLR, LRScheduler
from torch.utils.data import DataLoader

from stepwell.core.errors import TrainingError
from stepwell.training.batches import train_batches
from stepwell.training.experiment import Experiment
from stepwell.training.schedules import Schedule, When
from stepwell.training.world import SOLO

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Rates:
    """The learning `rates` of each update's parameter groups, float64 `(updates, groups)`, and their `momenta` in this shape.

    A momentum is an SGD's, or the first of an Adam's betas; None where the optimizer has neither. `per_epoch` updates made
    an epoch.
    """

    rates: Array
    momenta: Array | None
    per_epoch: int

    @property
    def by_epoch(self) -> Array:
        """The rates at the beginning of each epoch, `(epochs, groups)`."""
        return self.rates[:: self.per_epoch]


def rates_of(
    scheduler: LRScheduler | Callable[[Optimizer], LRScheduler],
    *,
    epochs: int | None = None,
    steps: int | None = None,
    per_epoch: int = 1,
    rate: float = 0.01,
    losses: Sequence[float] | None = None,
    when: When | None = None,
) -> Rates:
    """The rates that a scheduler gives so many `steps`, or `epochs` of `per_epoch` steps; it is stepped as `fit` steps it.

    A scheduler is copied: neither it nor its optimizer is touched, and it goes on from where it is. A function that makes
    one, such as `lambda optimizer: StepLR(optimizer, 2)`, gets an SGD of the learning rate `rate` and the momentum 0.9.
    `losses` are the watched numbers of the epochs, for schedulers that wait for a plateau. `when` is what
    `Experiment(scheduler_steps=…)` says.

    Raises `TrainingError` where losses are due, and for more steps than the scheduler was made for. Godoy, chapter 6 (rows
    S39, S40).
    """
    if (epochs is None) == (steps is None):
        raise TrainingError("Give the length of the schedule as epochs or as steps, one of them.")
    updates = steps if steps is not None else (epochs or 0) * per_epoch
    if updates < 1 or per_epoch < 1:
        raise TrainingError(f"{updates} steps, {per_epoch} of them an epoch, have no rates; give 1 or more.")
    if isinstance(scheduler, LRScheduler):
        stand_in = _stand_in(scheduler.optimizer)
        copy = deepcopy(scheduler, {id(scheduler.optimizer): stand_in})
    else:
        stand_in = SGD([_nothing()], lr=rate, momentum=0.9)
        copy = scheduler(stand_in)
    return _traced(Schedule(copy, stand_in, when), stand_in, updates, per_epoch, losses)


def planned_rates(experiment: Experiment, *, epochs: int | None = None, losses: Sequence[float] | None = None) -> Rates:
    """The rates of an experiment's steps, to the end of its budget or for so many `epochs`; nothing of it is touched.

    Raises `TrainingError` where its budget is in minutes and no number of epochs is given, or where `losses` are due.
    """
    side = experiment.data.train
    per_epoch = len(side) if isinstance(side, DataLoader) else len(train_batches(experiment, SOLO))
    epochs = epochs or experiment.epochs
    updates = experiment.steps if epochs is None else epochs * per_epoch
    if updates is None:
        raise TrainingError("How many steps a budget in minutes makes is not known before; give epochs.")
    if experiment.scheduler is not None:
        when = experiment.scheduler_steps
        return rates_of(experiment.scheduler, steps=updates, per_epoch=per_epoch, losses=losses, when=when)
    stand_in = _stand_in(experiment.made_optimizer)
    return _traced(Schedule(None, stand_in), stand_in, updates, per_epoch, None)


def _traced(
    schedule: Schedule, optimizer: Optimizer, updates: int, per_epoch: int, losses: Sequence[float] | None
) -> Rates:
    """Step a schedule through its updates, and write down what each of them finds in the optimizer."""
    schedule.check_length(updates)
    numbers = _numbers(schedule, losses, updates // per_epoch)
    seen = []
    for update in range(updates):
        seen.append([_settings(group) for group in optimizer.param_groups])
        optimizer.step()
        epoch, done = divmod(update, per_epoch)
        schedule.batch_done(epoch, (done + 1) / per_epoch)
        if done + 1 == per_epoch:
            schedule.epoch_done(lambda mode, number=numbers[epoch]: number)  # type: ignore[misc]
    found = np.array(seen, dtype=np.float64)
    return Rates(found[..., 0], None if np.isnan(found[..., 1]).all() else found[..., 1], per_epoch)


def _stand_in(optimizer: Optimizer) -> Optimizer:
    """An optimizer of the same settings without a model: one number a group, and no gradients."""
    made = Adagrad(
        [{"params": [_nothing()]} for _ in optimizer.param_groups], lr=1.0
    )  # which has no momentum of its own
    ConstantLR(
        made, factor=1.0
    )  # torch's schedulers look whether one has been at the optimizer, and warn where none was
    for own, group in zip(made.param_groups, optimizer.param_groups, strict=True):
        own.update({name: deepcopy(value) for name, value in group.items() if name != "params"})
    return made


def _nothing() -> nn.Parameter:
    return nn.Parameter(torch.zeros(()))


def _settings(group: dict[str, Any]) -> tuple[float, float]:
    """A group's learning rate and momentum, NaN where it has none."""
    momentum: float = group["betas"][0] if "betas" in group else group.get("momentum", math.nan)
    return float(group["lr"]), float(momentum)


def _numbers(schedule: Schedule, losses: Sequence[float] | None, epochs: int) -> list[float]:
    """The watched number of each epoch. Raises `TrainingError` where a scheduler waits for those that are not given."""
    given = [] if losses is None else [float(loss) for loss in losses]
    if schedule.when == "metric" and len(given) < epochs:
        name = type(schedule.scheduler).__name__
        raise TrainingError(
            f"What a {name} does depends on the losses of the {epochs} epochs; {len(given)} are given. Give losses=[…], one"
            " for each, made up or of an earlier run."
        )
    return given + [math.nan] * (epochs - len(given))
