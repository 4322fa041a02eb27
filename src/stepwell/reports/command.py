"""The commands that a page shows, ready to be copied."""

import shlex
from collections.abc import Mapping
from pathlib import Path
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
    """The training command of the run's recipe with its parameters, some of them changed. Empty without a recipe.

    Parameters that have their default value (the run's `defaults`) are left out, and those that `arguments` names are given
    by their place.
    """
    if not facts.get("recipe"):
        return ""
    values = {**settings(facts), **(changes or {})}
    defaults, places = part(facts, "defaults"), facts.get("arguments") or ()
    arguments = [_word(values.pop(name)) for name in places if name in values]
    chosen = {name: value for name, value in values.items() if name not in defaults or defaults[name] != value}
    words = [word for name, value in chosen.items() for word in _flag(name, value)]
    return shlex.join(["stepwell", "train", str(facts["recipe"]), *arguments, *words])


def on_run(verb: str, facts: Line) -> str:
    """A verb for the run's folder, such as `stepwell evaluate runs/NAME`. Empty where the folder is not known."""
    folder = facts.get("folder") or (f"runs/{facts['name']}" if facts.get("name") else "")
    return shlex.join(["stepwell", verb, str(folder)]) if folder else ""


def _option(name: object) -> str:
    return str(name).replace("_", "-")


def _word(value: Any) -> str:
    """A value as a word; a path below the working folder as it is shortest to type from there."""
    word = str(value)
    here = Path.cwd()
    below = Path(word).is_absolute() and Path(word).is_relative_to(here)
    return str(Path(word).relative_to(here)) if below else word


def _flag(name: str, value: Any) -> list[str]:
    """A parameter as words of a command line; nothing for None and for an empty list."""
    if isinstance(value, bool):
        return [f"--{_option(name)}" if value else f"--no-{_option(name)}"]
    if isinstance(value, list | tuple):
        return [f"--{_option(name)}", ",".join(map(_word, value))] if value else []
    return [] if value is None else [f"--{_option(name)}", _word(value)]
