"""Run by torchrun, or alone: trains, and writes the rows that this process saw and the weights it came to."""

import sys
from pathlib import Path

import noisy
import torch
import torch.distributed

import stepwell as sw
from stepwell.training.step import StepResult
from stepwell.training.world import join_world


class Witness(sw.Hook):
    """Keeps the rows of every step."""

    def __init__(self) -> None:
        self._seen: list[list[int]] = []

    def step_end(self, training: sw.Training, result: StepResult) -> None:
        self._seen.append(training.batch.index.tolist())


def main(out: Path) -> None:
    torch.set_num_threads(1)
    world, witness = join_world(), Witness()
    # Dropout is drawn anew in every process, so it is off here; the rows' noise is not.
    experiment = noisy.build(dropout=0.0)
    training = sw.fit(experiment, hooks=[witness], world=world)
    found = {"rows": witness._seen, "weights": training.model.state_dict(), "history": training.history}
    torch.save(found, out / f"{world.size}-{world.rank}.pt")
    if world.size > 1:
        torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
