"""The runs of a sweep as plain facts: what each reached, what that is over seeds, which is best."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from stepwell.reports.history import SIDES, Best, Line, as_number, best, direction, watched
from stepwell.reports.learning import spoken
from stepwell.reports.text import part

SEED = "seed"


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One run of a sweep: the values that are varied, how far it is (`status`), and why it failed, if it did.

    `name` is that of its folder; `facts`, `history` and `evaluation` are the content of its `run.json`, `history.jsonl`
    and `evaluation.json`. All are empty where it has no run.
    """

    varied: Mapping[str, Any]
    status: str
    error: str = ""
    name: str = ""
    facts: Line = field(default_factory=dict)
    history: Sequence[Line] = ()
    evaluation: Line = field(default_factory=dict)

    @property
    def best(self) -> Best | None:
        """The best epoch; None unless the run was trained to its end."""
        return best(self.history, self.facts) if self.status == "done" else None

    @property
    def number(self) -> float:
        """The number of the best epoch, by which trials are compared; else NaN."""
        return self.best.value if self.best else math.nan

    @property
    def seconds(self) -> float:
        """How long it was trained; NaN unless to its end."""
        return as_number(part(dict(self.facts), "finished").get("seconds")) if self.best else math.nan

    @property
    def tested(self) -> float:
        """The same metric of rows that chose nothing, where there are such; else NaN."""
        found = self.best
        if not found or self.evaluation.get("split") != "test":
            return math.nan
        return as_number(part(dict(self.evaluation), "metrics").get(found.name))


@dataclass(frozen=True)
class Outcome:
    """What one combination of values came to, over all of its seeds that were trained to their end."""

    varied: Mapping[str, Any]
    trials: Sequence[Trial]

    @property
    def numbers(self) -> list[float]:
        """The numbers of its trials that have one."""
        return [trial.number for trial in self.trials if math.isfinite(trial.number)]

    @property
    def mean(self) -> float:
        """Their mean; NaN of none."""
        return float(np.mean(self.numbers)) if self.numbers else math.nan

    @property
    def error(self) -> float:
        """The standard error of the mean; NaN of fewer than two."""
        count = len(self.numbers)
        return float(np.std(self.numbers, ddof=1)) / math.sqrt(count) if count > 1 else math.nan

    @property
    def seconds(self) -> float:
        """The mean of its trials' seconds; NaN of none."""
        spent = [trial.seconds for trial in self.trials if math.isfinite(trial.seconds)]
        return float(np.mean(spent)) if spent else math.nan


def outcomes(trials: Sequence[Trial]) -> list[Outcome]:
    """Trials that differ in their seed alone, together; in the order in which they first come."""
    together: dict[str, list[Trial]] = {}
    for trial in trials:
        together.setdefault(named(_settings(trial.varied)), []).append(trial)
    return [Outcome(_settings(each[0].varied), each) for each in together.values()]


def _settings(varied: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in varied.items() if name != SEED}


def measure(trials: Sequence[Trial]) -> tuple[str, str]:
    """What trials are compared by, as `validation accuracy`, and whether `min` or `max` of it is good."""
    for trial in trials:
        found = trial.best
        if found:
            name, good = watched(trial.facts)
            return f"{SIDES[found.side]} {spoken(found.name)}", good if name == found.name else direction(found.name)
    return "number", "max"


def ranked(found: Sequence[Outcome], good: str) -> list[Outcome]:
    """Those that have a number, the best first; equals in the order in which they came."""
    known = [outcome for outcome in found if math.isfinite(outcome.mean)]
    return sorted(known, key=lambda outcome: outcome.mean if good == "min" else -outcome.mean)


def sentence(trials: Sequence[Trial]) -> str:
    """Which combination is best, and by what."""
    what, good = measure(trials)
    found = outcomes(trials)
    order = ranked(found, good)
    if not order:
        return "No run was trained to its end."
    first, ties = order[0], [outcome for outcome in order if outcome.mean == order[0].mean]
    reached = f"{what} {interval(first)}"
    if len(found) == 1:
        return f"{reached[0].upper()}{reached[1:]}: mean and standard error of {len(first.numbers)} seeds."
    over = f", mean and standard error of {len(first.numbers)} seeds" if len(first.trials) > 1 else ""
    if len(ties) > 1:
        return (
            f"{len(ties)} of {len(found)} are best, with {reached}{over}: {'; '.join(named(e.varied) for e in ties)}."
        )
    return f"Best: {named(first.varied)}, with {reached}{over}.{_near(first, order[1:])}"


def _near(first: Outcome, others: Sequence[Outcome]) -> str:
    """How many of the others the seeds do not tell from the best: nearer than two standard errors of the difference."""
    near = [one for one in others if abs(one.mean - first.mean) < 2 * math.hypot(one.error, first.error)]
    if not near:
        return ""
    which = named(near[0].varied) if len(near) == 1 else f"{len(near)} others"
    return f" The seeds do not tell it from {which}: the difference is below two standard errors."


def different_rows(trials: Sequence[Trial]) -> list[str]:
    """A warning where trials of one seed saw different rows, so that their numbers differ for this reason, too."""
    seen: dict[Any, set[str]] = {}
    for trial in trials:
        if trial.best:
            data, facts = part(dict(trial.facts), "data"), dict(trial.facts)
            rows = part(part(facts, "reader"), "file") or data.get("fingerprint")
            seen.setdefault(facts.get(SEED), set()).add(json.dumps([rows, data.get("split")], default=str))
    if all(len(kinds) == 1 for kinds in seen.values()):
        return []
    return ["What is varied changes the rows, too, so the runs' numbers are not of the same rows."]


def interval(outcome: Outcome) -> str:
    """The mean, with its standard error where there is one."""
    error = f" ± {outcome.error:.2g}" if math.isfinite(outcome.error) else ""
    return f"{outcome.mean:.4g}{error}" if math.isfinite(outcome.mean) else "–"


def named(varied: Mapping[str, Any]) -> str:
    """Values in words: `layers 2, batch size 8`."""
    return ", ".join(f"{name.replace('_', ' ')} {written(value)}" for name, value in varied.items())


def written(value: Any) -> str:
    """A parameter's value as it is written on a command line."""
    if isinstance(value, list | tuple):
        return ",".join(map(written, value))
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)
