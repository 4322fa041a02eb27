"""Two or more runs side by side, as plain facts: what differs, what each reached, whether the comparison is fair."""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from stepwell.reports import command
from stepwell.reports.history import Line, as_number, best, direction, watched
from stepwell.reports.learning import spoken
from stepwell.reports.text import part, told

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, kw_only=True)
class Rival:
    """One of the runs that are compared: the content of its `run.json`, `history.jsonl`, `timing.jsonl`,
    `evaluation.json` and `split.json`; empty where a file is missing. `name` tells it from the others.
    """

    name: str
    facts: Line
    history: Sequence[Line] = ()
    timing: Sequence[Line] = ()
    evaluation: Line = field(default_factory=dict)
    split: Line = field(default_factory=dict)

    @property
    def metrics(self) -> dict[str, float]:
        """The metrics of the evaluation of the best weights, as numbers."""
        found = {str(name): as_number(value) for name, value in part(dict(self.evaluation), "metrics").items()}
        return {name: value for name, value in found.items() if math.isfinite(value)}

    @property
    def seconds(self) -> float:
        """How long all epochs took; NaN where that is not known."""
        spent = [as_number(value) for line in self.timing for key, value in line.items() if key != "epoch"]
        return float(np.nansum(spent)) if spent else math.nan

    @property
    def parameters(self) -> int | None:
        """The number of the model's parameters."""
        count = part(dict(self.facts), "model").get("parameters")
        return count if isinstance(count, int) else None


def letter(place: int) -> str:
    """What a run is called in a table: A, B, …"""
    return _LETTERS[place % len(_LETTERS)]


def labels(rivals: Sequence[Rival]) -> list[str]:
    """What the runs are called in figures: letter and name."""
    return [f"{letter(place)} {rival.name}" for place, rival in enumerate(rivals)]


def differences(rivals: Sequence[Rival]) -> dict[str, list[Any]]:
    """The parameters, with recipe, seed and version, that are not the same for all; None where a run has no such.

    What is written alike, such as an empty list and None, is the same.
    """
    each = [_settings(rival) for rival in rivals]
    names = dict.fromkeys(name for settings in each for name in settings)
    rows = {name: [settings.get(name) for settings in each] for name in names}
    return {name: values for name, values in rows.items() if _differ(values)}


def _differ(values: Sequence[Any]) -> bool:
    return any(value != values[0] and str(told(value)) != str(told(values[0])) for value in values)


def alike(rivals: Sequence[Rival]) -> int:
    """How many parameters are the same for all runs."""
    return len({name for rival in rivals for name in _settings(rival)}) - len(differences(rivals))


def _settings(rival: Rival) -> dict[str, Any]:
    facts = dict(rival.facts)
    versions = part(facts, "versions")
    others = {"stepwell": versions.get("stepwell"), "torch": versions.get("torch")}
    return {"recipe": facts.get("recipe"), **command.settings(facts), **others}


def judged(rivals: Sequence[Rival]) -> list[str]:
    """The metrics that all evaluations have: the watched one first, then in the order of the first run, the loss last.

    None where the runs do different tasks, whose numbers are not of one kind even where they share a name.
    """
    if len(_tasks(rivals)) > 1:
        return []
    shared = [name for name in rivals[0].metrics if all(name in rival.metrics for rival in rivals)]
    first = watched(rivals[0].facts)[0]
    return sorted(shared, key=lambda name: (name != first, name == "loss"))


def winner(rivals: Sequence[Rival], metric: str) -> int | None:
    """The place of the run that is best by a metric of the evaluation; None for a tie, and where the rows differ."""
    if _rows_differ(rivals):
        return None
    values = [rival.metrics[metric] for rival in rivals]
    top = (min if good(rivals, metric) == "min" else max)(values)
    return values.index(top) if values.count(top) == 1 else None


def good(rivals: Sequence[Rival], metric: str) -> str:
    """Whether `min` or `max` of a metric is good."""
    name, way = watched(rivals[0].facts)
    return way if name == metric else direction(metric)


def best_epoch(rival: Rival) -> int | None:
    """The best epoch by the watched number; None without a history."""
    found = best(rival.history, rival.facts)
    return found.epoch if found else None


def fairness(rivals: Sequence[Rival]) -> str:
    """Why the metrics must not be compared as they are; empty where all were measured on the same rows."""
    if not all(rival.evaluation for rival in rivals):
        missing = ", ".join(rival.name for rival in rivals if not rival.evaluation)
        return f"Not all runs have been evaluated: {missing}. Run stepwell report on these first."
    if len(_tasks(rivals)) > 1:
        return f"The runs do different tasks ({', '.join(_tasks(rivals))}), so their metrics cannot be compared."
    sides = [(str(rival.evaluation.get("split")), rival.evaluation.get("rows")) for rival in rivals]
    if len(set(sides)) > 1:
        each = "; ".join(f"{letter(place)}: {rows} {side} rows" for place, (side, rows) in enumerate(sides))
        return f"The runs were evaluated on different rows ({each}), so their metrics cannot be compared."
    data, rows = ([which(rival) for rival in rivals] for which in (_data, _rows))
    if None in data:
        return "Whether the runs were evaluated on the same rows is not known: not all say what data they saw."
    if len(set(data)) > 1 and len(set(rows)) > 1:
        return "The runs saw different data, or other splits of the same, and so were evaluated on different rows."
    if len(set(data)) > 1:
        return "The runs saw different data, so their metrics can be compared only if that is what you want to compare."
    if len(set(rows)) > 1:
        return (
            "The runs were evaluated on different rows of the same data (another split), so small differences are luck."
        )
    return ""


def _rows_differ(rivals: Sequence[Rival]) -> bool:
    """Whether the evaluations are known to be of different rows, so that none may be called best."""
    sides = {(str(rival.evaluation.get("split")), rival.evaluation.get("rows"), _rows(rival)) for rival in rivals}
    return len(sides) > 1


def _tasks(rivals: Sequence[Rival]) -> list[str]:
    """The kinds of task that are among the runs, as far as they are known."""
    kinds = [part(dict(rival.facts), "task").get("kind") for rival in rivals]
    return list(dict.fromkeys(str(kind) for kind in kinds if kind))


def _data(rival: Rival) -> str | None:
    """What tells the data of a run: its file, which may be encoded in many ways, else its rows' fingerprint."""
    facts = dict(rival.facts)
    file = part(facts, "reader").get("file")
    found = json.dumps(file, sort_keys=True, default=str) if file else part(facts, "data").get("fingerprint")
    return str(found) if found else None


def _rows(rival: Rival) -> str:
    """What tells the rows on which a run was evaluated: their numbers, else how the split was made."""
    side = str(rival.evaluation.get("split"))
    numbers = part(dict(rival.split), "rows").get(side)
    if numbers:
        return hashlib.sha256(json.dumps(numbers).encode()).hexdigest()
    return str(part(dict(rival.facts), "data").get("split"))


def sentence(rivals: Sequence[Rival]) -> str:
    """Which run is best by the first metric that all have, and by how much; or why none can be called best."""
    if len(_tasks(rivals)) > 1:
        return "The runs do different tasks, so none is best."
    metrics = judged(rivals)
    if not metrics:
        return "The runs share no metric of their evaluations."
    if _rows_differ(rivals):
        return "The runs were evaluated on different rows, so their metrics cannot be compared and none is best."
    metric, first = metrics[0], winner(rivals, metrics[0])
    values = [rival.metrics[metric] for rival in rivals]
    if first is None:
        return f"No run is best alone: {spoken(metric)} {', '.join(f'{value:.4g}' for value in values)}."
    others = [value for place, value in enumerate(values) if place != first]
    second = (min if good(rivals, metric) == "min" else max)(others)
    return (
        f"{letter(first)}, {rivals[first].name}, is best by {spoken(metric)}: {values[first]:.4g}, against {second:.4g}"
        f" of {'the other' if len(others) == 1 else 'the next'}."
    )
