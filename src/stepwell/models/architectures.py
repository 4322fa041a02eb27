"""Networks by name, and which of them a dictionary of weights belongs to, told from its names and shapes."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from stepwell.core.errors import ModelError, suggest
from stepwell.models import resnet, vgg
from stepwell.models.alexnet import AlexNet
from stepwell.models.heads import heads_of
from stepwell.models.inception import Inception
from stepwell.models.resnet import ResNet
from stepwell.models.smallnet import SmallNet
from stepwell.models.vgg import VGG

Maker = Callable[[int, int], nn.Module]
"""From the numbers of classes and of channels to a network."""

ARCHITECTURES: Mapping[str, Maker] = {
    "small": SmallNet,
    "alexnet": AlexNet,
    **{name: partial(VGG, depths) for name, depths in vgg.DEPTHS.items()},
    **{f"{name}_bn": partial(VGG, depths, batch_norm=True) for name, depths in vgg.DEPTHS.items()},
    **{name: partial(ResNet, block, depths) for name, (block, depths) in resnet.DEPTHS.items()},
    "inception": Inception,
}
"""Networks whose weight files are told from each other."""

_COUNTER = "num_batches_tracked"  # which old files lack

_TENSORS: Mapping[str, int] = {
    **{"small": 22, "alexnet": 16, "vgg11": 22, "vgg13": 26, "vgg16": 32, "vgg19": 38},
    **{"vgg11_bn": 54, "vgg13_bn": 66, "vgg16_bn": 84, "vgg19_bn": 102},
    **{"resnet18": 102, "resnet34": 182, "resnet50": 267, "resnet101": 522, "resnet152": 777, "inception": 484},
}
"""How many tensors each has, counters left out: networks of another number need not be made to see that they do not fit."""


class Architecture(NamedTuple):
    """A network's name in `ARCHITECTURES`, and its numbers of classes and of channels."""

    name: str
    classes: int
    channels: int

    def empty(self) -> nn.Module:
        """The network with whatever numbers lie in its memory: to load weights into, without drawing others before."""
        with torch.device("meta"):
            model = maker(self.name)(self.classes, self.channels)
        model = model.to_empty(device="cpu")
        for name, buffer in model.named_buffers():
            if name.endswith(_COUNTER):
                buffer.zero_()
        return model


def maker(name: str) -> Maker:
    """What makes the network of that name. Raises `ModelError`, with the nearest name, where there is none."""
    if name not in ARCHITECTURES:
        raise ModelError(
            f"Unknown architecture {name!r}; known: {', '.join(ARCHITECTURES)}.{suggest(name, ARCHITECTURES)}"
        )
    return ARCHITECTURES[name]


def recognised(state: Mapping[str, Tensor]) -> Architecture | None:
    """The architecture whose names and shapes the weights have, whatever their numbers of classes and channels; else None."""
    shapes = {name: tuple(tensor.shape) for name, tensor in state.items() if not name.endswith(_COUNTER)}
    likely = [name for name, tensors in _TENSORS.items() if tensors == len(shapes)]
    return next((found for name in likely if (found := _fitting(name, shapes)) is not None), None)


def told_architecture(state: Mapping[str, Tensor]) -> str:
    """A sentence on what the weights look like."""
    found = recognised(state)
    if found is not None:
        return f"It looks like {found.name} with {found.classes} classes and {found.channels} channels."
    shown = ", ".join(list(state)[:3])
    return f"It looks like no architecture that Stepwell has; its {len(state)} tensors begin with {shown}."


def _fitting(name: str, shapes: Mapping[str, tuple[int, ...]]) -> Architecture | None:
    skeleton = _skeleton(name)
    own = {key: tuple(t.shape) for key, t in skeleton.state_dict().items() if not key.endswith(_COUNTER)}
    if own.keys() != shapes.keys():
        return None
    first, heads = next(iter(own)), heads_of(skeleton)
    for key, shape in own.items():
        given = shapes[key]
        of_head = any(key.startswith(f"{head}.") for head in heads)
        alike = given[1:] == shape[1:] if of_head else given == shape
        if key == first:
            alike = len(given) == len(shape) and (given[:1], given[2:]) == (shape[:1], shape[2:])
        if not alike:
            return None
    return Architecture(name, shapes[f"{heads[0]}.weight"][0], shapes[first][1])


def _skeleton(name: str) -> nn.Module:
    """The network with shapes but without numbers, which costs neither memory nor time."""
    with torch.device("meta"):
        return ARCHITECTURES[name](2, 3)
