"""Predictions and targets, paired element by element."""

from torch import Tensor

from stepwell.core.errors import TaskError


def paired(predicted: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Both as vectors of one length, detached, so that a state never holds on to a model's graph.

    Shapes agree but for dimensions of length one: `(batch, 1)` goes with `(batch,)`. Anything else would broadcast into
    pairs that nobody meant, and raises `TaskError`.
    """
    if predicted.shape != targets.shape and _long(predicted) != _long(targets):
        raise TaskError(
            f"A metric got predictions of shape {tuple(predicted.shape)} and targets of shape {tuple(targets.shape)}; "
            "it needs one prediction for every target. Reshape the targets, or let the task's predict() reduce outputs."
        )
    return predicted.detach().reshape(-1), targets.detach().reshape(-1)


def _long(tensor: Tensor) -> list[int]:
    return [length for length in tensor.shape if length != 1]
