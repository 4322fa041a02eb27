"""Proof that resuming is exact: the same training twice, once in one go and once with interruptions, bits compared."""

import hashlib
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from stepwell.core.keys import Key
from stepwell.core.trees import Tree, detach_tensors
from stepwell.recipes.recipe import Recipe
from stepwell.runs import Run, Snapshot, create_run
from stepwell.training.experiment import Experiment
from stepwell.training.fit import fit
from stepwell.training.hooks import Checkpoints, History, Hook
from stepwell.training.step import StepResult
from stepwell.training.training import Training
from stepwell.training.variants import choose, under

_TIMES = 3  # interruptions


@dataclass(frozen=True)
class Verdict:
    """What the comparison found: for each part, the SHA-256 after the uninterrupted and after the interrupted training."""

    steps: int
    interruptions: list[int]
    digests: dict[str, tuple[str, str]]

    @property
    def same(self) -> bool:
        """Whether every part has the same bits."""
        return all(one == other for one, other in self.digests.values())


class _StopAt(Hook):
    """Interrupts a training after a step, as Ctrl-C would."""

    def __init__(self, step: int) -> None:
        self._step = step
        self._fired = False

    def step_end(self, training: Training, result: StepResult) -> None:
        if training.step == self._step:
            self._fired = True
            training.interrupt()


def verify(
    recipe: Recipe, parameters: Mapping[str, Any], *, steps: int = 200, tell: Callable[[str], None] = lambda text: None
) -> Verdict:
    """Train a recipe's experiment for `steps` steps in one go, and again with three interruptions, each followed by a
    resume from the checkpoint into a newly built model. Nothing of it is kept.
    """
    first = recipe.build(parameters)
    variant = choose(first).variant  # measured once, or the two trainings could choose differently
    steps = min(steps, Training(under(first, variant)).total_steps or steps)

    def build() -> Experiment:
        return replace(under(recipe.build(parameters), variant), epochs=None, minutes=None, steps=steps)

    stops = _places(steps)
    with tempfile.TemporaryDirectory() as folder:
        tell(f"Training {steps} steps without interruption …")
        whole = _train(build, create_run(folder, "whole", {}), [])
        tell(f"Training them again, interrupted after the steps {', '.join(map(str, stops))} …")
        pieces = _train(build, create_run(folder, "pieces", {}), stops)
    return Verdict(steps, stops, {part: (whole[part], pieces[part]) for part in whole})


def _places(steps: int) -> list[int]:
    """Steps at which to interrupt, the same for every verification of a length."""
    drawn = Key(0)("verify").integers(torch.arange(min(_TIMES, steps - 1)), 1, max(steps, 2)).tolist()
    return sorted(set(drawn))


def _train(build: Callable[[], Experiment], run: Run, stops: Sequence[int]) -> dict[str, str]:
    """Train in pieces; returns the digests of what it came to."""
    resume: Snapshot | None = None
    for stop in stops:
        stopper = _StopAt(stop)
        try:
            fit(build(), run, [History(run), Checkpoints(run), stopper], resume=resume)
        except KeyboardInterrupt:
            if not stopper._fired:
                raise  # the user's own
        resume = run.read_checkpoint()
    training = fit(build(), run, [History(run), Checkpoints(run)], resume=resume)
    parts = training.snapshot().parts
    digests = {name: digest(parts[name]) for name in ("model", "optimizer", "scheduler")}
    history = (Path(run.folder) / "history.jsonl").read_bytes()
    return {**digests, "history": hashlib.sha256(history).hexdigest()}


def digest(tree: Tree) -> str:
    """SHA-256 of a tree: of its plain parts as JSON, and of its tensors' bytes, in order."""
    plain, tensors = detach_tensors(tree)
    found = hashlib.sha256(json.dumps(plain).encode())
    for tensor in tensors.values():
        found.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return found.hexdigest()
