"""Finding a run, its recipe and its checkpoints from what was typed."""

import glob
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stepwell.cli.console import command
from stepwell.cli.failures import WrongUse
from stepwell.core.errors import RecipeError, RunError
from stepwell.recipes.entries import ENTRIES
from stepwell.recipes.recipe import Recipe, load
from stepwell.runs import Run, open_run

BUDGETS = ("epochs", "steps", "minutes")
ENDING = ("OneCycleLR", "CosineAnnealingLR", "LinearLR", "PolynomialLR")
"""Schedules that are made for a budget and end with it; going on beyond that would be another training."""

_TOO_FEW = 4
"""Updates below which a recipe's cycle has nothing to rise and fall in, so that it is left out (`one_cycle`)."""


def find_recipe(target: str) -> Recipe:
    """The recipe of a name or of `file.py:function`. Raises `WrongUse` for a name that is none, with the nearest."""
    try:
        return load(target)
    except RecipeError as error:
        known = target in {entry.name for entry in ENTRIES}
        raise (error if known or ".py" in target else WrongUse(f"{error}\nSee {command('list')}")) from None


def find_run(folder: str) -> Run:
    """The run in a folder. Raises `RunError` where it is none, or where its `run.json` is not what Stepwell writes."""
    run = open_run(_completed(folder))
    wrong = [name for name, kind in _EXPECTED.items() if not isinstance(_get(run.facts, name), kind)]
    if wrong:
        raise RunError(
            f"{run.folder / 'run.json'} is damaged: it lacks {' and '.join(wrong)}. Bring it back, or train a new run."
        )
    return run


def _completed(folder: str) -> str:
    """The folder as it was typed; where it does not exist, a run below `runs` of that name is meant.

    Raises `RunError`, with the newest run whose name begins like that.
    """
    path = Path(folder)
    if path.exists():
        return folder
    if (Path("runs") / path).exists():
        return str(Path("runs") / path)
    places = [path.parent, *([Path("runs")] if path.parent == Path() else [])]
    alike = [str(other) for place in places for other in sorted(place.glob(f"{glob.escape(path.name)}*/run.json"))]
    if not path.name or not alike:
        return folder
    raise RunError(f"There is no run folder {folder}. Did you mean {str(Path(alike[-1]).parent)!r}?")


_EXPECTED: dict[str, type | tuple[type, ...]] = {
    "status": str,
    "recipe": (str, type(None)),
    "parameters": (dict, type(None)),
}


def _get(facts: Any, name: str) -> Any:
    return facts.get(name) if isinstance(facts, dict) else ...


def recipe_of(run: Run) -> Recipe:
    """The recipe that made a run. Raises `RunError` where none did."""
    if not run.facts.get("recipe"):
        raise RunError(f"{run.folder} was not made by a recipe. Go on with its experiment in Python: fit(…, resume=…).")
    return load(run.facts["recipe"])


def refuse_translation(run: Run, photo: Path) -> None:
    """Raise `RunError` for a run whose model has no answers but makes pictures, with the command that does."""
    if run.facts.get("task", {}).get("kind") == "Translation":
        raise RunError(
            f"{run.name} translates pictures, so it has no answers about them. Translate one with:\n"
            f"  {command('translate', photo, '--weights', relative(run.folder))}"
        )


def checkpoint_name(given: str) -> str | int:
    """`last`, `best`, or the number of a step. Raises `WrongUse` for anything else."""
    if given in ("last", "best"):
        return given
    if given.isdigit():
        return int(given)
    raise WrongUse(f"A checkpoint is named last, best, or by the number of its step; not {given!r}.")


def relative(folder: Path) -> Path:
    """A folder as it is shortest to type from here."""
    here = Path.cwd()
    whole = folder.resolve()
    return whole.relative_to(here) if whole.is_relative_to(here) else folder


def budget(parameters: Mapping[str, Any]) -> tuple[str, float] | None:
    """The name and number of a recipe's budget among its parameters."""
    found = [(name, parameters[name]) for name in BUDGETS if isinstance(parameters.get(name), (int, float))]
    return found[0] if found else None


def larger_budget(run: Run) -> str:
    """The command that trains a run twice as long: on from where it is, or anew where its schedule hangs on its budget."""
    from stepwell.reports.command import train as train_command  # with which matplotlib comes

    found = budget(run.facts["parameters"]) or _made(run)
    if found and _ends(run):
        return train_command(run.facts, {found[0]: type(found[1])(found[1] * 2)})
    longer = [f"--{found[0]}", f"{found[1] * 2:g}"] if found else []
    return command("resume", relative(run.folder), *longer)


def _ends(run: Run) -> bool:
    """Whether the schedule ends with the budget, or a recipe of ours left it out, which a longer training may have."""
    scheduler = run.facts.get("optimizer", {}).get("scheduler")
    too_few = run.facts.get("finished", {}).get("steps", _TOO_FEW) < _TOO_FEW
    ours = run.facts.get("recipe") in {entry.name for entry in ENTRIES}
    return scheduler in ENDING or (ours and scheduler is None and too_few)


def _made(run: Run) -> tuple[str, float] | None:
    """The epochs that a run made, where its recipe chose their number."""
    made = run.facts.get("finished", {}).get("epochs")
    return ("epochs", made) if made and "epochs" in run.facts["parameters"] else None
