"""How the loss of a batch changes with each parameter: by autograd, and by trying."""

import torch
from torch import Tensor, nn

from stepwell.core.devices import device_of, generators_restored
from stepwell.core.modules import call_model
from stepwell.data.batch import Batch
from stepwell.tasks.base import Task


def gradients(model: nn.Module, task: Task, batch: Batch) -> dict[str, Tensor]:
    """The gradient of a batch's loss by each trainable parameter, under the parameter's name and in its shape.

    Parameters' own `.grad` is neither read nor written, so that nothing adds up, and torch's generators are given back as
    they were. The model is in the mode that it is in. A parameter that the loss does not depend on has the gradient 0.
    """
    named = _trainable(model)
    with generators_restored(device_of(model)), torch.enable_grad():
        loss = task.loss(call_model(model, batch.inputs), batch.targets)
    found = torch.autograd.grad(loss, list(named.values()), allow_unused=True, materialize_grads=True)
    return dict(zip(named, found, strict=True))


def numerical_gradients(model: nn.Module, task: Task, batch: Batch, *, step: float = 1e-3) -> dict[str, Tensor]:
    """What `gradients` gives, by moving each number of each parameter up and down by `step` (central differences).

    A check for models and losses of one's own. It costs two forward passes a number, and is exact to the order of
    `step`², less what rounding takes: in float64 a step of 1e-6 is good, in float32 one of 1e-2. Dropout draws the same in
    each pass. The parameters are given back bit by bit.
    """
    found = {}
    with torch.no_grad():
        for name, parameter in _trainable(model).items():
            kept, slope = parameter.detach().clone(), torch.zeros_like(parameter)
            try:
                for place in range(parameter.numel()):
                    at = torch.zeros_like(kept)
                    at.view(-1)[place] = step
                    above, below = (_loss_at(model, task, batch, parameter, kept + way * at) for way in (1, -1))
                    slope.view(-1)[place] = (above - below) / (2 * step)
            finally:
                parameter.copy_(kept)
            found[name] = slope
    return found


def _loss_at(model: nn.Module, task: Task, batch: Batch, parameter: Tensor, values: Tensor) -> float:
    parameter.copy_(values)
    with generators_restored(device_of(model)):
        return float(task.loss(call_model(model, batch.inputs), batch.targets))


def _trainable(model: nn.Module) -> dict[str, nn.Parameter]:
    return {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
