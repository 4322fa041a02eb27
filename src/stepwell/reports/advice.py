"""What to run next."""

from collections.abc import Sequence

from stepwell.reports import command
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


def advice(facts: Line, history: Sequence[Line]) -> Section:
    """The commands that make sense after this run, each with its reason."""
    steps = _finish(facts) + _improve(facts, history) + _always(facts)
    items = "".join(f"<li>{paragraph(why)}{code(order)}</li>" for why, order in steps if order)
    return Section("What to run next", Html(f'<ul class="steps">{items}</ul>' if items else ""))


def _finish(facts: Line) -> list[Step]:
    if facts.get("status") not in ("stopped", "failed"):
        return []
    return [("Go on from the last checkpoint, exactly where it stopped:", command.on_run("resume", facts))]


def _improve(facts: Line, history: Sequence[Line]) -> list[Step]:
    """A change of one parameter that answers the shape of the curves, if the recipe has that parameter."""
    change = _CHANGES.get(shape(history))
    value = as_number(part(facts, "parameters").get(change[0])) if change else 0.0
    if change is None or not value > 0:
        return []
    name, factor, why = change
    return [(why, command.train(facts, {name: f"{value * factor:.6g}"}))]


def _always(facts: Line) -> list[Step]:
    steps = [("Measure it again, on the same rows:", command.on_run("evaluate", facts))]
    seed = facts.get("seed")
    if isinstance(seed, int):
        steps.append(("See how much of the result is luck; another seed:", command.train(facts, {"seed": seed + 1})))
    return steps
