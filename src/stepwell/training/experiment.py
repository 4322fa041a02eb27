"""An experiment: everything that decides a training, in one frozen object."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from torch import nn
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import LRScheduler

from stepwell.core.devices import MEMORY_FORMATS, PRECISIONS, device_of
from stepwell.core.errors import ModelError, TrainingError, suggest
from stepwell.data.arrays import Transform
from stepwell.data.orders import Order, Shuffled
from stepwell.data.reader import Reader
from stepwell.data.splits import Splits
from stepwell.metrics.base import Metric
from stepwell.tasks.base import Task
from stepwell.training.schedules import Schedule, When

if TYPE_CHECKING:
    from stepwell.training.hooks.base import Hook
    from stepwell.training.step import Step
    from stepwell.training.world import World

AUTO = "auto"
VARIED = {
    "precision": (*PRECISIONS, AUTO),
    "memory_format": (*MEMORY_FORMATS, AUTO),
    "compiled": ("no", "yes", AUTO),
}
"""The settings that change how a step is computed but not what, with their values."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Experiment:
    """Data, model, task, optimizer and budget.

    `optimizer` (default AdamW at torch's rate) and `scheduler` are torch's own, made from the model's parameters. The
    budget is one of `epochs`, `steps` or `minutes`. `batch_size` rows make one update; `accumulate` cuts them into that
    many parts to save memory. `clip_norm` and `clip_value` bound the gradients.

    `precision` is `fp32` or `bf16` (autocast), `memory_format` that of convolutions, `contiguous` or `channels-last`, and
    `compiled` says whether forward and backward pass are compiled, `no` or `yes`. Where one of the three is `auto`, what
    is fastest here and agrees with plain fp32 is measured when the training begins (see `stepwell.training.variants`).

    `metrics` and `train_metrics` replace the task's. `watch` is the number by which epochs are compared, and whether small
    or large is good; by default the task's. `augment` changes each training batch on the model's device, by draws that
    depend on seed, epoch and row alone. `step` makes another step than the usual one. `hooks` belong to the experiment
    itself, wherever it is trained. `reader` is how new files become rows, where there is a way. The model trains on the
    device that it lies on.

    Raises `TrainingError` or `ModelError` for settings that cannot work.
    """

    data: Splits
    model: nn.Module
    task: Task
    optimizer: Optimizer | None = None
    scheduler: LRScheduler | None = None
    scheduler_steps: When | None = None
    batch_size: int = 32
    epochs: int | None = None
    steps: int | None = None
    minutes: float | None = None
    clip_norm: float | None = None
    clip_value: float | None = None
    accumulate: int = 1
    precision: str = "fp32"
    memory_format: str = "contiguous"
    compiled: str = "no"
    seed: int = 0
    order: Order = Shuffled()
    workers: int = 0
    drop_last: bool = False
    metrics: Sequence[Metric] | None = None
    train_metrics: Sequence[Metric] | None = None
    watch: tuple[str, Literal["min", "max"]] | None = None
    augment: Transform | None = None
    step: "Callable[[Experiment, World], Step] | None" = None
    hooks: "Sequence[Hook]" = ()
    reader: Reader | None = None

    def __post_init__(self) -> None:
        _check_numbers(self)
        device_of(self.model)
        trainable = {id(p) for p in self.model.parameters() if p.requires_grad}
        if not trainable:
            raise ModelError(
                f"{type(self.model).__name__} has no trainable parameter. Unfreeze some with parameter.requires_grad_(True)."
            )
        if self.optimizer is None:
            object.__setattr__(self, "optimizer", AdamW(p for p in self.model.parameters() if p.requires_grad))
        _check_optimizer(self.model, self.made_optimizer)
        Schedule(self.scheduler, self.made_optimizer, self.scheduler_steps)

    @property
    def watched(self) -> tuple[str, Literal["min", "max"]]:
        """The number by which epochs are compared, given or the task's."""
        return self.watch or self.task.watch

    @property
    def made_optimizer(self) -> Optimizer:
        """The optimizer, given or made."""
        if self.optimizer is None:
            raise TrainingError("The optimizer is made when the experiment is.")
        return self.optimizer


def _check_numbers(experiment: Experiment) -> None:
    budget = {name: getattr(experiment, name) for name in ("epochs", "steps", "minutes")}
    given = {name: value for name, value in budget.items() if value is not None}
    if len(given) != 1:
        what = " and ".join(given) or "none"
        raise TrainingError(f"An experiment has one budget: epochs, steps or minutes; given: {what}.")
    for name in ("batch_size", "accumulate", *given):
        value = getattr(experiment, name)
        if value <= 0:
            raise TrainingError(f"{name} is {value}; it must be more than 0.")
    for name in ("clip_norm", "clip_value"):
        value = getattr(experiment, name)
        if value is not None and value <= 0:
            raise TrainingError(f"{name} is {value}; it must be more than 0, or None for no clipping.")
    for name, known in VARIED.items():
        value = getattr(experiment, name)
        if value not in known:
            what = name.replace("_", " ")
            raise TrainingError(f"Unknown {what} {value!r}; known: {', '.join(known)}.{suggest(value, known)}")


def _check_optimizer(model: nn.Module, optimizer: Optimizer) -> None:
    own = {id(p) for p in model.parameters()}
    held = [p for group in optimizer.param_groups for p in group["params"]]
    foreign = [p for p in held if id(p) not in own]
    if foreign:
        raise ModelError(
            f"The optimizer holds {len(foreign)} of {len(held)} parameters that are not this model's (shapes"
            f" {', '.join(str(tuple(p.shape)) for p in foreign[:3])}), so the model would not learn. Make the optimizer from"
            " model.parameters(), after the last change to the model."
        )
    closure = inspect.signature(optimizer.step).parameters.get("closure")
    if closure is not None and closure.default is inspect.Parameter.empty:
        raise TrainingError(
            f"{type(optimizer).__name__} computes the loss several times a step, which a step of a batch does not. Use one"
            " of torch's other optimizers."
        )
    if not any(p.requires_grad for p in held):
        raise ModelError("The optimizer holds frozen parameters only, so nothing would learn. Give it trainable ones.")
