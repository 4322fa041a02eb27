"""Regression: the outputs are the values themselves."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch.nn.functional as F
from torch import Tensor

from stepwell.core.errors import TaskError
from stepwell.metrics import MAE, R2, RMSE
from stepwell.metrics.base import Metric, View
from stepwell.tasks.base import Task, at_least_float32, check_choice, floating_targets, same_shape

_TOLD = 6
_LOSSES: dict[str, Callable[..., Tensor]] = {"mse": F.mse_loss, "l1": F.l1_loss, "huber": F.huber_loss}


@dataclass(frozen=True, kw_only=True)
class Regression(Task):
    """Values of any shape `(batch, …)`; outputs and targets have the same shape and dtype.

    `kind` is `mse` (squared error), `l1` (absolute error) or `huber` (squared up to `delta`, absolute beyond). `names` are
    those of the values, for people.
    """

    kind: Literal["mse", "l1", "huber"] = "mse"
    delta: float = 1.0
    names: tuple[str, ...] = ()

    watch: ClassVar[tuple[str, Literal["min", "max"]]] = ("loss", "min")

    def __post_init__(self) -> None:
        check_choice("loss", self.kind, _LOSSES)

    def losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The mean loss over each row's values, `(batch,)`."""
        each = self._compute(outputs, targets, "none")
        return each if each.dim() == 1 else each.flatten(1).mean(1)

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The mean over all values."""
        return self._compute(outputs, targets, "mean")

    def _compute(self, outputs: Tensor, targets: Tensor, reduction: str) -> Tensor:
        same_shape(outputs, targets)
        settings = {"delta": self.delta} if self.kind == "huber" else {}
        return _LOSSES[self.kind](at_least_float32(outputs), targets, reduction=reduction, **settings)

    def view(self, view: View, outputs: Tensor) -> Tensor:
        """The values."""
        if view != "values":
            raise TaskError(f"A metric of {view} does not fit regression, whose outputs are values.")
        return outputs

    def metrics(self) -> tuple[Metric, ...]:
        """Mean absolute error, root of the mean squared error, and R²."""
        return (MAE(), RMSE(), R2())

    def check_targets(self, targets: Tensor) -> None:
        """Targets are floating numbers."""
        floating_targets(targets)

    def check_outputs(self, outputs: Tensor, targets: Tensor) -> None:
        """Outputs have the targets' shape and dtype."""
        same_shape(outputs, targets)
        floating_targets(targets, outputs)

    def predict(self, outputs: Tensor) -> Tensor:
        """The values as they are."""
        return outputs

    def answers(self, outputs: Tensor) -> list[dict[str, Any]]:
        """`{"values": {name: number}}` a row."""
        table = outputs.detach().float().flatten(1).tolist() if outputs.dim() > 1 else [[v] for v in outputs.tolist()]
        names = self.names or tuple(f"value {number}" if number else "value" for number in range(len(table[0])))
        return [{"values": dict(zip(names, row, strict=True))} for row in table]

    def name_target(self, target: Tensor) -> str:
        """The number, or the numbers; of many the first and the last."""
        told = [f"{value:.4g}" for value in target.flatten().tolist()]
        return ", ".join(told if len(told) <= _TOLD else [*told[:3], "…", told[-1]])
