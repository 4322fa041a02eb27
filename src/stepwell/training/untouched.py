"""Trying something with a model and its optimizer, and leaving no trace of it."""

import random
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.data import DataLoader

from stepwell.core.devices import device_of, generators_restored
from stepwell.core.modules import mode_restored


@contextmanager
def untouched(model: nn.Module, optimizer: Optimizer, *sides: object) -> Iterator[None]:
    """Give a model, its optimizer and all generators back as they were, bit by bit, whatever is done inside, and fails.

    That is the model's parameters, buffers, modes and gradients, of which None stays None; the optimizer's state and
    hyperparameters; the generators of torch, NumPy and Python, and those of any `DataLoader` among `sides`. What a model
    keeps in attributes of its own is not known here. It costs a copy of the weights and of the optimizer's state.
    """
    with ExitStack() as kept:
        for keeping in (
            generators_restored(device_of(model)),
            _host_generators_restored(),
            _loaders_restored(sides),
            mode_restored(model),
            _tensors_restored(model),
            _gradients_restored(model),
            _optimizer_restored(optimizer),
        ):
            kept.enter_context(keeping)
        yield


@contextmanager
def _tensors_restored(model: nn.Module) -> Iterator[None]:
    """Parameters and buffers, and where they lay in memory; also a buffer that was replaced by another tensor."""
    buffers = [(module, dict(module._buffers)) for module in model.modules()]
    kept = [(each, each.data, each.detach().clone()) for each in (*model.parameters(), *model.buffers())]
    try:
        yield
    finally:
        for module, own in buffers:
            module._buffers.clear()
            module._buffers.update(own)
        for tensor, memory, values in kept:
            memory.copy_(values)
            if tensor.data_ptr() != memory.data_ptr() or tensor.stride() != memory.stride():
                tensor.data = memory


@contextmanager
def _gradients_restored(model: nn.Module) -> Iterator[None]:
    kept = [(parameter, parameter.grad) for parameter in model.parameters()]
    for parameter, _ in kept:
        parameter.grad = None  # so that nothing is added to the gradients that are kept
    try:
        yield
    finally:
        for parameter, gradient in kept:
            parameter.grad = gradient


@contextmanager
def _optimizer_restored(optimizer: Optimizer) -> Iterator[None]:
    """The optimizer works on copies of its state and settings, and then gets its own back."""
    attributes, groups = dict(vars(optimizer)), [dict(group) for group in optimizer.param_groups]
    state: defaultdict[Tensor, Any] = defaultdict(dict)
    state.update({parameter: deepcopy(own) for parameter, own in optimizer.state.items()})
    optimizer.state = state
    for group in optimizer.param_groups:
        group.update({name: deepcopy(value) for name, value in group.items() if name != "params"})
    try:
        yield
    finally:
        for group, own in zip(optimizer.param_groups, groups, strict=True):
            group.clear()
            group.update(own)
        vars(optimizer).clear()
        vars(optimizer).update(attributes)


@contextmanager
def _host_generators_restored() -> Iterator[None]:
    kept, kept_numpy = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(kept)
        np.random.set_state(kept_numpy)


@contextmanager
def _loaders_restored(sides: tuple[object, ...]) -> Iterator[None]:
    """The generators of torch's loaders and of their samplers, which they draw an epoch's order from."""
    loaders = [side for side in sides if isinstance(side, DataLoader)]
    owners = [owner for loader in loaders for owner in (loader, loader.sampler, loader.batch_sampler)]
    found = [getattr(owner, "generator", None) for owner in owners]
    kept = [(each, each.get_state()) for each in found if isinstance(each, torch.Generator)]
    try:
        yield
    finally:
        for generator, state in kept:
            generator.set_state(state)
