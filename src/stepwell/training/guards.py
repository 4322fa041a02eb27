"""What is checked before a training starts: that data, model and task fit each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from stepwell.core.devices import device_of
from stepwell.core.errors import DataError, ModelError
from stepwell.core.modules import call_model
from stepwell.core.trees import map_tensors, tensors
from stepwell.data.batch import Batch, Source
from stepwell.data.checks import blocks, check_finite
from stepwell.data.splits import Splits
from stepwell.tasks.base import Task

if TYPE_CHECKING:
    from stepwell.training.training import Training

_LOOK = 8  # rows of a first batch that are looked at


def check_data(data: Splits, task: Task) -> None:
    """Check all rows that lie in memory: no NaN, and targets that the task can take.

    Raises `DataError` with columns and rows, `TaskError` for targets.
    """
    for side in (data.train, data.val):
        if isinstance(side, Source) and side.row_bytes is not None:
            check_finite(side)
            for batch in blocks(side):
                check_targets(task, batch)


def check_targets(task: Task, batch: Batch) -> None:
    """Raise `DataError` where a batch has no targets, `TaskError` for those that the task cannot take."""
    if batch.targets is None:
        raise DataError(
            "The data has inputs but no targets, so there is nothing to learn. Give both: ArraySource(x, y)."
        )
    task.check_targets(batch.targets)


def check_batch(model: nn.Module, task: Task, batch: Batch) -> None:
    """Show the model some rows of the first batch, in eval mode, and check what comes out against the task.

    Raises `ModelError` for data on another device than the model, `TaskError` for outputs that do not fit the loss.
    """
    if not batch.index.numel():
        return  # the share of a process in a batch that is shorter than the processes are many
    device = device_of(model)
    for tensor in tensors((batch.inputs, batch.targets)):
        if tensor.device != device:
            raise ModelError(
                f"The model is on {device}, the data on {tensor.device}. Move the model, model.to({tensor.device.type!r}),"
                " before its optimizer is made, or the data."
            )
    few = Batch(*map_tensors(lambda tensor: tensor[:_LOOK], tuple(batch)))
    check_targets(task, few)
    mode = model.training
    try:
        with torch.enable_grad():
            task.check_outputs(call_model(model.eval(), few.inputs), few.targets)
    finally:
        model.train(mode)


def advice(training: Training) -> str:
    """What most likely made a loss NaN or infinite, what to try, and where the last good weights lie."""
    rates = ", ".join(f"{rate:g}" for rate in training.rates)
    lines = [
        "Likely causes, most likely first:",
        f"  the learning rate ({rates}) is too high: try a tenth of it, or clip_norm=1.0 ({_clipping(training)} now);",
        "  inputs of very different sizes: scale them to mean 0 and standard deviation 1;",
        "  a logarithm, root or division in the model that reaches 0.",
    ]
    saved = training.run.checkpoints() if training.run else []
    if saved:
        lines.append(f"The last good checkpoint is that of step {saved[-1].name}: {saved[-1]}.")
    return "\n".join(lines)


def _clipping(training: Training) -> str:
    norm = training.experiment.clip_norm
    return "no clipping" if norm is None else f"{norm:g}"
