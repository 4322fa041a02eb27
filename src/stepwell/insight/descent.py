"""The way that a training takes over a surface."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.optim import SGD, Optimizer

from stepwell.core.trees import rows
from stepwell.data.arrays import ArraySource
from stepwell.data.orders import Sequential, Shuffled
from stepwell.data.splits import Splits
from stepwell.insight.plane import Plane
from stepwell.training.experiment import Experiment
from stepwell.training.fit import fit
from stepwell.training.hooks.base import Hook
from stepwell.training.step import StepResult
from stepwell.training.training import Training

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Path:
    """Where a model was on a plane: `points` `(updates + 1, 2)` before the first and after each update, float64, of which
    `updates` made an epoch.
    """

    points: Array
    updates: int

    @property
    def by_epoch(self) -> Array:
        """The start and the end of each epoch, `(epochs + 1, 2)`."""
        return self.points[:: self.updates]


class Trace(Hook):
    """A hook that keeps where the model is on a plane before the first and after each step of a fit.

    `Trace(plane)` goes among the hooks of `fit`; afterwards `trace.path` is the way. Numbers stay on the device till then.
    """

    def __init__(self, plane: Plane) -> None:
        self._plane = plane
        self._seen: list[Tensor] = []
        self._updates = 1

    def fit_start(self, training: Training) -> None:
        """Keep the start; a new fit begins a new way."""
        self._seen = [self._plane.locate(training.model)]

    def step_end(self, training: Training, result: StepResult) -> None:
        """Keep the point that the update led to."""
        self._seen.append(self._plane.locate(training.model))
        if training.epochs == 0:
            self._updates = len(self._seen) - 1

    @property
    def path(self) -> Path:
        """The way so far."""
        return Path(torch.stack(self._seen).double().cpu().numpy(), max(self._updates, 1))


def descent_path(
    plane: Plane,
    *,
    rate: float = 0.1,
    batch_size: int | None = None,
    epochs: int = 100,
    optimizer: Callable[..., Optimizer] = SGD,
    seed: int = 0,
) -> Path:
    """The way that a copy of the plane's model takes from the plane's start in a training on the plane's rows.

    `batch_size` rows make an update: all of them (full-batch), a few (mini-batch), or 1 (stochastic), in a new order each
    epoch. `optimizer` is called as torch's classes are, with the parameters and `lr=rate`. The model itself is not changed.
    Source: Godoy, chapter 0 (figure 0.19).
    """
    model = plane.model_at_start()
    count = rows(plane.inputs)
    size = min(batch_size or count, count)
    trace = Trace(plane)
    fit(
        Experiment(
            data=Splits(train=ArraySource(plane.inputs, plane.targets)),
            model=model,
            task=plane.task,
            optimizer=optimizer([p for p in model.parameters() if p.requires_grad], lr=rate),
            batch_size=size,
            epochs=epochs,
            order=Shuffled() if size < count else Sequential(),
            metrics=(),
            train_metrics=(),
            seed=seed,
        ),
        hooks=[trace],
    )
    return trace.path
