"""Which classes are taken for each other, which pictures show it, and what they look like to the network."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from stepwell.core.errors import DataError, ModelError
from stepwell.core.modules import mode_restored
from stepwell.insight.capture import capture
from stepwell.insight.classes import as_floats, rows_at_once
from stepwell.insight.neighbours import Nearness, nearest_rows


@dataclass(frozen=True)
class ConfusedPair:
    """A class that is taken for another: how many of its rows, and which share of them (0 to 1)."""

    true: int
    predicted: int
    rows: int
    share: float


def most_confused(matrix: Tensor, k: int = 5, *, mutual: bool = False) -> list[ConfusedPair]:
    """The pairs of classes that are confused most, out of a matrix `(classes, classes)`, row = true, column = predicted.

    By rows, the most first; pairs of none are left out. With `mutual` both ways are counted together, once, under the class
    of the smaller number. Raises `DataError` for a matrix that is not square.
    """
    if matrix.dim() != 2 or matrix.shape[0] != matrix.shape[1]:
        raise DataError(f"A confusion matrix is (classes, classes), row = true; got {tuple(matrix.shape)}.")
    counts, whole = matrix.cpu().double(), matrix.cpu().double().sum(dim=1)
    wrong = counts - torch.diag(counts.diagonal())
    if mutual:
        wrong = (wrong + wrong.T).triu()
        whole = whole[:, None] + whole[None]
    else:
        whole = whole[:, None].expand_as(wrong)
    order = wrong.flatten().argsort(descending=True, stable=True)[:k].tolist()
    cells = [divmod(cell, len(wrong)) for cell in order]
    return [
        ConfusedPair(true, said, int(wrong[true, said]), float(wrong[true, said] / whole[true, said]))
        for true, said in cells
        if wrong[true, said] > 0
    ]


def examples(probabilities: Tensor, targets: Tensor, pair: ConfusedPair, k: int = 3) -> list[int]:
    """The rows of class `pair.true` that were most surely called `pair.predicted`: at most `k`, the surest first.

    `probabilities` is `(rows, classes)`, `targets` `(rows,)`.
    """
    said = probabilities.argmax(dim=1).cpu()
    found = ((targets.cpu() == pair.true) & (said == pair.predicted)).nonzero()[:, 0]
    sure = probabilities.cpu()[found, pair.predicted]
    return [int(row) for row in found[sure.argsort(descending=True, stable=True)[:k]]]


def features_of(model: nn.Module, pictures: Tensor, layer: str | None = None, *, batch_size: int = 512) -> Tensor:
    """What the network has made of pictures `(n, c, h, w)` just before it decides: `(n, features)`, on the CPU.

    That is what goes into the last `nn.Linear` it comes by, or with `layer` what that layer gives, maps averaged over their
    places. At most `batch_size` pictures, and no more than 32 MB of them, are taken at once. Raises `ModelError` for a model
    without such a layer.
    """
    found = []
    with mode_restored(model), torch.no_grad():
        model.eval()
        for part in torch.split(pictures, rows_at_once(pictures, batch_size)):
            floats = as_floats(part, model)
            found.append(_decided_from(model, floats) if layer is None else _given_by(model, layer, floats))
    return torch.cat(found)


def _given_by(model: nn.Module, layer: str, pictures: Tensor) -> Tensor:
    with capture(model, layer) as seen:
        model(pictures)
    found = seen.joined(layer)
    return found.flatten(2).mean(dim=2) if found.dim() > 2 else found


def _decided_from(model: nn.Module, pictures: Tensor) -> Tensor:
    """The input of the last linear layer that was called."""
    came: list[Tensor] = []
    heads = [module for module in model.modules() if isinstance(module, nn.Linear)]

    def look(module: nn.Module, inputs: tuple[Any, ...]) -> None:
        came.append(inputs[0])

    handles = [head.register_forward_pre_hook(look) for head in heads]
    try:
        model(pictures)
    finally:
        for handle in handles:
            handle.remove()
    if not came:
        raise ModelError("The model comes by no nn.Linear that decides; name the layer whose output is to be compared.")
    return came[-1].detach().flatten(1).cpu().clone()


class Similar(NamedTuple):
    """For each asked picture, the numbers of the nearest known ones, the nearest first, and how far they lie: `(n, k)` both."""

    rows: Tensor
    distances: Tensor


def similar_pictures(
    model: nn.Module,
    pictures: Tensor,
    known: Tensor,
    k: int = 5,
    *,
    layer: str | None = None,
    by: Nearness = "angle",
) -> Similar:
    """The `known` pictures `(m, c, h, w)`, such as the training's, that lie nearest to each of `pictures` for the network.

    They are compared by `features_of`, not pixel by pixel: what is near looks alike to the model, which explains some mistakes
    better than any map of pixels does.
    """
    asked = features_of(model, pictures, layer)
    return Similar(*nearest_rows(features_of(model, known, layer), asked, k, by=by))


def disagreements(probabilities: Tensor, targets: Tensor, k: int = 8) -> Tensor:
    """The rows whose true class was given the least probability, `(at most k,)`: the worst mistakes, the worst first."""
    of_truth = probabilities.cpu().gather(1, targets.cpu()[:, None])[:, 0]
    wrong = (probabilities.argmax(dim=1).cpu() != targets.cpu()).nonzero()[:, 0]
    return wrong[of_truth[wrong].argsort(stable=True)[:k]]
