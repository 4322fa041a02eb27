"""A step of two players: generators that fool discriminators, and discriminators that learn to tell."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_, clip_grad_value_
from torch.optim import Optimizer

from stepwell.core.devices import autocast, seed_torch
from stepwell.core.errors import TrainingError
from stepwell.core.keys import Key
from stepwell.data.batch import Batch
from stepwell.training.experiment import Experiment
from stepwell.training.step import StepResult
from stepwell.training.world import World

_APART = 0x9E3779B97F4A7C15  # 2**64 over the golden ratio


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
    plain step's in nothing else: torch's generators are seeded from the seed and the step's number.
    """

    def __init__(
        self,
        model: Players,
        task: Stakes,
        optimizer: Optimizer,
        *,
        seed: int = 0,
        precision: str = "fp32",
        clip_norm: float | None = None,
        clip_value: float | None = None,
        world: World,
    ) -> None:
        self.model, self.task, self.optimizer, self.world = model, task, optimizer, world
        self.generators, self.discriminators = list(model.generators), list(model.discriminators)
        _check_sides(self.generators, self.discriminators, optimizer)
        self.device = self.generators[0].device
        self.context = autocast(precision, self.device)
        self.seed = Key(seed)("model", world.rank).number
        self.clip_norm, self.clip_value = clip_norm, clip_value

    def __call__(self, batch: Batch, number: int) -> StepResult:
        """One update of either side."""
        seed_torch((self.seed + number * _APART) % 2**64, self.device)
        self.optimizer.zero_grad(set_to_none=True)
        _learn(self.discriminators, False)  # they only look, so nothing is kept for gradients of theirs
        try:
            with self.context:
                made = self.model.make(*batch.inputs)
                fooled = self.model.fooled(made)
                loss = self.task.generators_losses(fooled).mean()
            self._update(loss, self.generators, batch)
        finally:
            _learn(self.discriminators, True)
        with self.context:
            judged = self.model.judged(made)
            self._update(self.task.discriminators_losses(judged).mean(), self.discriminators, batch)
        outputs = torch.cat([fooled.detach(), judged.detach()], dim=1)
        return StepResult(loss.detach(), len(batch.index), outputs)

    def _update(self, loss: Tensor, side: list[nn.Parameter], batch: Batch) -> None:
        """Move one side; the other has no gradients, then or after."""
        if len(batch.index):
            loss.backward()  # type: ignore[no-untyped-call]
        if self.world.size > 1:
            self.world.average_gradients(side, torch.tensor(float(len(batch.index)), device=self.device))
        if self.clip_value is not None:
            clip_grad_value_(side, self.clip_value)
        if self.clip_norm is not None:
            clip_grad_norm_(side, self.clip_norm)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)


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
    return AdversarialStep(
        model,
        task,
        experiment.made_optimizer,
        seed=experiment.seed,
        precision=experiment.precision,
        clip_norm=experiment.clip_norm,
        clip_value=experiment.clip_value,
        world=world,
    )


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


def _learn(parameters: list[nn.Parameter], learns: bool) -> None:
    for parameter in parameters:
        parameter.requires_grad_(learns)
