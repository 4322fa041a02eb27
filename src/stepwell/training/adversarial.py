"""A step of two players: generators that fool discriminators, and discriminators that learn to tell."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from stepwell.core.devices import seed_torch
from stepwell.core.errors import TrainingError
from stepwell.data.batch import Batch
from stepwell.training.experiment import Experiment
from stepwell.training.step import APART, EagerStep, StepResult
from stepwell.training.world import World


@runtime_checkable
class Players(Protocol):
    """A model that an adversarial step can train: what its two sides own, make and lose, such as `models.CycleGAN`."""

    generators: Any
    """The parameters of the side that makes."""

    discriminators: Any
    """The parameters of the side that judges."""

    def make(self, *inputs: Tensor) -> Any:
        """What the generators make of a batch's inputs."""

    def fooled(self, made: Any) -> Tensor:
        """The generators' numbers, a row each."""

    def judged(self, made: Any) -> Tensor:
        """The discriminators' numbers, a row each; no gradient of them reaches the generators."""


@runtime_checkable
class Stakes(Protocol):
    """A task that says what either side's numbers come to, such as `tasks.Translation`."""

    def generators_losses(self, fooled: Tensor) -> Tensor:
        """`(batch,)`."""

    def discriminators_losses(self, judged: Tensor) -> Tensor:
        """`(batch,)`."""


class AdversarialStep:
    """Two updates from one batch: first of the generators, then of the discriminators by what was made before it.

    Both sides belong to one optimizer, each with a group of its own, so checkpoints and exact resume are those of any
    training: the side that does not move has no gradients while the other does, and the optimizer passes it by. Clipping
    is by side. The result's loss is the generators', its outputs are those of the model. Its rows are told apart from a
    plain step's in nothing else: torch's generators are seeded from the seed and the step's number. `plain` is such a step
    of the same model, whose settings, clipping and update these are.
    """

    def __init__(self, model: Players, task: Stakes, plain: EagerStep) -> None:
        self.model, self.task, self.plain = model, task, plain
        self.generators, self.discriminators = list(model.generators), list(model.discriminators)
        _check_sides(self.generators, self.discriminators, plain.optimizer)
        self.device, self.context = plain.look.device, plain.look.context

    def __call__(self, batch: Batch, number: int) -> StepResult:
        """One update of either side. An empty batch, a process's share of a short one, has a loss of 0 that weighs nothing."""
        seed_torch((self.plain.seed + number * APART) % 2**64, self.device)
        self.plain.optimizer.zero_grad(set_to_none=True)
        with _frozen(self.discriminators):  # they only look, so nothing is kept for gradients of theirs
            with self.context:
                made = self.model.make(*batch.inputs)
                fooled = self.model.fooled(made)
                loss = self.task.generators_losses(fooled).mean()
            self._update(loss, self.generators, batch)
        with self.context:
            judged = self.model.judged(made)
            self._update(self.task.discriminators_losses(judged).mean(), self.discriminators, batch)
        outputs = torch.cat([fooled.detach(), judged.detach()], dim=1)
        loss = loss.detach() if batch.index.numel() else torch.zeros_like(loss)
        return StepResult(loss, len(batch.index), outputs)

    def _update(self, loss: Tensor, side: list[nn.Parameter], batch: Batch) -> None:
        """Move one side; the other has no gradients, then or after."""
        if len(batch.index):
            loss.backward()  # type: ignore[no-untyped-call]
        if self.plain.world.size > 1:
            self.plain.world.average_gradients(side, torch.tensor(float(len(batch.index)), device=self.device))
        self.plain.apply_gradients()
        self.plain.optimizer.zero_grad(set_to_none=True)


def adversarial_step(experiment: Experiment, world: World) -> AdversarialStep:
    """The step of an experiment whose model plays a game: give it as `Experiment(step=adversarial_step)`.

    Raises `TrainingError` for a model or a task that has no two sides, and for settings that it does not have.
    """
    model, task = experiment.model, experiment.task
    if not isinstance(model, Players) or not isinstance(task, Stakes):
        raise TrainingError(
            f"An adversarial step trains generators against discriminators, which {type(model).__name__} with"
            f" {type(task).__name__} does not name. models.CycleGAN with tasks.Translation does."
        )
    if experiment.accumulate != 1:
        raise TrainingError(
            f"An adversarial step takes its batch at once; accumulate is {experiment.accumulate}, give 1."
        )
    plain = EagerStep(
        experiment.model,
        experiment.task,
        experiment.made_optimizer,
        seed=experiment.seed,
        precision=experiment.precision,
        clip_norm=experiment.clip_norm,
        clip_value=experiment.clip_value,
        world=world,
    )
    return AdversarialStep(model, task, plain)


def _check_sides(generators: list[nn.Parameter], discriminators: list[nn.Parameter], optimizer: Optimizer) -> None:
    """Raise `TrainingError` unless the optimizer holds both sides, in different groups."""
    groups = [{id(p) for p in group["params"]} for group in optimizer.param_groups]
    sides = [{id(p) for p in side} for side in (generators, discriminators)]
    held = set().union(*groups)
    if any(not side <= held for side in sides) or any(all(group & side for side in sides) for group in groups):
        raise TrainingError(
            "The optimizer of an adversarial step has a group for each side:"
            " Adam([{'params': model.generators}, {'params': model.discriminators}], lr=2e-4)."
        )


@contextmanager
def _frozen(parameters: list[nn.Parameter]) -> Iterator[None]:
    """Freeze parameters while the context is open; those that were frozen before stay so."""
    learning = [parameter for parameter in parameters if parameter.requires_grad]
    for parameter in learning:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in learning:
            parameter.requires_grad_(True)
