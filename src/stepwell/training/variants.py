"""Ways to compute the same step: tried on this machine with this model, compared with plain fp32, and the fastest kept."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from statistics import median
from typing import Any

from stepwell.core.devices import device_of, generators_restored
from stepwell.core.keys import Key
from stepwell.core.trees import to_device
from stepwell.data.batch import Batch, Source
from stepwell.training.batches import train_batches
from stepwell.training.experiment import AUTO, VARIED, Experiment
from stepwell.training.trials import Candidate, Trial, Variant, compare, difference, first_line, rounds_of
from stepwell.training.world import SOLO, World

_BATCHES = 2
_WORTH = 0.95  # of the plain way's time; a variant that takes more is not worth its other rounding
_MEASURING_PAYS = 8.0  # seconds of training below which measuring would take longer than it can save
_COMPILING_PAYS = 180.0
_CHOSEN = "chosen"


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

    Every variant takes the same steps on a copy of model and optimizer: nothing of them, nor of torch's generators,
    changes, and at most two copies are there at once. Each must give the gradients of plain fp32, with torch's dropout layers
    off, within 0.1 % (bf16: 10 %) of their norm; the fastest of those is chosen if it saves 5 % or more. Nothing is measured
    where the training is shorter than measuring, and compiling is tried where the training wins its time back. Where plain
    fp32 itself fails, it is left to the training to say so.
    """
    plain = under(experiment, Variant())
    reason = _not_measured(experiment, world)
    if reason:
        return Choice(variant=_of(plain), why=reason)
    asked = {name for name in VARIED if getattr(experiment, name) == AUTO}
    with generators_restored(device_of(experiment.model)):
        return _measured(plain, asked)


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
    own = _of(experiment)
    try:
        batches = list(islice(_batches(experiment), _BATCHES))
        first = Candidate(experiment, own, batches)
        gradients = first.gradients()
        first.seconds(1)
        seconds = first.seconds(1)
    except Exception as error:  # noqa: BLE001 - a mistake in data or model, which the training explains better
        return Choice(variant=own, why=f"nothing could be measured: {first_line(error)}")
    if difference(gradients, gradients) is None:
        return Choice(variant=own, why="the first gradients are not finite")
    due = _seconds_of(experiment, seconds)
    if due < _MEASURING_PAYS:
        return Choice(variant=own, why=f"the training takes about {_told(due)}, less than measuring")
    seconds = median(first.seconds(rounds_of(seconds)) for _ in range(3))
    ratios = [compare(experiment, first, variant, gradients) for variant in _others(experiment, asked)]
    if "compiled" in asked:
        ratios.append(_compiled(experiment, first, _fastest([_plain(own), *ratios]), gradients, due))
    trials = [_plain(own), *ratios]
    best = _fastest(trials)
    return Choice(variant=best, trials=[_timed(trial, seconds, chosen=trial.variant == best) for trial in trials])


def _plain(variant: Variant) -> Trial:
    return Trial(variant=variant, milliseconds=1.0, difference=0.0)


def _timed(trial: Trial, seconds: float, *, chosen: bool) -> Trial:
    """A trial whose ratio to the first became milliseconds."""
    took = None if trial.milliseconds is None else 1e3 * seconds * trial.milliseconds
    return replace(trial, milliseconds=took, verdict=_CHOSEN if chosen else trial.verdict)


def _fastest(trials: Sequence[Trial]) -> Variant:
    """The fastest variant, if it saves enough over the first."""
    timed = [(trial.milliseconds, trial.variant) for trial in trials if trial.milliseconds is not None]
    ratio, variant = min(timed, key=lambda pair: pair[0])
    return variant if ratio <= _WORTH else trials[0].variant


def _compiled(experiment: Experiment, first: Candidate, best: Variant, gradients: Any, due: float) -> Trial:
    """The best variant compiled, where the training is long enough for that to be worth trying."""
    variant = replace(best, compiled="yes")
    if due < _COMPILING_PAYS:
        return Trial(variant=variant, verdict=f"not tried: compiling takes a minute, the training about {_told(due)}")
    return compare(experiment, first, variant, gradients)


def _seconds_of(experiment: Experiment, step: float) -> float:
    """How long the training takes with steps of so many seconds."""
    if experiment.minutes is not None:
        return 60 * experiment.minutes
    steps = experiment.steps or (experiment.epochs or 0) * len(train_batches(experiment, SOLO))
    return steps * step


def _told(seconds: float) -> str:
    return f"{max(seconds, 1):,.0f} s" if seconds < 100 else f"{seconds / 60:,.0f} min"


def _batches(experiment: Experiment) -> Iterator[Batch]:
    """The first training batches, as the model is given them."""
    key = Key(experiment.seed)("augment", 0)
    for batch in train_batches(replace(experiment, workers=0), SOLO).epoch(0):
        there = to_device(batch, device_of(experiment.model))
        yield there if experiment.augment is None else experiment.augment(there, key)


def _others(experiment: Experiment, asked: set[str]) -> Iterator[Variant]:
    """The variants to try beside the experiment's own, without compiling."""
    own = _of(experiment)
    convolves = any(parameter.dim() > 3 for parameter in experiment.model.parameters())
    precisions = ("fp32", "bf16") if "precision" in asked else (own.precision,)
    formats = ("contiguous", "channels-last") if "memory_format" in asked and convolves else (own.memory_format,)
    found = (replace(own, precision=precision, memory_format=each) for precision in precisions for each in formats)
    yield from (variant for variant in found if variant != own)
