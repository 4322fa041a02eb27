"""Which pixels a class's score depends on, by its gradient."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from stepwell.core.errors import ModelError
from stepwell.core.modules import mode_restored
from stepwell.insight.classes import Classes, as_floats, both_logits, chosen, class_scores

How = Literal["gradient", "input_gradient"]


@dataclass(frozen=True, eq=False)
class Saliency:
    """How much each pixel matters for a class: `values` `(n, h, w)`, none below zero, and the `classes` `(n,)` asked about."""

    values: Tensor
    classes: Tensor


def saliency(model: nn.Module, pictures: Tensor, classes: Classes = None, *, how: How = "gradient") -> Saliency:
    """The size of the gradient of a class's score at each pixel of pictures `(n, c, h, w)`; of channels, the largest.

    `classes` are those asked about, by default each picture's most likely. `how="input_gradient"` multiplies by the pixels
    before: what is black then counts nothing. Gradients say what a small change would do, not what the network saw; they
    are noisy where it has many pieces (ReLU). The model is in eval mode meanwhile; its mode and its own gradients are left
    as they were. Source: Simonyan, Vedaldi and Zisserman, *Deep inside convolutional networks* (2014).
    """
    if how not in ("gradient", "input_gradient"):
        raise ModelError(f"There is no saliency {how!r}; known: gradient, input_gradient.")
    pixels = as_floats(pictures, model).clone().requires_grad_()
    with mode_restored(model), torch.enable_grad():
        outputs = model.eval()(pixels.clone())
        asked = chosen(both_logits(outputs), classes)
        (gradient,) = torch.autograd.grad(class_scores(outputs, asked).sum(), pixels)
    found = gradient * pixels.detach() if how == "input_gradient" else gradient
    return Saliency(found.abs().amax(dim=1).cpu(), asked.cpu())
