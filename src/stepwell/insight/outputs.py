"""A model's outputs for many rows, as it is, and as it was afterwards."""

from collections.abc import Callable

import torch
from torch import nn

from stepwell.core.devices import autocast, device_of
from stepwell.core.modules import call_model, mode_restored
from stepwell.core.trees import Tree, between, map_tensors, rows, to_device
from stepwell.training.step import concatenate

Predict = Callable[[Tree], Tree]
"""From inputs, rows first, to what a model says of each row."""


def outputs_of(model: nn.Module, inputs: Tree, *, batch_size: int = 16384, precision: str = "fp32") -> Tree:
    """The outputs (logits, values) of a model in eval mode for all rows of `inputs`, on the CPU, without gradients.

    `stepwell.predict` gives what the task makes of them. The model's mode is given back as it was.
    """
    device, parts = device_of(model), []
    with mode_restored(model), torch.no_grad(), autocast(precision, device):
        model.eval()
        for start in range(0, max(rows(inputs), 1), batch_size):
            part = to_device(between(inputs, start, start + batch_size), device)
            parts.append(map_tensors(lambda tensor: tensor.cpu(), call_model(model, part)))
    return parts[0] if len(parts) == 1 else concatenate(parts)
