"""Hooks: things that happen beside the training, at five moments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from stepwell.core.errors import TrainingError, suggest

if TYPE_CHECKING:
    from stepwell.training.step import StepResult
    from stepwell.training.training import Training

EVENTS = ("fit_start", "epoch_start", "step_end", "epoch_end", "fit_end")


class Hook:
    """Something that wants to know how a training goes. Override any of the five methods; other public ones are refused,
    so that a misspelt one cannot stay silent. `fit_end` is always called, with the error that ended the training, if one
    did. `between_layers` says that it looks at what layers give, which a compiled step does not show: then `compiled="auto"` does
    not compile.
    """

    between_layers = False

    def __init_subclass__(cls) -> None:
        for name in vars(cls):
            if not name.startswith("_") and callable(getattr(cls, name)) and name not in EVENTS:
                raise TrainingError(
                    f"{cls.__name__}.{name} is no event, so it would never be called; events are {', '.join(EVENTS)}."
                    f"{suggest(name, EVENTS)} Begin the names of a hook's own methods with an underscore."
                )

    def fit_start(self, training: Training) -> None:
        """Before the first step, also of a resumed training."""

    def epoch_start(self, training: Training) -> None:
        """Before the first step of an epoch, or of what is left of one."""

    def step_end(self, training: Training, result: StepResult) -> None:
        """After a step. `result` lies on the device: reading its numbers here makes every step wait."""

    def epoch_end(self, training: Training) -> None:
        """After an epoch's validation; `training.history[-1]` is its line."""

    def fit_end(self, training: Training, error: BaseException | None) -> None:
        """After the last step, or after `error`."""


def listeners(hooks: Sequence[Hook], event: str) -> list[Callable[..., None]]:
    """The methods of those hooks that do anything at an event."""
    return [getattr(hook, event) for hook in hooks if getattr(type(hook), event) is not getattr(Hook, event)]


def end_all(hooks: Sequence[Hook], training: Training, error: BaseException | None) -> None:
    """Call every hook's `fit_end`, also after one of them failed; then raise the first failure."""
    failures: list[Exception] = []
    for hook in hooks:
        try:
            hook.fit_end(training, error)
        except Exception as failure:  # noqa: BLE001 - the other hooks must still be told; it is raised below
            failures.append(failure)
    if failures and error is None:
        raise failures[0]
