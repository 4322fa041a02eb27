"""Small experiments that tests of training share."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

import stepwell as sw
from stepwell.core.trees import tensors
from stepwell.runs import Run, Snapshot
from stepwell.training.step import StepResult

ROWS, BATCH = 26, 4  # 7 batches an epoch, the last one short


def table(rows: int = ROWS, seed: int = 5) -> tuple[Tensor, Tensor]:
    """Inputs `(rows, 3)` and three classes that depend on them."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, 3, generator=generator)
    return x, (x[:, 0] > 0).long() + (x[:, 1] > 0.5).long()


def network(dropout: float = 0.0, seed: int = 7) -> nn.Sequential:
    """Three numbers to three logits."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Dropout(dropout), nn.Linear(8, 3))


def experiment(model: nn.Module | None = None, **settings: Any) -> sw.Experiment:
    """A classification of three classes; everything can be replaced. Noise and dropout are on."""
    model = network(dropout=0.3) if model is None else model
    if "data" not in settings:
        x, y = table()
        noisy = sw.data.Transformed(sw.ArraySource(x, y), sw.data.Noise(0.1))
        settings["data"] = sw.Splits(train=noisy, val=sw.ArraySource(*table(11, seed=6)))
    if not {"epochs", "steps", "minutes"} & set(settings):
        settings["epochs"] = 2
    if "optimizer" not in settings:
        settings["optimizer"] = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    return sw.Experiment(
        **{"model": model, "task": sw.Multiclass(classes=3), "batch_size": BATCH, "seed": 11, **settings}
    )


def folder(path: Path) -> Run:
    """A run in a folder of its own."""
    path.mkdir(parents=True, exist_ok=True)
    run = Run(path, {"name": path.name})
    run.update(status="running")
    return run


def weights(model: nn.Module) -> list[list[float]]:
    """All numbers of a model."""
    return [tensor.flatten().tolist() for tensor in model.state_dict().values()]


def bits(snapshot: Snapshot) -> dict[str, list[Any]]:
    """All tensors of a snapshot, for comparisons to the bit."""
    return {
        name: [(t.dtype, t.shape, t.reshape(-1).contiguous().view(torch.uint8).tolist()) for t in tensors(tree)]
        for name, tree in snapshot.parts.items()
    }


class Recorder(sw.Hook):
    """Writes down every event, with the step, the rows and the rates at the time."""

    def __init__(self) -> None:
        self._events: list[tuple[str, int]] = []
        self._rows: list[list[int]] = []
        self._rates: list[list[float]] = []
        self._losses: list[float] = []
        self._modes: list[bool] = []
        self._error: BaseException | None = None

    def fit_start(self, training: sw.Training) -> None:
        self._events.append(("fit_start", training.step))

    def epoch_start(self, training: sw.Training) -> None:
        self._events.append(("epoch_start", training.step))

    def step_end(self, training: sw.Training, result: StepResult) -> None:
        self._events.append(("step_end", training.step))
        self._rows.append(training.batch.index.tolist())
        self._rates.append(training.rates)
        self._losses.append(float(result.loss))
        self._modes.append(training.model.training)

    def epoch_end(self, training: sw.Training) -> None:
        self._events.append(("epoch_end", training.step))

    def fit_end(self, training: sw.Training, error: BaseException | None) -> None:
        self._events.append(("fit_end", training.step))
        self._error = error


class InterruptAt(sw.Hook):
    """Interrupts a training after a step, as Ctrl-C would."""

    def __init__(self, step: int) -> None:
        self._step = step

    def step_end(self, training: sw.Training, result: StepResult) -> None:
        if training.step == self._step:
            training.interrupt()


def parameter_groups(optimizer: Optimizer) -> list[float]:
    """The learning rates."""
    return [float(group["lr"]) for group in optimizer.param_groups]
