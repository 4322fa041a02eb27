"""A sweep: one run for every combination of some parameters' values, in a folder that survives interruptions."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from stepwell.core.errors import CheckpointError, RunError, StepwellError
from stepwell.recipes import launch
from stepwell.recipes.finish import finish
from stepwell.recipes.grid import Values, checked, combinations, sweep_command
from stepwell.recipes.member import Member
from stepwell.recipes.recipe import Recipe, load
from stepwell.recipes.values import plain
from stepwell.reports.sweep import render_sweep
from stepwell.runs.files import read_json, write_json, write_text, writing
from stepwell.runs.run import list_runs
from stepwell.training.hooks import Hook

FILE, PAGE = "sweep.json", "sweep.html"
HooksOf = Callable[[Member], Sequence[Hook]]
"""Makes the hooks of a member."""
_KEPT = ("varied", "parameters", "checkpoints", "asked")
_OF_ONE = (StepwellError, RuntimeError, MemoryError)  # torch's, such as too little memory, are RuntimeErrors


def no_hooks(member: Member) -> Sequence[Hook]:
    """None beside those of every run."""
    return ()


@dataclass(frozen=True)
class Sweep:
    """A folder with a run for each combination of what is `varied`; the other `parameters` are the same for all.

    Values are as JSON holds them. `checkpoints` are settings of each run's `Checkpoints`; `asked` is what the caller wants
    to find again.
    """

    folder: Path
    recipe: Recipe
    varied: Values
    parameters: Mapping[str, Any]
    checkpoints: Mapping[str, Any] = field(default_factory=dict)
    asked: Mapping[str, Any] = field(default_factory=dict)

    @property
    def members(self) -> list[Member]:
        """The combinations, each with its run as the folder has it now."""
        runs, made = list_runs(self.folder), combinations(self.varied)
        return [Member(varied, {**self.parameters, **varied}).found(runs) for varied in made]

    def train(self, hooks: HooksOf = no_hooks) -> Iterator[Member]:
        """Train what is not done yet, one after another; gives each member as it then is, and writes the page in the end.

        One that fails is given with its error, and the next one's turn comes. What concerns all (a full disk, other data
        than before) is raised; so is `KeyboardInterrupt`, and a later call goes on.
        """
        members = []
        for member in self.members:
            members.append(member if member.whole else _trained(self, member, hooks))
            yield members[-1]
        how = sweep_command(self.recipe, self.varied, self.parameters)
        write_text(self.folder / PAGE, render_sweep(self.recipe.name, [member.trial for member in members], how))


def _trained(sweep: Sweep, member: Member, hooks: HooksOf) -> Member:
    """The member after its training, or what was left of it."""
    try:
        _train(sweep, member, hooks(member))
    except _OF_ONE as error:
        if isinstance(error, RunError) and not isinstance(error, CheckpointError):
            raise  # every other member would fail so, too
        return replace(member.found(list_runs(sweep.folder)), error=str(error) or type(error).__name__)
    return member.found(list_runs(sweep.folder))


def _train(sweep: Sweep, member: Member, hooks: Sequence[Hook]) -> None:
    run = member.run
    if run is None:
        out, saving = str(sweep.folder), sweep.checkpoints
        launch.train(sweep.recipe, member.parameters, out=out, hooks=hooks, checkpoints=saving)
    elif run.facts["status"] == "done":
        finish(run, launch.rebuild(run))
    else:
        launch.resume(run, hooks=hooks)


def sweep(
    recipe: Recipe,
    varied: Values,
    parameters: Mapping[str, Any],
    *,
    out: str = "runs",
    hooks: HooksOf = no_hooks,
    checkpoints: Mapping[str, Any] | None = None,
) -> list[Member]:
    """Train every combination of the varied parameters' values as a run, in a new folder `out/NAME-sweep-DATE`.

    `parameters` are the same for all. Where it was interrupted, `list(open_sweep(folder).train())` goes on. Raises as
    `new_sweep` and `Sweep.train` do.
    """
    return list(new_sweep(recipe, varied, parameters, out=out, checkpoints=checkpoints).train(hooks))


def new_sweep(
    recipe: Recipe,
    varied: Values,
    parameters: Mapping[str, Any],
    *,
    out: str = "runs",
    checkpoints: Mapping[str, Any] | None = None,
    asked: Mapping[str, Any] | None = None,
) -> Sweep:
    """A new folder for a sweep of which nothing is trained yet.

    Raises `RecipeError` for parameters that the recipe does not have, or values that they cannot take, and `RunError`
    where the folder cannot be made.
    """
    values = checked(recipe, varied)
    complete = {name: plain(value) for name, value in recipe.complete(parameters).items() if name not in values}
    folder = _new_folder(Path(out), f"{recipe.name}-sweep-{datetime.now().astimezone():%Y%m%d-%H%M%S}")
    made = Sweep(folder, recipe, values, recipe.kept(complete), dict(checkpoints or {}), dict(asked or {}))
    write_json(folder / FILE, {"recipe": recipe.target, **{name: getattr(made, name) for name in _KEPT}})
    return made


def _new_folder(out: Path, stem: str) -> Path:
    taken = {path.name for path in out.glob(f"{stem}*")}
    folder = out / next(name for name in (stem, *(f"{stem}-{n}" for n in range(2, 1000))) if name not in taken)
    with writing(folder):
        folder.mkdir(parents=True)
    return folder


def open_sweep(folder: Path | str) -> Sweep:
    """The sweep of a folder, to go on with. Raises `RunError` where it is none."""
    kept = read_json(Path(folder) / FILE)
    wrong = [name for name in _KEPT if not (isinstance(kept, dict) and isinstance(kept.get(name), dict))]
    if wrong or not kept.get("recipe"):
        raise RunError(f"{Path(folder) / FILE} is damaged. Bring it back, or begin the sweep anew.")
    return Sweep(Path(folder), load(kept["recipe"]), **{name: kept[name] for name in _KEPT})
