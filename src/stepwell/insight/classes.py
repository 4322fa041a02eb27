"""A classifier's outputs as scores and probabilities of classes, for what asks which pixels they come from."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from stepwell.core.devices import device_of
from stepwell.core.errors import ModelError
from stepwell.core.trees import Tree
from stepwell.insight.outputs import outputs_of

_BYTES = 2**25  # of floats that a model is given at once

Classes = int | Sequence[int] | Tensor | None
"""A class for every picture, one for each, or None for the one that the model finds most likely."""


def as_floats(pictures: Tensor, model: nn.Module) -> Tensor:
    """Pictures `(n, c, h, w)` on the model's device as floats: bytes become 0 to 1, floats stay as they are.

    So what is explained is what a model that normalises its pixels (`FromPixels`) is given. Raises `ModelError` for another shape.
    """
    _check(pictures)
    on_device = pictures.detach().to(device_of(model))
    return on_device.float() / 255 if pictures.dtype == torch.uint8 else on_device


def both_logits(outputs: Tree) -> Tensor:
    """Outputs `(n, classes)` as they are; of one number a row, `(n, 1)`, the logit of class 1, zero stands for class 0.

    Raises `ModelError` for outputs that are no class scores.
    """
    if not isinstance(outputs, Tensor) or outputs.dim() != 2 or not outputs.shape[1]:
        given = tuple(outputs.shape) if isinstance(outputs, Tensor) else type(outputs).__name__
        raise ModelError(f"Classes have one score each, (n, classes), or one for two (n, 1); the model gives {given}.")
    return torch.cat([torch.zeros_like(outputs), outputs], dim=1) if outputs.shape[1] == 1 else outputs


def probabilities_of(model: nn.Module, pictures: Tensor, *, batch_size: int = 256) -> Tensor:
    """What the model in eval mode says of pictures `(n, c, h, w)`: `(n, classes)`, on the CPU.

    Outputs may be logits or log-probabilities; a single one is the logit of the second of two classes. Pictures become floats
    on the model's device batch by batch: at most `batch_size` of them, and no more than 32 MB.
    """
    _check(pictures)
    parts = pictures.split(rows_at_once(pictures, batch_size))  # type: ignore[no-untyped-call]
    logits = torch.cat([both_logits(outputs_of(model, as_floats(part, model))) for part in parts])
    return logits.float().softmax(dim=1)


def rows_at_once(pictures: Tensor, most: int) -> int:
    """How many pictures `(n, c, h, w)` take 32 MB as floats, but `most` at most and one at least."""
    return max(1, min(most, _BYTES // max(1, 4 * pictures[:1].numel())))


def _check(pictures: Tensor) -> None:
    if pictures.dim() != 4 or not len(pictures):
        raise ModelError(f"Pictures are (n, channels, height, width), one at least; got {tuple(pictures.shape)}.")


def chosen(outputs: Tensor, classes: Classes) -> Tensor:
    """The class of each row of outputs `(n, classes)` that is asked for, `(n,)` int64. Raises `ModelError` for none such."""
    if classes is None:
        return outputs.argmax(dim=1)
    given = torch.as_tensor(classes, dtype=torch.int64, device=outputs.device)
    asked = given.expand(len(outputs)) if given.dim() == 0 else given
    if asked.shape != outputs.shape[:1] or int(asked.min()) < 0 or int(asked.max()) >= outputs.shape[1]:
        raise ModelError(
            f"Give one class, or one for each of the {len(outputs)} pictures, from 0 to {outputs.shape[1] - 1}; got {classes}."
        )
    return asked


def class_scores(outputs: Tensor, classes: Tensor) -> Tensor:
    """The score of each row's class, `(n,)`: its logit; of class 0 of two that share one logit, minus that logit."""
    if outputs.shape[1] == 1:
        return torch.where(classes == 1, outputs[:, 0], -outputs[:, 0])
    return outputs.gather(1, classes[:, None])[:, 0]
