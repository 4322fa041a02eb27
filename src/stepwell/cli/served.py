"""Names and words for what is served."""

import shlex
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from itertools import count
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from stepwell.core.errors import StepwellError
from stepwell.runs import Run

if TYPE_CHECKING:
    from stepwell.deploy.card import Card


def needs_extra(extra: str, *modules: str) -> None:
    """Raise `StepwellError`, with the command that mends it, where packages of an extra are not installed."""
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise StepwellError(
            f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed. They belong to an extra:\n"
            f"  pip install 'stepwell[{extra}]'"
        )


def model_names(runs: Sequence[Run]) -> dict[str, Run]:
    """Names for addresses: a run's recipe; where several have it, or it has none, the folder's name, with a number if need be.

    Raises `StepwellError` where a folder was given twice.
    """
    _refuse_twice(runs)
    recipes = [_recipe(run) for run in runs]
    alone = {name for name in recipes if name and recipes.count(name) == 1}
    taken, names = set(alone), []
    for run, recipe in zip(runs, recipes, strict=True):
        names.append(recipe if recipe in alone else _free(run.folder.resolve().name, taken))
        taken.add(names[-1])
    return dict(zip(names, runs, strict=True))


def _refuse_twice(runs: Sequence[Run]) -> None:
    folders = [run.folder.resolve() for run in runs]
    twice = next((folder for folder in folders if folders.count(folder) > 1), None)
    if twice is not None:
        raise StepwellError(f"The run {twice} was given twice. Give each run once.")


def _free(name: str, taken: Iterable[str]) -> str:
    """The name, or the first of name-2, name-3 … that is not taken."""
    return next(each for number in count(1) if (each := name if number == 1 else f"{name}-{number}") not in taken)


def served_models(runs: Sequence[Run], which: str | int) -> tuple[dict[str, Any], ...]:
    """What workers load, as plain data. The checkpoint is told by its step: the best or the last may be another one when a
    worker starts again.
    """
    return tuple(
        {"folder": str(run.folder.resolve()), "checkpoint": run.read_checkpoint(which).step, "name": name}
        for name, run in model_names(runs).items()
    )


def _recipe(run: Run) -> str:
    return str(run.facts.get("recipe") or "").rpartition(":")[2]


def curl(card: "Card", address: str, token: bool) -> str:
    """A command that asks a model with an example of its own."""
    shown = " -H 'Authorization: Bearer TOKEN'" if token else ""
    name = quote(card.name, safe="")
    example = f"curl -s{shown} {shlex.quote(f'{address}/models/{name}/examples/0')}"
    kind = "application/json" if card.kind == "table" or len(card.inputs) > 1 else "application/x-npy"
    asked = shlex.quote(f"{address}/predict/{name}")
    return f"{example} | curl -s{shown} {asked} -H 'Content-Type: {kind}' --data-binary @-"
