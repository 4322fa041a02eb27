"""Trials: copies of a model that take steps under one variant, timed in turns against another's."""

import copy
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from statistics import median

import torch
from torch import nn

from stepwell.core.devices import lay_out
from stepwell.data.batch import Batch
from stepwell.training.experiment import Experiment
from stepwell.training.step import Step
from stepwell.training.training import make_step

MOST_DIFFERENT = {"fp32": 1e-3, "bf16": 0.1}  # of the gradients, relative to their norm
_ROUNDS, _ROUND_SECONDS, _MOST_STEPS = 3, 0.12, 20
_HOPELESS = 2.5  # times as slow at its first steps, and it is not timed again
_HOPELESS_AT_ONCE = 5.0  # times as slow at its very first, which has to warm up


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


class Candidate:
    """A copy of an experiment's model and optimizer that steps under one variant."""

    def __init__(self, experiment: Experiment, variant: Variant, batches: Sequence[Batch]) -> None:
        self.variant, self.batches = variant, batches
        model, optimizer = copy.deepcopy((experiment.model, experiment.made_optimizer))
        _without_hooks(model)
        lay_out(model, variant.memory_format)
        self.model = model.train()
        copied = replace(experiment, model=model, optimizer=optimizer, scheduler=None, **asdict(variant))
        self.step: Step = make_step(copied)
        self.first_step = 0.0

    def gradients(self) -> torch.Tensor:
        """Those of a step on the first batch, in one row; layers that drop at random drop nothing, where they are torch's."""
        droppers = [module for module in self.model.modules() if isinstance(module, nn.modules.dropout._DropoutNd)]
        for module in droppers:
            module.eval()
        began = time.perf_counter()
        self.step(self.batches[0], 1)
        self.first_step = time.perf_counter() - began
        for module in droppers:
            module.train()
        return torch.cat([p.grad.float().flatten() for p in self.model.parameters() if p.grad is not None])

    def seconds(self, steps: int) -> float:
        """Seconds a step, on the batches in turn."""
        started = time.perf_counter()
        for number in range(steps):
            result = self.step(self.batches[number % len(self.batches)], number)
        result.loss.item()  # waits for the device
        return (time.perf_counter() - started) / steps


def _without_hooks(model: nn.Module) -> None:
    """Take the user's hooks off a copy: they would be called by trials. Those before a forward pass may make weights."""
    for module in model.modules():
        for hooks in (module._forward_hooks, module._backward_hooks, module._backward_pre_hooks):
            hooks.clear()


def compare(experiment: Experiment, first: Candidate, variant: Variant, gradients: torch.Tensor) -> Trial:
    """Time a variant and the first candidate in turns, if its gradients are near enough to the first's.

    The milliseconds are the first's, as measured alone, times the ratio of both. A copy that cannot be made, and whatever a
    step in it raises, is the verdict.
    """
    try:
        candidate = Candidate(experiment, variant, first.batches)
        away = difference(candidate.gradients(), gradients)
        most = MOST_DIFFERENT[variant.precision]
        if away is None or away > most:
            return Trial(variant=variant, difference=away, verdict=f"refused: more than {most:.1%}")
        ratio = _at_once(candidate, first) or _ratio(candidate, first)
    except Exception as error:  # noqa: BLE001 - a kernel, a compiler, memory, a user's layer: only this variant is out
        return Trial(variant=variant, verdict=f"not possible: {first_line(error)}")
    return Trial(variant=variant, milliseconds=ratio, difference=away)


def difference(gradients: torch.Tensor, reference: torch.Tensor) -> float | None:
    """How far gradients are from others, relative to the norm of those; None where one is not finite."""
    away = float((gradients - reference).norm()) / (float(reference.norm()) or 1.0)
    return away if away - away == 0 else None


def _at_once(candidate: Candidate, first: Candidate) -> float | None:
    """The ratio of both first steps where that tells enough, as of bf16 on a processor that has to imitate it: seconds a step."""
    ratio = candidate.first_step / first.first_step
    return ratio if ratio > _HOPELESS_AT_ONCE and candidate.variant.compiled == "no" else None


def _ratio(candidate: Candidate, first: Candidate) -> float:
    """Seconds of a step over the first's: the median of rounds that take turns, so that other work meets both alike."""
    for each in (candidate, first):
        each.seconds(1)  # warms up
    own, other = candidate.seconds(1), first.seconds(1)
    if own > _HOPELESS * other:
        return own / other
    steps = rounds_of(other)
    return median(candidate.seconds(steps) / first.seconds(steps) for _ in range(_ROUNDS))


def rounds_of(seconds: float) -> int:
    """Steps of a round, for steps of so many seconds."""
    return max(1, min(_MOST_STEPS, int(_ROUND_SECONDS / max(seconds, 1e-9))))


def first_line(error: BaseException) -> str:
    """The first line of what an error says, or its kind."""
    return str(error).strip().partition("\n")[0] or type(error).__name__
