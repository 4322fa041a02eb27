"""Translation between two kinds of pictures without pairs: what the numbers of a CycleGAN's game come to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from stepwell.core.errors import TaskError
from stepwell.metrics.base import Metric, View
from stepwell.tasks.base import Task, at_least_float32

_FOOLED, _JUDGED = 6, 4


@dataclass(frozen=True, eq=False)
class GameMeans(Metric):
    """Means over rows of some columns of the outputs: `names` maps each mean to its columns, which are averaged."""

    names: tuple[tuple[str, tuple[int, ...]], ...]

    needs: ClassVar[View] = "values"

    def zero(self, device: torch.device) -> Tensor:
        """Sums of the columns, and the number of rows: float64."""
        return torch.zeros(_FOOLED + _JUDGED + 1, dtype=torch.float64, device=device)

    def update(self, state: Tensor, predicted: Tensor, targets: Tensor) -> None:
        """Add rows."""
        state[:-1] += predicted.sum(0, dtype=torch.float64)
        state[-1] += len(predicted)

    def compute(self, state: Tensor) -> dict[str, float]:
        """The means; NaN of no rows."""
        *sums, rows = state.tolist()
        return {
            name: sum(sums[column] for column in columns) / (len(columns) * rows) if rows else float("nan")
            for name, columns in self.names
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class Translation(Task):
    """The losses of Zhu et al. (2017) for outputs `(batch, 10)` of a `CycleGAN`; targets are the rows of the second
    collection, `(batch,)`, by which a person finds them.

    The generators' loss is that of fooling both discriminators, plus `cycle` times what a picture loses on its way there
    and back, plus `identity` times what a generator changes of a picture of its own kind; the paper has 10 and 5. The
    discriminators' is the mean of their four. The loss of an evaluation is the generators'; no number tells how good the
    pictures are, so look at them. `kinds` are the names of the two kinds of pictures.
    """

    kinds: tuple[str, str] = ("a", "b")
    cycle: float = 10.0
    identity: float = 0.0

    watch: ClassVar[tuple[str, Literal["min", "max"]]] = ("cycle", "min")

    def __post_init__(self) -> None:
        if self.cycle < 0 or self.identity < 0:
            raise TaskError(f"Weights of losses are not negative; cycle={self.cycle}, identity={self.identity}.")

    def generators_losses(self, fooled: Tensor) -> Tensor:
        """The generators' loss of each row, `(batch,)`, of their columns `(batch, 6)`."""
        fool, cycle, same = at_least_float32(fooled).split(2, dim=1)  # type: ignore[no-untyped-call]
        losses: Tensor = (fool + self.cycle * cycle + self.identity * same).sum(1)
        return losses

    def discriminators_losses(self, judged: Tensor) -> Tensor:
        """The discriminators' loss of each row, `(batch,)`, of their columns `(batch, 4)`: for each the mean of real and made."""
        return at_least_float32(judged).sum(1) / 2

    def losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The generators' loss of each row."""
        _check_shapes(outputs, targets)
        return self.generators_losses(outputs[:, :_FOOLED])

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Their mean."""
        return self.losses(outputs, targets).mean()

    def view(self, view: View, outputs: Tensor) -> Tensor:
        """The numbers of the game as they are."""
        if view != "values":
            raise TaskError(f"A metric of {view} does not fit a translation of pictures, which has no right answers.")
        return outputs

    def metrics(self) -> tuple[Metric, ...]:
        """`fooled`, `cycle` and `judged`: the losses of judgements about made pictures, of the ways back, of all judgements.

        At `judged` 0.25 the discriminators guess; near 0 they see through everything.
        """
        return (GameMeans((("fooled", (0, 1)), ("cycle", (2, 3)), ("judged", (6, 7, 8, 9)))),)

    def train_metrics(self) -> tuple[Metric, ...]:
        """The same."""
        return self.metrics()

    def check_targets(self, targets: Tensor) -> None:
        """Targets are the rows of the second collection, int64."""
        if targets.dtype != torch.int64:
            raise TaskError(
                f"The targets are {targets.dtype}; rows of the second collection are int64: targets.long()."
            )

    def check_outputs(self, outputs: Tensor, targets: Tensor) -> None:
        """Outputs are the ten numbers of a game."""
        _check_shapes(outputs, targets)

    def predict(self, outputs: Tensor) -> Tensor:
        """The numbers as they are. Pictures are translated by the model's generators."""
        return outputs

    def answers(self, outputs: Tensor) -> list[dict[str, Any]]:
        """`{"values": {name: number}}` a row."""
        names: Sequence[str] = ("fool_a", "fool_b", "cycle_a", "cycle_b", "same_a", "same_b")
        names = (*names, "real_a", "fake_a", "real_b", "fake_b")
        return [{"values": dict(zip(names, row, strict=True))} for row in outputs.float().tolist()]

    def name_target(self, target: Tensor) -> str:
        """A row's partner, or what its translation lost."""
        if target.numel() == 1:
            return f"with {self.kinds[1]} {int(target)}"
        return f"cycle {float(target[2:4].mean()):.3g}"


def _check_shapes(outputs: Tensor, targets: Tensor) -> None:
    if outputs.shape[1:] != (_FOOLED + _JUDGED,) or targets.shape != outputs.shape[:1]:
        raise TaskError(
            f"The outputs have the shape {tuple(outputs.shape)}, the targets {tuple(targets.shape)}; expected (batch, 10),"
            " how a CycleGAN's game stands, and (batch,), the rows of the second collection."
        )
