"""Ways to compute the same step: tried on this machine with this model, compared with plain fp32, and the fastest kept."""

import copy
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from statistics import median
from typing import Any

import torch
from torch import nn

from stepwell.core.devices import device_of, generators_restored, lay_out
from stepwell.core.keys import Key
from stepwell.core.trees import to_device
from stepwell.data.batch import Batch, Source
from stepwell.training.batches import train_batches
from stepwell.training.experiment import AUTO, VARIED, Experiment
from stepwell.training.step import Step
from stepwell.training.training import Training, make_step
from stepwell.training.world import SOLO, World

_MOST_DIFFERENT = {"fp32": 1e-3, "bf16": 0.1}  # of the gradients, relative to their norm
_BATCHES, _ROUNDS, _ROUND_SECONDS, _MOST_STEPS = 2, 3, 0.12, 20
_WORTH = 1.05  # a variant that is not this much faster is not worth its other rounding
_HOPELESS = 2.5  # times as slow at its first step, and it is not timed again
_COMPILING_PAYS = 180.0  # seconds of training below which it does not win its own time back
_CHOSEN = "chosen"


@dataclass(frozen=True)
class Variant:
    """A way to compute a step; the default is the plainest."""

    precision: str = "fp32"
    memory_format: str = "contiguous"
    compiled: str = "no"

    @property
    def name(self) -> str:
        """In words: `bf16, channels-last`."""
        formats = [self.memory_format] * (self.memory_format != "contiguous")
        return ", ".join([self.precision, *formats, *["compiled"] * (self.compiled == "yes")])


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What came of one variant: milliseconds a step, how far its gradients are from plain fp32's, and the verdict."""

    variant: Variant
    milliseconds: float | None = None
    difference: float | None = None
    verdict: str = ""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The variant that a training uses, and the trials that it was chosen by; `why` says it where there are none."""

    variant: Variant
    trials: Sequence[Trial] = ()
    why: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain data, for `run.json`."""
        trials = [{**asdict(trial), "name": trial.variant.name} for trial in self.trials]
        return {"variant": asdict(self.variant), "trials": trials, "why": self.why}


def asks(experiment: Experiment) -> bool:
    """Whether a setting is left to a measurement."""
    return any(getattr(experiment, name) == AUTO for name in VARIED)


def under(experiment: Experiment, variant: Variant) -> Experiment:
    """The experiment computed in a variant, where it leaves that to a measurement."""
    chosen = {name: getattr(variant, name) for name in VARIED if getattr(experiment, name) == AUTO}
    return replace(experiment, **chosen)


def choose(experiment: Experiment, world: World = SOLO) -> Choice:
    """The variant in which an experiment trains, its settings that are `auto` measured here.

    Every variant takes the same steps on copies of model and optimizer: nothing of them, nor of torch's generators,
    changes. Each must give the gradients of plain fp32, with dropout off, within 0.1 % (bf16: 10 %) of their norm; the
    fastest of those is chosen if it saves 5 % or more. Whole-step compilation is tried where the training is long enough
    to win its time back.
    """
    reason = _not_measured(experiment, world)
    if reason:
        return Choice(variant=_of(under(experiment, Variant())), why=reason)
    asked = {name for name in VARIED if getattr(experiment, name) == AUTO}
    with generators_restored(device_of(experiment.model)):
        return _measured(under(experiment, Variant()), asked)


def _of(experiment: Experiment) -> Variant:
    return Variant(experiment.precision, experiment.memory_format, experiment.compiled)


def _not_measured(experiment: Experiment, world: World) -> str:
    if not asks(experiment):
        return "as it was told"
    if world.size > 1:
        return "several processes train, which could choose differently"
    if not isinstance(experiment.data.train, Source):
        return "a DataLoader's batches cannot be looked at without drawing them"
    return "" if experiment.step is None else "the experiment has a step of its own"


def _measured(experiment: Experiment, asked: set[str]) -> Choice:
    batches = list(islice(_batches(experiment), _BATCHES))
    candidates = [_Candidate(experiment, variant, batches) for variant in _variants(experiment, asked)]
    _race(candidates, candidates[0])
    best = _fastest(candidates)
    trials = [each.trial(candidates[0], best) for each in candidates]
    if "compiled" not in asked:
        return Choice(variant=best.variant, trials=trials)
    compiled = _compiled(experiment, best, batches)
    if compiled.verdict != _CHOSEN:
        return Choice(variant=best.variant, trials=[*trials, compiled])
    others = [replace(trial, verdict="" if trial.verdict == _CHOSEN else trial.verdict) for trial in trials]
    return Choice(variant=compiled.variant, trials=[*others, compiled])


def _compiled(experiment: Experiment, best: "_Candidate", batches: Sequence[Batch]) -> Trial:
    """The best variant compiled, against itself, where the training is long enough for that to be worth trying."""
    variant = replace(best.variant, compiled="yes")
    steps = Training(experiment).total_steps
    seconds = 60 * (experiment.minutes or 0) if steps is None else steps * best.seconds
    if seconds < _COMPILING_PAYS:
        took = f"{max(seconds, 1):,.0f} s" if seconds < 100 else f"{seconds / 60:,.0f} min"
        return Trial(variant=variant, verdict=f"not tried: compiling takes a minute, the training about {took}")
    eager, candidate = (_Candidate(experiment, each, batches) for each in (best.variant, variant))
    _race([eager, candidate], eager, dropout=True)
    return candidate.trial(eager, _fastest([eager, candidate]))


def _batches(experiment: Experiment) -> Iterator[Batch]:
    """The first training batches, as the model is given them."""
    key = Key(experiment.seed)("augment", 0)
    for batch in train_batches(replace(experiment, workers=0), SOLO).epoch(0):
        there = to_device(batch, device_of(experiment.model))
        yield there if experiment.augment is None else experiment.augment(there, key)


def _variants(experiment: Experiment, asked: set[str]) -> Iterator[Variant]:
    """The variants to try without compiling, those of the experiment first."""
    convolves = any(parameter.dim() > 3 for parameter in experiment.model.parameters())
    precisions = ("fp32", "bf16") if "precision" in asked else (experiment.precision,)
    free = "memory_format" in asked and convolves
    formats = ("contiguous", "channels-last") if free else (experiment.memory_format,)
    for precision in precisions:
        for memory_format in formats:
            yield Variant(precision, memory_format, experiment.compiled)


class _Candidate:
    """A copy of model and optimizer that steps under one variant."""

    def __init__(self, experiment: Experiment, variant: Variant, batches: Sequence[Batch]) -> None:
        self.variant, self.batches, self.times = variant, batches, [float("inf")]
        self.gradients = torch.zeros(0)
        self.failure = ""
        model, optimizer = copy.deepcopy((experiment.model, experiment.made_optimizer))
        lay_out(model, variant.memory_format)
        self.model = model.train()
        copied = replace(experiment, model=model, optimizer=optimizer, scheduler=None, **asdict(variant))
        self.step: Step = make_step(copied)

    def look(self, *, dropout: bool) -> None:
        """One step, whose gradients are kept for comparison."""
        for module in self.model.modules() if not dropout else ():
            if isinstance(module, nn.modules.dropout._DropoutNd):
                module.eval()
        try:
            self.step(self.batches[0], 1)
        except (RuntimeError, NotImplementedError) as error:  # an operation that has no such variant, no compiler
            self.failure = str(error).strip().partition("\n")[0]
            return
        self.gradients = torch.cat([p.grad.float().flatten() for p in self.model.parameters() if p.grad is not None])
        self.model.train()

    def run(self, steps: int) -> float:
        """Seconds a step, on the batches in turn."""
        started = time.perf_counter()
        for number in range(steps):
            result = self.step(self.batches[number % len(self.batches)], number)
        result.loss.item()  # waits for the device
        return (time.perf_counter() - started) / steps

    def difference(self, other: "_Candidate") -> float:
        """How far the gradients are from another's, relative to the norm of those."""
        norm = float(other.gradients.norm()) or 1.0
        away = float((self.gradients - other.gradients).norm()) / norm
        return away if away == away else float("inf")

    def agrees(self, other: "_Candidate") -> bool:
        return not self.failure and self.difference(other) <= _MOST_DIFFERENT[self.variant.precision]

    @property
    def seconds(self) -> float:
        return median(self.times)

    def trial(self, reference: "_Candidate", chosen: "_Candidate") -> Trial:
        """What came of it, in words."""
        if self.failure:
            return Trial(variant=self.variant, verdict=f"not possible: {self.failure}")
        away = self.difference(reference)
        if not self.agrees(reference):
            most = _MOST_DIFFERENT[self.variant.precision]
            return Trial(variant=self.variant, difference=away, verdict=f"refused: more than {most:.1%}")
        verdict = _CHOSEN if self is chosen else ""
        return Trial(variant=self.variant, milliseconds=1e3 * self.seconds, difference=away, verdict=verdict)


def _race(candidates: Sequence[_Candidate], first: _Candidate, *, dropout: bool = False) -> None:
    """Time all that agree with the first in turns, so that what else the machine does meets them alike."""
    for each in candidates:
        each.look(dropout=dropout)
    going = [each for each in candidates if each.agrees(first)]
    for each in going:
        each.times = [each.run(1)]
    steps = max(1, min(_MOST_STEPS, int(_ROUND_SECONDS / max(first.seconds, 1e-9))))
    near = [each for each in going if each.seconds < _HOPELESS * first.seconds]
    rounds = [[each.run(steps) for each in near] for _ in range(_ROUNDS)]
    for each, times in zip(near, zip(*rounds, strict=True), strict=True):
        each.times = list(times)


def _fastest(candidates: Sequence[_Candidate]) -> _Candidate:
    """The fastest of those that agree with the first, if it is faster enough than that."""
    first = candidates[0]
    best = min((each for each in candidates if each.agrees(first)), key=lambda each: each.seconds)
    return best if best.seconds * _WORTH < first.seconds else first
