"""Grad-CAM: where in a picture the last convolution finds what speaks for a class."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stepwell.core.errors import ModelError
from stepwell.core.layers import choose, layer_of
from stepwell.core.modules import mode_restored
from stepwell.core.trees import Tree
from stepwell.insight.capture import Captured, capture
from stepwell.insight.classes import Classes, as_floats, both_logits, chosen, class_scores


@dataclass(frozen=True, eq=False)
class GradCam:
    """Where a layer finds a class: `values` `(n, h, w)` as large as the pictures, from 0 to 1 in each (all 0 where nothing
    speaks for the class), `coarse` `(n, h', w')` as the layer has it, the `classes` `(n,)` asked about, and the `layer`.
    """

    values: Tensor
    coarse: Tensor
    classes: Tensor
    layer: str


def grad_cam(model: nn.Module, pictures: Tensor, classes: Classes = None, *, layer: str | None = None) -> GradCam:
    """Maps of a layer, weighted by how much a class's score rises with each, summed up, and what is below zero left out.

    `layer` is a dotted name; by default it is what `last_maps` finds. `classes` are those asked about, by default each
    picture's most likely. A map is as coarse as the layer; it is drawn out to the picture's size. The model is in eval mode
    meanwhile; its mode and its own gradients are left as they were. Raises `ModelError` where there is no such
    layer, or it gives no maps `(n, c, h, w)`. Source: Selvaraju et al., *Grad-CAM* (2017).
    """
    pixels = as_floats(pictures, model).clone().requires_grad_()
    where = layer if layer is not None else last_maps(model, pixels[:1])
    with mode_restored(model), torch.enable_grad(), capture(model, where, detached=False) as seen:
        outputs = model.eval()(pixels.clone())
        asked = chosen(both_logits(outputs), classes)
        name, maps = _maps(seen, where, len(pixels))
        (gradient,) = torch.autograd.grad(class_scores(outputs, asked).sum(), maps, materialize_grads=True)
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    coarse = (weights * maps).sum(dim=1, keepdim=True).detach().relu().float()
    drawn_out = F.interpolate(coarse, pixels.shape[2:], mode="bilinear", align_corners=False)
    return GradCam(_to_one(drawn_out)[:, 0].cpu(), coarse[:, 0].cpu(), asked.cpu(), name)


def last_maps(model: nn.Module, pictures: Tensor) -> str:
    """The name of the last layer, or block of layers, that holds a convolution and gives maps as large as the last convolution.

    In a chain that is the last `nn.Conv2d`; in a ResNet the last stage, and of branches the block that joins them. Maps of one
    pixel, which say nothing of places, do not count. Raises `ModelError` where there is none.
    """
    choose(model, nn.Conv2d)
    holding = [name for name, module in model.named_modules() if name and _convolves(module)]
    with mode_restored(model), torch.no_grad(), capture(model, holding) as seen:
        model.eval()(as_floats(pictures, model))
    sizes = {name: tuple(each[-1].shape[2:]) for name, each in seen.items() if _spread(each[-1], len(pictures))}
    own = [name for name in sizes if isinstance(layer_of(model, name.partition("#")[0]), nn.Conv2d)]
    if not own:
        raise ModelError(
            "Grad-CAM needs maps (n, channels, height, width) of more than a pixel; no nn.Conv2d gives any."
        )
    return [name for name, size in sizes.items() if size == sizes[own[-1]]][-1].partition("#")[0]


def _convolves(module: nn.Module) -> bool:
    return any(isinstance(part, nn.Conv2d) for part in module.modules())


def _spread(value: Tree, rows: int) -> bool:
    return isinstance(value, Tensor) and value.dim() == 4 and len(value) == rows and value[0, 0].numel() > 1


def _maps(seen: Captured, layer: str, rows: int) -> tuple[str, Tensor]:
    """The name and the output of the last call of the layer, or of the layers of a pattern."""
    found = [(name, values[-1]) for name, values in seen.items() if _spread(values[-1], rows)]
    if not found:
        raise ModelError(
            f"Grad-CAM needs maps (n, channels, height, width), but {layer!r} gives none. Name a convolution's layer."
        )
    return found[-1]


def _to_one(maps: Tensor) -> Tensor:
    largest = maps.amax(dim=(2, 3), keepdim=True)
    return torch.where(largest > 0, maps / largest.clamp(min=1e-30), 0.0)
