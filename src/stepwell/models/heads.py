"""Heads: the layers of a network that say which class it is, and the body without them."""

import copy
from collections.abc import Mapping

from torch import nn

from stepwell.core.errors import ModelError, suggest
from stepwell.models.pixels import FromPixels

HEADS: Mapping[str, tuple[str, ...]] = {
    "stepwell.models.alexnet:AlexNet": ("classifier.6",),
    "stepwell.models.vgg:VGG": ("classifier.6",),
    "stepwell.models.resnet:ResNet": ("fc",),
    "stepwell.models.inception:Inception": ("fc", "AuxLogits.fc"),
    "stepwell.models.smallnet:SmallNet": ("fc",),
    "stepwell.models.digitnet:DigitNet": ("head.4",),
    "stepwell.models.lenet:LeNet5": ("classifier.output",),
    "stepwell.models.cnn2:CNN2": ("fc2",),
    "stepwell.models.convnet:ConvNet": ("fc2",),
    "stepwell.models.cifar.net:Net": ("fc2",),
    "stepwell.models.cifar.deeper:NetDepth": ("fc2",),
    "stepwell.models.cifar.deeper:NetResDeep": ("fc2",),
}
"""The layer that gives the logits, by the network's class: its dotted name, the main head first, then side heads.

From such a table and never from sizes: the linear layer with 1000 outputs need not be the only one.
"""

_SIDES: Mapping[str, str] = {"stepwell.models.inception:Inception": "AuxLogits"}
"""What holds a side head, and is of no use without it."""


def heads_of(model: nn.Module) -> tuple[str, ...]:
    """The dotted names of the model's head layers, the main one first; side heads that it was made without are left out.

    Behind a `FromPixels` they begin with `net.`. Raises `ModelError` for a network that `HEADS` does not name.
    """
    if isinstance(model, FromPixels):
        return tuple(f"net.{path}" for path in heads_of(model.net))
    kind = _kind(model)
    if kind not in HEADS:
        known = {name.rpartition(":")[2] for name in HEADS}
        name = type(model).__name__
        raise ModelError(
            f"Which layer of {name} is its head is not known; it is known for {', '.join(sorted(known))}."
            f"{suggest(name, known)} Replace it by hand: model.LAYER = torch.nn.Linear(model.LAYER.in_features, classes)."
        )
    there = {name for name, _ in model.named_modules()}
    return tuple(path for path in HEADS[kind] if path in there)


def head_of(model: nn.Module) -> nn.Module:
    """The layer that gives the model's logits. Raises `ModelError` for a network that `HEADS` does not name."""
    return model.get_submodule(heads_of(model)[0])


def replace_head(model: nn.Module, classes: int) -> nn.Module:
    """Give the model new linear head layers of `classes` outputs, side heads too, and return it.

    Each new layer reads its inputs' number from the one that it replaces, lies on that one's device, and is torch's `Linear`
    as it is made, so a seed decides it: `with seeded(17): replace_head(model, 3)`. Godoy's table of sizes holds for some
    depths alone (a ResNet-50 has 2048 features, not 512). Raises `ModelError` for a network that `HEADS` does not name, and
    for a head that is no linear layer.
    """
    for path in heads_of(model):
        old = model.get_submodule(path)
        if not isinstance(old, nn.Linear):
            raise ModelError(
                f"The head {path!r} of {type(model).__name__} is {type(old).__name__}, no linear layer, so it has no number of"
                " features to go by. Put the linear one back, or replace it by hand."
            )
        kind = {"device": old.weight.device, "dtype": old.weight.dtype}
        set_layer(model, path, nn.Linear(old.in_features, classes, bias=old.bias is not None, **kind))
    return model


def without_head(model: nn.Module) -> nn.Module:
    """The body: a model that gives what the main head of this one is given, `(batch, features)`.

    It shares all other layers with the model, which stays as it is. Side heads are left out, so there is one output in
    training, too. Raises `ModelError` for a network that `HEADS` does not name. Source: Godoy, rows S7.2 and S7.11.
    """
    return with_head(model, nn.Identity())


def with_head(model: nn.Module, head: nn.Module) -> nn.Module:
    """The model with another main head and without side heads; it shares all other layers with the model, which stays as it is."""
    body = _sharing(model, heads_of(model)[0])
    bare = body.net if isinstance(body, FromPixels) else body
    if side := _SIDES.get(_kind(bare)):
        setattr(bare, side, None)
    set_layer(body, heads_of(model)[0], head)
    return body


def sides_left_out(model: nn.Module) -> tuple[str, ...]:
    """The layers of side heads that networks of this class can have, and this one was made without."""
    side = _SIDES.get(_kind(model))
    return () if side is None or getattr(model, side) is not None else (side,)


def set_layer(model: nn.Module, path: str, layer: nn.Module) -> None:
    """Put a layer into the place of the one with the dotted name `path`."""
    parent, _, name = path.rpartition(".")
    model.get_submodule(parent).register_module(name, layer)


def _sharing(model: nn.Module, path: str) -> nn.Module:
    """A copy of the modules on the way to `path`; their parameters and all other modules are the model's own."""
    top = _shallow(model)
    step = top
    for name in path.split(".")[:-1]:
        inner = _shallow(step.get_submodule(name))
        step.register_module(name, inner)
        step = inner
    return top


def _shallow(module: nn.Module) -> nn.Module:
    twin = copy.copy(module)
    twin._modules = dict(module._modules)  # else a layer set in the copy would be set in the original
    return twin


def _kind(model: nn.Module) -> str:
    return f"{type(model).__module__}:{type(model).__qualname__}"
