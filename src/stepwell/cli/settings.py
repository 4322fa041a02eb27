"""The flags of `train` and `resume` that are not the recipe's."""

from dataclasses import dataclass, fields
from typing import Annotated, Any

import typer

_PATIENCE = typer.Option(
    help="end when the watched number has not improved for so many epochs", metavar="epochs", min=1
)
_BOARD = typer.Option("--tensorboard/--no-tensorboard", help="write the numbers for TensorBoard, too")


@dataclass(frozen=True)
class TrainSettings:
    """How a new run is kept."""

    out: Annotated[str, typer.Option(help="where the run folder is made", metavar="folder")] = "runs"
    tensorboard: Annotated[bool, _BOARD] = False
    patience: Annotated[int | None, _PATIENCE] = None
    checkpoint_every_steps: Annotated[
        int | None, typer.Option(help="save a checkpoint every so many steps", metavar="steps", min=1)
    ] = None
    checkpoint_every_seconds: Annotated[
        float, typer.Option(help="save a checkpoint every so many seconds", metavar="seconds", min=0.1)
    ] = 20.0
    keep: Annotated[int, typer.Option(help="how many of the newest checkpoints stay", metavar="number", min=1)] = 2

    @property
    def checkpoints(self) -> dict[str, Any]:
        """Settings of the `Checkpoints` hook."""
        return {
            "every_seconds": self.checkpoint_every_seconds,
            "every_steps": self.checkpoint_every_steps,
            "keep": self.keep,
        }


@dataclass(frozen=True)
class ResumeSettings:
    """Where a run goes on. What is None stays as the run has it."""

    which: Annotated[
        str,
        typer.Option("--from", help="the checkpoint: last, best, or the number of a step", metavar="last|best|step"),
    ] = "last"
    tensorboard: Annotated[bool | None, _BOARD] = None
    patience: Annotated[int | None, _PATIENCE] = None
    verify: Annotated[
        bool, typer.Option("--verify", help="prove that resuming is exact: train both ways, compare the bits")
    ] = False
    verify_steps: Annotated[int, typer.Option(help="how many steps the proof takes", metavar="steps", min=2)] = 200


RESERVED = {"help", "debug", "from", "vary"} | {
    field.name for kind in (TrainSettings, ResumeSettings) for field in fields(kind)
}
