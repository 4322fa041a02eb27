"""What to run next."""

import shlex
from collections.abc import Sequence

from stepwell.reports.background import flag
from stepwell.reports.diagnosis import shape
from stepwell.reports.history import Line, as_number
from stepwell.reports.page import Section, code, paragraph
from stepwell.reports.text import Html, part

Step = tuple[str, str]
"""Why, and the command."""


def advice(facts: Line, history: Sequence[Line]) -> Section:
    """The commands that make sense after this run, each with its reason."""
    steps = _finish(facts) + _improve(facts, history) + _always(facts)
    items = "".join(f"<li>{paragraph(why)}{code(order)}</li>" for why, order in steps)
    return Section("What to run next", Html(f'<ul class="steps">{items}</ul>' if items else ""))


def _folder(facts: Line) -> str:
    return str(facts.get("folder") or (f"runs/{facts['name']}" if facts.get("name") else ""))


def _finish(facts: Line) -> list[Step]:
    if facts.get("status") not in ("stopped", "failed") or not _folder(facts):
        return []
    return [("Go on from the last checkpoint, exactly where it stopped:", _join("stepwell", "resume", _folder(facts)))]


def _improve(facts: Line, history: Sequence[Line]) -> list[Step]:
    """A change of one parameter that answers the shape of the curves, if the recipe has that parameter."""
    name, factor, why = {
        "improving": ("epochs", 2, "It was still improving; train for longer:"),
        "unstable": ("learning_rate", 0.1, "It was unstable; take smaller steps:"),
        "broken": ("learning_rate", 0.1, "It diverged; take smaller steps:"),
        "stuck": ("learning_rate", 0.1, "It did not learn; try another learning rate, such as:"),
    }.get(shape(history), ("", 1, ""))
    value = as_number(part(facts, "parameters").get(name))
    if not (value > 0 and facts.get("recipe")):
        return []
    changed = f"{value * factor:.6g}"
    return [(why, _train(facts, {name: changed}))]


def _always(facts: Line) -> list[Step]:
    steps = []
    if _folder(facts):
        steps.append(("Measure it again, on the same rows:", _join("stepwell", "evaluate", _folder(facts))))
    if facts.get("recipe") and isinstance(facts.get("seed"), int):
        again = _train(facts, {"seed": facts["seed"] + 1})
        steps.append(("See how much of the result is luck; another seed:", again))
    return steps


def _train(facts: Line, changes: dict[str, object]) -> str:
    """The run's own training command with some parameters changed."""
    values = {**part(facts, "parameters"), **({"seed": facts["seed"]} if "seed" in facts else {}), **changes}
    words = [word for item in values.items() for word in flag(*item)]
    return _join("stepwell", "train", str(facts["recipe"]), *words)


def _join(*words: str) -> str:
    return shlex.join(words)
