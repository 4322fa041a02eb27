"""A training with everything that could break an exact resume: dropout, row noise, momentum, a schedule, shuffled rows."""

import multiprocessing
import os
import signal
from pathlib import Path

import torch
from torch import nn

import stepwell as sw
from stepwell.data import Noise, Transformed
from stepwell.runs import Run
from stepwell.training.step import StepResult

ROWS, BATCH, EPOCHS = 203, 16, 4  # 13 batches an epoch, the last one short


def build(*, workers: int = 0, dropout: float = 0.3, noise: float = 0.2) -> sw.Experiment:
    generator = torch.Generator().manual_seed(5)
    x = torch.randn(ROWS, 6, generator=generator)
    y = (x[:, 0] * x[:, 1] > 0).long() + (x[:, 2] > 1).long()
    source = Transformed(sw.ArraySource(x, y), Noise(noise)) if noise else sw.ArraySource(x, y)
    torch.manual_seed(7)
    model = nn.Sequential(nn.Linear(6, 24), nn.ReLU(), nn.Dropout(dropout), nn.Linear(24, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    return sw.Experiment(
        data=sw.Splits(train=source, val=sw.ArraySource(x[:50], y[:50])),
        model=model,
        task=sw.Multiclass(classes=3),
        optimizer=optimizer,
        scheduler=torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.2, total_steps=200),
        batch_size=BATCH,
        epochs=EPOCHS,
        seed=11,
        workers=workers,
    )


class KillAt(sw.Hook):
    """Ends this process after a step, as a power cut would."""

    def __init__(self, step: int) -> None:
        self._step = step

    def step_end(self, training: sw.Training, result: StepResult) -> None:
        if training.step == self._step:
            os.kill(os.getpid(), signal.SIGKILL)


def sit(folder: Path, workers: int, kill_at: int) -> None:
    """One sitting of a training in a folder: go on from its newest checkpoint until killed, or to the end."""
    torch.set_num_threads(1)
    # The test's server started this process; workers must be its own children, as usual, to notice that it was killed.
    multiprocessing.set_start_method("fork", force=True)
    run = sw.open_run(folder) if (folder / "run.json").exists() else _new(folder)
    resume = run.read_checkpoint() if run.checkpoints() else None
    if resume is None:
        run.rewind(0)
    hooks = [sw.History(run), sw.Checkpoints(run, every_steps=3), KillAt(kill_at)]
    sw.fit(build(workers=workers), run, hooks, resume=resume)


def _new(folder: Path) -> Run:
    folder.mkdir(parents=True)
    run = Run(folder, {"name": folder.name})
    run.update(status="running")
    return run
