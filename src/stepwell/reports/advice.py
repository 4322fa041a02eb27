"""What to run next."""

from collections.abc import Sequence
from typing import Any

from stepwell.reports import command
from stepwell.reports.baselines import Comparison, loses
from stepwell.reports.columns import suspects
from stepwell.reports.diagnosis import Shape, shape
from stepwell.reports.history import Line, as_number
from stepwell.reports.page import Section, code, paragraph
from stepwell.reports.text import Html, part

Step = tuple[str, str]
"""Why, and the command; no step where the command is empty."""

_CHANGES: dict[Shape, tuple[str, float, str]] = {
    "improving": ("epochs", 2, "It was still improving; train for longer:"),
    "unstable": ("learning_rate", 0.1, "It was unstable; take smaller steps:"),
    "broken": ("learning_rate", 0.1, "It diverged; take smaller steps:"),
    "stuck": ("learning_rate", 0.1, "It did not learn; try another learning rate, such as:"),
}
"""The parameter to change for a shape of the curves, by which factor, and why."""

_DROPOUT, _DECAY = 0.3, 10
"""What to try against overfitting: this share of dropout at least, or so many times the weight decay."""


def advice(facts: Line, history: Sequence[Line], comparison: Comparison | None = None) -> Section:
    """The commands that make sense after this run, each with its reason; `comparison` is that with the best baseline."""
    steps = [
        *_finish(facts),
        *_clean(facts),
        *_improve(facts, history),
        *_generalise(facts, history),
        *_widen(facts, history, comparison),
        *_always(facts),
    ]
    items = "".join(f"<li>{paragraph(why)}{code(order)}</li>" for why, order in steps if order)
    return Section("What to run next", Html(f'<ul class="steps">{items}</ul>' if items else ""))


def _finish(facts: Line) -> list[Step]:
    if facts.get("status") not in ("stopped", "failed"):
        return []
    return [("Go on from the last checkpoint, exactly where it stopped:", command.on_run("resume", facts))]


def _clean(facts: Line) -> list[Step]:
    """Without the columns of which a warning says that they know the target, or are but numbers of rows."""
    found = suspects(facts)
    if not found:
        return []
    dropped = part(facts, "parameters").get("drop")
    names = [*(dropped if isinstance(dropped, list | tuple) else []), *found]
    why = f"A warning names {' and '.join(found)}; if that is not known when the model is used, leave it out:"
    return [(why, command.train(facts, {"drop": names}))]


def _improve(facts: Line, history: Sequence[Line]) -> list[Step]:
    """A change of one parameter that answers the shape of the curves, if the recipe has that parameter."""
    change = _CHANGES.get(shape(history))
    value = as_number(part(facts, "parameters").get(change[0])) if change else 0.0
    if change is None or not value > 0:
        return []
    name, factor, why = change
    return [(why, command.train(facts, {name: f"{value * factor:.6g}"}))]


def _generalise(facts: Line, history: Sequence[Line]) -> list[Step]:
    """Against overfitting: more dropout, else more weight decay, if the recipe has either."""
    known = part(facts, "parameters")
    dropout, decay = (as_number(known.get(name)) for name in ("dropout", "weight_decay"))
    if shape(history) != "overfitting":
        return []
    if 0 <= dropout < _DROPOUT:
        why = "It overfitted; drop more of the hidden values in training:"
        return [(why, command.train(facts, {"dropout": _DROPOUT}))]
    if decay > 0:
        return [
            ("It overfitted; pull the weights to zero more:", command.train(facts, {"weight_decay": decay * _DECAY}))
        ]
    return []


def _widen(facts: Line, history: Sequence[Line], comparison: Comparison | None) -> list[Step]:
    """A wider network, where a simple model is better and the curves show that this one did not overfit."""
    hidden = part(facts, "parameters").get("hidden")
    if comparison is None or not loses(comparison) or not hidden or shape(history) == "overfitting":
        return []
    return [(f"{comparison.name} is better; try a wider network:", command.train(facts, {"hidden": _doubled(hidden)}))]


def _doubled(hidden: Any) -> Any:
    if isinstance(hidden, list | tuple):
        return [_doubled(each) for each in hidden]
    return 2 * hidden if isinstance(hidden, int) else hidden


def _always(facts: Line) -> list[Step]:
    steps = [("Measure it again, on the same rows:", command.on_run("evaluate", facts))]
    seed = facts.get("seed")
    if isinstance(seed, int):
        steps.append(("See how much of the result is luck; another seed:", command.train(facts, {"seed": seed + 1})))
    return steps
