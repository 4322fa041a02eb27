"""Exponentially weighted moving averages: what smooths a curve, and what Adam keeps of its gradients."""

import torch
from torch import Tensor

from stepwell.core.errors import TrainingError


def beta_of(periods: float) -> float:
    """The weight of the past of an average over so many periods: 19 is 0.9, 1999 is 0.999. Godoy, chapter 6 (row S36)."""
    if not periods >= 1:
        raise TrainingError(f"An average over {periods:g} periods has no meaning; give 1 or more.")
    return 1.0 - 2.0 / (periods + 1.0)


def ewma(values: Tensor, beta: float, *, corrected: bool = False) -> Tensor:
    """The average after each of the values `(steps, …)`, in their shape: `beta` times the last one plus the rest of the value.

    It begins at 0, and so too low; `corrected` divides by what the weights add up to, so that the first average is the first
    value. `beta` is in `[0, 1)`; `beta_of(19)` is that of 19 periods. Raises `TrainingError` for another. Kingma and Ba,
    *Adam*, 2015; Godoy, chapter 6 (rows S36, S37).
    """
    _check(beta)
    average, averages = torch.zeros_like(values[:1]).sum(0), torch.empty_like(values)
    for step, value in enumerate(values):
        average = torch.lerp(average, value, 1.0 - beta)
        averages[step] = average
    return averages / _weights(values, beta) if corrected else averages


def average_age(beta: float, steps: int) -> float:
    """How many steps old the values of an average are, weighted as it weighs the last `steps` of them; the newest is 1 old.

    Without an end it comes to `1 / (1 - beta)`.
    """
    _check(beta)
    return sum(age * (1.0 - beta) * beta ** (age - 1) for age in range(1, steps + 1))


def adapted_gradients(gradients: Tensor, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8) -> Tensor:
    """What Adam makes of a parameter's gradients `(steps, *shape)`: the update at a learning rate of 1, in the same shape.

    The corrected average of the gradients over the root of the corrected average of their squares. Kingma and Ba, *Adam*,
    2015, algorithm 1; Godoy, chapter 6 (row S37).
    """
    first, second = ewma(gradients, betas[0], corrected=True), ewma(gradients.square(), betas[1], corrected=True)
    return first / (second.sqrt() + eps)


def _weights(values: Tensor, beta: float) -> Tensor:
    """What the weights add up to after each step, `(steps, 1, …)`."""
    number = torch.arange(1, len(values) + 1, dtype=torch.float64, device=values.device)
    return (1.0 - beta**number).to(values.dtype).view(-1, *[1] * (values.dim() - 1))


def _check(beta: float) -> None:
    if not 0 <= beta < 1:
        raise TrainingError(
            f"The weight of the past is {beta:g}; it is in [0, 1). beta_of(periods) gives it by periods."
        )
