"""Names and words for what is served."""

import shlex
from collections.abc import Iterable, Sequence
from itertools import count
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from stepwell.core.errors import StepwellError
from stepwell.runs import Run

if TYPE_CHECKING:
    from stepwell.deploy.card import Card


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
    """A command that asks a model: with a file of one's own where it reads files, else with one of its examples."""
    shown = ' -H "Authorization: Bearer $STEPWELL_TOKEN"' if token else ""
    name = quote(card.name, safe="")
    asked = f"curl -s{shown} {shlex.quote(f'{address}/predict/{name}')}"
    if card.files:
        file, kind = ("photo.png", "image/png") if card.kind == "images" else ("new.csv", "text/csv")
        return f"{asked} -H 'Content-Type: {kind}' --data-binary @{file}"
    kind = "application/json" if len(card.inputs) > 1 else "application/x-npy"
    example = f"curl -s{shown} {shlex.quote(f'{address}/models/{name}/examples/0')}"
    return f"{example} | {asked} -H 'Content-Type: {kind}' --data-binary @-"


def takes(card: "Card") -> str:
    """What a model reads, for its user."""
    arrays = ", ".join(array.written() for array in card.inputs)
    files = " ".join(card.files[:3])
    if card.kind == "table":
        return f"rows of {len(card.form['columns'])} columns: {files}"
    if card.kind == "series":
        return f"the last {card.form['window']} rows or more: {files}"
    return f"pictures: {files}, or {arrays}" if card.files else f"{arrays} a row"
