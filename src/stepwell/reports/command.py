"""The commands that a page shows, ready to be copied."""

import shlex
from collections.abc import Mapping
from typing import Any

from stepwell.reports.history import Line
from stepwell.reports.text import part


def settings(facts: Line) -> dict[str, Any]:
    """The parameters of a run, with its seed."""
    seed = facts.get("seed")
    return {**part(facts, "parameters"), **({} if seed is None else {"seed": seed})}


def given(facts: Line) -> str:
    """The command that was given; where it is not known, one made of the recipe and its parameters; or nothing."""
    words = facts.get("command")
    if isinstance(words, list | tuple):
        return shlex.join(map(str, words))
    return str(words or "") or train(facts)


def train(facts: Line, changes: Mapping[str, Any] | None = None) -> str:
    """The training command of the run's recipe with its parameters, some of them changed. Empty without a recipe."""
    if not facts.get("recipe"):
        return ""
    values = {**settings(facts), **(changes or {})}
    words = [word for name, value in values.items() for word in _flag(name, value)]
    return shlex.join(["stepwell", "train", str(facts["recipe"]), *words])


def on_run(verb: str, facts: Line) -> str:
    """A verb for the run's folder, such as `stepwell evaluate runs/NAME`. Empty where the folder is not known."""
    folder = facts.get("folder") or (f"runs/{facts['name']}" if facts.get("name") else "")
    return shlex.join(["stepwell", verb, str(folder)]) if folder else ""


def _flag(name: str, value: Any) -> list[str]:
    """A parameter as words of a command line; nothing for None."""
    option = str(name).replace("_", "-")
    if isinstance(value, bool):
        return [f"--{option}" if value else f"--no-{option}"]
    return [] if value is None else [f"--{option}", str(value)]
