"""When each of torch's learning-rate schedulers steps: one table."""

from collections.abc import Callable
from typing import Literal, get_args

from torch.optim import Optimizer
from torch.optim import lr_scheduler as torch_schedulers
from torch.optim.lr_scheduler import LRScheduler

from stepwell.core.errors import TrainingError, suggest

When = Literal["batch", "fraction", "epoch", "metric"]

WHEN: dict[type[LRScheduler], When] = {
    torch_schedulers.CyclicLR: "batch",
    torch_schedulers.OneCycleLR: "batch",
    torch_schedulers.CosineAnnealingWarmRestarts: "fraction",  # of an epoch: it is told where training stands
    torch_schedulers.ReduceLROnPlateau: "metric",
    torch_schedulers.StepLR: "epoch",
    torch_schedulers.MultiStepLR: "epoch",
    torch_schedulers.ConstantLR: "epoch",
    torch_schedulers.LinearLR: "epoch",
    torch_schedulers.ExponentialLR: "epoch",
    torch_schedulers.PolynomialLR: "epoch",
    torch_schedulers.CosineAnnealingLR: "epoch",
    torch_schedulers.LambdaLR: "epoch",
    torch_schedulers.MultiplicativeLR: "epoch",
    torch_schedulers.SequentialLR: "epoch",
    torch_schedulers.ChainedScheduler: "epoch",
}
"""`batch`: after every step. `fraction`: after every step, with the epoch and its part. `epoch`: after every epoch.
`metric`: after every epoch, with the watched number, or the loss where the scheduler wants less of a number and more of
the watched one is better. `Experiment(scheduler_steps="batch")` overrules it."""


_FEWEST = 4  # steps of a cycle


class Schedule:
    """A scheduler that is stepped when it is due. Without a scheduler, nothing is ever due.

    Raises `TrainingError` for a scheduler bound to another optimizer, or one of a class that the table lacks.
    """

    def __init__(self, scheduler: LRScheduler | None, optimizer: Optimizer, when: When | None = None) -> None:
        self.scheduler = scheduler
        if when is not None and when not in get_args(When):
            known = get_args(When)
            raise TrainingError(f"Unknown scheduler_steps {when!r}; known: {', '.join(known)}.{suggest(when, known)}")
        self.when = None if scheduler is None else when or _look_up(scheduler)
        if scheduler is not None and scheduler.optimizer is not optimizer:
            raise TrainingError(
                f"The {type(scheduler).__name__} is bound to another optimizer than the experiment's, whose learning rate it"
                " would never change. Make it anew from the experiment's optimizer."
            )

    def check_length(self, steps: int | None) -> None:
        """Raise `TrainingError` for a budget of more steps than the scheduler was made for, which it would stop in."""
        scheduler = self.scheduler
        if not isinstance(scheduler, torch_schedulers.OneCycleLR) or self.when != "batch" or steps is None:
            return
        if steps > scheduler.total_steps:
            raise TrainingError(
                f"The {type(scheduler).__name__} was made for {scheduler.total_steps:,} steps, the budget has {steps:,}."
                f" Make it with total_steps={steps}."
            )

    @property
    def per_batch(self) -> bool:
        """Whether `batch_done` does anything, so that the loop need not call it."""
        return self.when in ("batch", "fraction")

    def batch_done(self, epochs: int, part: float) -> None:
        """A step was made; `epochs` are done, and `part` of the next."""
        if self.scheduler is None:
            return
        if self.when == "batch":
            self.scheduler.step()
        elif self.when == "fraction":
            self.scheduler.step(epochs + part)  # type: ignore[arg-type]

    def epoch_done(self, number: Callable[[str], float]) -> None:
        """An epoch was made. `number("min")` is a number of its validation of which less is better, `number("max")` more."""
        if self.scheduler is None:
            return
        if self.when == "epoch":
            self.scheduler.step()
        elif self.when == "metric":
            self.scheduler.step(number(getattr(self.scheduler, "mode", "min")))  # type: ignore[arg-type]


def one_cycle(optimizer: Optimizer, rate: float, steps: int, warm_up: float = 0.1) -> LRScheduler | None:
    """Torch's `OneCycleLR` over `steps` steps, up to `rate` in their first part `warm_up` and down again.

    Smith and Topin, *Super-convergence*, 2019. None for fewer than four steps, in which there is nothing to rise and fall.
    """
    if steps < _FEWEST:
        return None
    # torch divides by the length of the rise less one step, which must not be nothing.
    rise = max(warm_up, 2 / steps)
    return torch_schedulers.OneCycleLR(optimizer, rate, total_steps=steps, pct_start=rise)


def _look_up(scheduler: LRScheduler) -> When:
    for kind in type(scheduler).__mro__:
        if kind in WHEN:
            return WHEN[kind]
    raise TrainingError(
        f"Stepwell does not know when a {type(scheduler).__name__} steps. Say it with scheduler_steps='batch' or 'epoch'."
    )
