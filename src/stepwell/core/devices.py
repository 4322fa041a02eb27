"""Devices, precision, and torch's own generators, which are seeded per step and given back as they were."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import nn

from stepwell.core.errors import ModelError, StepwellError, suggest

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}
MEMORY_FORMATS = ("contiguous", "channels-last")


def best_device() -> torch.device:
    """The accelerator of this machine (CUDA, MPS, XPU) where there is one, else the CPU."""
    return torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")


def device_of(model: nn.Module) -> torch.device:
    """The one device that holds the model's parameters and buffers; the CPU for a model without any.

    Raises `ModelError` where they lie on several devices, or have no data (`meta`).
    """
    places = {tensor.device for tensor in (*model.parameters(), *model.buffers())}
    if len(places) > 1:
        names = sorted(map(str, places))
        raise ModelError(
            f"The model lies on several devices ({', '.join(names)}). Move all of it to one: model.to({names[0]!r})."
        )
    device = places.pop() if places else torch.device("cpu")
    if device.type == "meta":
        raise ModelError(
            "The model has shapes but no data (device 'meta'). Fill it first: model.to_empty(device='cpu')."
        )
    return device


def autocast(precision: str, device: torch.device) -> AbstractContextManager[object]:
    """The context in which a forward pass runs: nothing for `fp32`, torch's autocast for `bf16`."""
    if precision not in PRECISIONS:
        raise StepwellError(
            f"Unknown precision {precision!r}; known: {', '.join(PRECISIONS)}.{suggest(precision, PRECISIONS)}"
        )
    return nullcontext() if precision == "fp32" else torch.autocast(device.type, PRECISIONS[precision])


def lay_out(model: nn.Module, memory_format: str) -> None:
    """Lay a model's convolution weights out in a memory format, in place; torch's convolutions then use it throughout.

    Raises `StepwellError` for an unknown one.
    """
    if memory_format not in MEMORY_FORMATS:
        hint = suggest(memory_format, MEMORY_FORMATS)
        raise StepwellError(f"Unknown memory format {memory_format!r}; known: {', '.join(MEMORY_FORMATS)}.{hint}")
    if memory_format == "channels-last":
        formats = {4: torch.channels_last, 5: torch.channels_last_3d}
        for tensor in (*model.parameters(), *model.buffers()):
            if tensor.dim() in formats:
                # Weights of one channel lie the same in both formats, and torch goes by their strides: these are new ones.
                laid = torch.empty_like(tensor, memory_format=formats[tensor.dim()])
                if laid.stride() != tensor.stride():
                    tensor.data = laid.copy_(tensor.data)


def seed_torch(number: int, device: torch.device) -> None:
    """Seed the generators that a step on `device` draws from with a number of 64 bits.

    `torch.manual_seed` does the same for every device there could be, at a hundred times the cost.
    """
    torch.default_generator.manual_seed(number)
    if device.type != "cpu":
        torch.get_device_module(device).manual_seed(number)


@contextmanager
def generators_restored(device: torch.device) -> Iterator[None]:
    """Give torch's generators back as they were, whatever is drawn or seeded inside."""
    module = None if device.type == "cpu" else torch.get_device_module(device)
    state, device_state = torch.default_generator.get_state(), module and module.get_rng_state()
    try:
        yield
    finally:
        torch.default_generator.set_state(state)
        if module is not None:
            module.set_rng_state(device_state)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Run something random of torch's, such as making a model, under a seed, and leave the generators as they were."""
    device = best_device()
    with generators_restored(device):
        torch.manual_seed(seed)
        yield
